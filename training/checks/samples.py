"""The simulated rows that every check is run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags

from router.features import Floats


@dataclass(frozen=True)
class Sample:
    """``matrix`` (n, 3) and ``labels`` (n,): 0 and 1, or real numbers where the estimator is a regressor."""

    matrix: Floats
    labels: NDArray[Any]


def sample_for(estimator: Any, *, n: int = 240, seed: int = 0) -> Sample:
    """Simulated rows that suit ``estimator``: with missing numbers where it takes them, labels that can be learned."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(n, 3)) * [1.0, 2.0, 0.5] + [0.3, 0.0, 0.2]
    logit = matrix.sum(axis=1)
    if get_tags(estimator).input_tags.allow_nan:
        matrix[random.random(matrix.shape) < 0.1] = np.nan
    if get_tags(estimator).estimator_type == "regressor":
        return Sample(matrix, logit + random.normal(size=n))
    return Sample(matrix, (random.random(n) < 1 / (1 + np.exp(-logit))).astype(int))


def output(fitted: Any, matrix: Floats) -> Floats:
    """What a fitted estimator says of rows: the second class's probability, or its prediction."""
    if hasattr(fitted, "predict_proba"):
        chances: Floats = fitted.predict_proba(matrix)[:, 1]
        return chances
    values: Floats = fitted.predict(matrix)
    return values


def agree(one: Floats, other: Floats, *, within: float, what: str) -> None:
    """See that two arrays are equal but for ``within``.

    Raises:
        AssertionError: they are not; ``what`` says what that means.
    """
    apart = float(np.abs(np.asarray(one) - np.asarray(other)).max(initial=0.0))
    assert apart <= within, f"{what}: {apart:.3g} apart, and at most {within:.3g} is allowed"
