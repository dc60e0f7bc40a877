"""Soft labels for classifiers that know hard ones only."""

# ruff: noqa: N803, N806 - X is scikit-learn's name
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats


@dataclass(frozen=True)
class SoftRows:
    """Rows that a weighted binary classifier can be fitted on.

    ``X`` (m, d), ``y`` (m,) of 0 and 1, ``weight`` (m,) above 0, ``source`` (m,) the row each one was made of:
    ``groups[rows.source]`` are their groups.
    """

    X: Floats
    y: NDArray[np.int64]
    weight: Floats
    source: NDArray[np.intp]


def soft_rows(X: Floats, quality: Floats, weight: Floats | None = None) -> SoftRows:
    """Write each label q between 0 and 1 as two rows, y = 1 with weight q and y = 0 with weight 1 - q.

    The weighted log-loss of the two is the cross-entropy to q. ``X`` (n, d), ``quality`` (n,) in [0, 1], ``weight``
    (n,) the labels' own weights, default 1. Labels that are exactly 0 or 1 stay single rows, unlabelled rows (NaN)
    and rows without weight are left out, and the order is kept.

    Raises:
        InputError: a label outside [0, 1], a weight below 0 or not finite, or lengths that differ.

    >>> rows = soft_rows(np.array([[5.0], [6.0], [7.0]]), np.array([1.0, 0.25, np.nan]))
    >>> rows.X.ravel().tolist(), rows.y.tolist(), rows.weight.tolist()
    ([5.0, 6.0, 6.0], [1, 1, 0], [1.0, 0.25, 0.75])
    """
    X, quality = np.asarray(X, float), np.asarray(quality, float)
    own = np.ones(len(quality)) if weight is None else np.asarray(weight, float)
    if not len(X) == len(quality) == len(own):
        raise InputError(f"{len(X)} rows, {len(quality)} labels and {len(own)} weights; give one of each per row")
    wrong = ~np.isnan(quality) & ~((quality >= 0) & (quality <= 1))
    if wrong.any():
        place = int(wrong.argmax())
        raise InputError(f"the label of row {place} is {quality[place]:g}; qualities are between 0 and 1")
    if not (np.isfinite(own) & (own >= 0)).all():
        raise InputError("a label's weight is below 0 or not finite; give weights of 0 or more")
    shares = np.column_stack((quality, 1 - quality)) * own[:, None]
    source, side = np.nonzero(shares > 0)  # false for NaN: unlabelled is never zero
    return SoftRows(X[source], 1 - side, shares[source, side], source)
