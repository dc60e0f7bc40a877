"""The maximum mean discrepancy: whether two samples of prompts come from one distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.features import Floats

FEATURES = 64
"""Random Fourier features by which the kernel is approximated."""

PERMUTATIONS = 499

PAIRS = 2000
"""Pairs of rows from which the median distance is taken."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """``squared``: the unbiased estimate of MMD^2, which may be below 0. ``p_value``: by permutation; at least
    1 / (PERMUTATIONS + 1). ``n``: rows of the second sample.
    """

    squared: float
    p_value: float
    n: int


def discrepancy(first: Floats, second: Floats, *, seed: int = 0) -> Discrepancy:
    """Compare two samples (m, d) and (n, d), each of at least two rows.

    MMD^2 with an RBF kernel whose width is the median distance (Gretton et al., "A Kernel Two-Sample Test", JMLR
    2012, equation 3), on 64 random Fourier features (Rahimi and Recht, 2007). Scale and width come from both samples
    together, so that under one distribution every split into two is as likely and the permutation test is exact.
    """
    rng = np.random.default_rng(seed)
    rows = np.concatenate((first, second))
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    width = _median_distance(rows, rng)
    if width == 0:
        return Discrepancy(0.0, 1.0, len(second))
    waves = rng.normal(0.0, 1 / width, (rows.shape[1], FEATURES // 2))
    angles = rows @ waves
    mapped = np.concatenate((np.cos(angles), np.sin(angles)), axis=1) / np.sqrt(FEATURES // 2)
    m, total = len(first), len(rows)
    assigned = np.zeros((PERMUTATIONS + 1, total))
    assigned[0, :m] = 1.0
    for place in range(1, PERMUTATIONS + 1):
        assigned[place, rng.permutation(total)[:m]] = 1.0
    found = _squared(mapped, assigned, m)
    # The observed split is one of the equally likely ones, hence it is counted too.
    return Discrepancy(float(found[0]), float((found >= found[0] - 1e-12).mean()), len(second))


def _squared(mapped: Floats, assigned: Floats, m: int) -> Floats:
    """The unbiased MMD^2 of each split: ``assigned`` (p, rows) is 1 for rows of the first sample."""
    n = mapped.shape[0] - m
    norms = (mapped**2).sum(axis=1)
    one = assigned @ mapped
    other = mapped.sum(axis=0) - one
    own = assigned @ norms
    within_one = ((one**2).sum(axis=1) - own) / (m * (m - 1))
    within_other = ((other**2).sum(axis=1) - (norms.sum() - own)) / (n * (n - 1))
    squared: Floats = within_one + within_other - 2 * (one * other).sum(axis=1) / (m * n)
    return squared


def _median_distance(rows: Floats, rng: np.random.Generator) -> float:
    pairs: NDArray[np.int64] = rng.integers(len(rows), size=(PAIRS, 2))
    distances = np.sqrt(((rows[pairs[:, 0]] - rows[pairs[:, 1]]) ** 2).sum(axis=1))
    positive = distances[distances > 0]
    return float(np.median(positive)) if positive.size else 0.0
