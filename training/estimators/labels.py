"""Reading the two classes of a label column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight

from router.errors import InputError
from router.features import Floats


@dataclass(frozen=True)
class Binary:
    """Labels of two kinds: ``classes`` (2,), ``target`` (n,) 1.0 for the second class, ``weight`` (n,)."""

    classes: NDArray[Any]
    target: Floats
    weight: Floats


def read_binary(y: ArrayLike, *, matrix: Floats, sample_weight: ArrayLike | None) -> Binary:
    """Read the labels and weights of ``matrix`` (n, d).

    Rows without weight say nothing of the classes. One class alone is understood where it is called 0 or 1, since
    then the other one's name is known.

    Raises:
        ValueError: the labels are not of two kinds, or no weight is above 0.
    """
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise InputError(f"Only binary classification is supported. The type of the target is {kind}.")
    weight: Floats = _check_sample_weight(
        sample_weight, matrix, dtype=np.float64, ensure_non_negative=True, allow_all_zero_weights=False
    )
    labels = np.asarray(y)
    classes = np.unique(labels[weight > 0])
    if len(classes) == 1 and classes.dtype.kind in "biuf" and classes[0] in {0, 1}:
        classes = np.array([0, 1], classes.dtype)
    return Binary(classes, (labels == classes[-1]).astype(float), weight)


def need_both(binary: Binary) -> None:
    """See that there is something to learn from.

    Raises:
        InputError: all rows with weight are of one class.
    """
    found = np.unique(binary.target[binary.weight > 0])
    if len(found) < 2:
        raise InputError("every label is of one class, and there is nothing to learn from one class; label more rows")
