"""Metrics by the field's names. Formulas in each docstring; ``quality`` and ``confidence`` are in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from router.features import Floats


def auroc(confidence: Floats, good: Floats) -> float:
    """The chance that a good answer gets the higher confidence than a bad one, ties half; NaN with one class only."""
    won = good.astype(bool)
    n_good, n_bad = int(won.sum()), int(np.logical_not(won).sum())
    if not n_good or not n_bad:
        return math.nan
    _, place, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[won].sum() - n_good * (n_good + 1) / 2) / (n_good * n_bad))


def brier(confidence: Floats, good: Floats) -> float:
    """The mean squared difference between confidence and outcome (Brier 1950)."""
    return float(np.mean((confidence - good) ** 2))


def ece(confidence: Floats, good: Floats, *, bins: int = 15) -> float:
    """Expected calibration error over ``bins`` bins of equal mass: the mean of |confidence - outcome| per bin."""
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return float(sum(len(part) * abs(confidence[part].mean() - good[part].mean()) for part in parts) / len(order))


def interval(values: Floats, keys: Sequence[str], *, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval for the mean, drawing whole clusters of rows that share a key."""
    _, cluster = np.unique(np.array(keys), return_inverse=True)
    sums = np.bincount(cluster, weights=values)
    sizes = np.bincount(cluster)
    random = np.random.default_rng(seed)
    chosen = random.integers(0, len(sums), (draws, len(sums)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
