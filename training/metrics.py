"""How good a confidence is, by the field's names. Formulas in each docstring; everything is in [0, 1] or a loss.

``weight`` (n,), where given, counts an answer as so many: one over the probability that it was looked at. Without it
every answer counts once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from router.features import Floats

BINS = 15
"""Bins of equal mass that calibration is looked at in."""

_EDGE = 1e-6  # log-loss counts a chance as at least this far from 0 and 1, so that one sure error is not infinite


def auroc(confidence: Floats, good: Floats, *, weight: Floats | None = None) -> float:
    """The chance that a good answer gets the higher confidence than a bad one, ties half; NaN with one class only."""
    won = good.astype(bool)
    if won.all() or not won.any():
        return math.nan
    mass = _mass(confidence, weight)
    _, place = np.unique(confidence, return_inverse=True)
    better = np.bincount(place, weights=mass * won)
    worse = np.bincount(place, weights=mass * ~won)
    below = np.cumsum(worse) - worse / 2
    return float((better @ below) / (better.sum() * worse.sum()))


def brier(confidence: Floats, good: Floats, *, weight: Floats | None = None) -> float:
    """The mean squared difference between confidence and outcome (Brier 1950)."""
    return float(np.average((confidence - good) ** 2, weights=weight))


def log_loss(confidence: Floats, good: Floats, *, weight: Floats | None = None) -> float:
    """The mean of ``-ln`` of the chance given to what happened, with chances kept 1e-6 off 0 and 1."""
    chance = np.clip(confidence, _EDGE, 1 - _EDGE)
    return float(-np.average(good * np.log(chance) + (1 - good) * np.log1p(-chance), weights=weight))


def ece(confidence: Floats, good: Floats, *, bins: int = BINS, weight: Floats | None = None) -> float:
    """Expected calibration error over ``bins`` bins of equal mass: the mean of |confidence - outcome| per bin."""
    mass = _mass(confidence, weight)
    off = mass * (confidence - good)
    return float(sum(abs(off[part].sum()) for part in _parts(confidence, mass, bins)) / mass.sum())


def debiased_ece(confidence: Floats, good: Floats, *, bins: int = BINS, weight: Floats | None = None) -> float:
    """:func:`ece` less its jackknife estimate of bias: ``n ECE - (n - 1) mean_i ECE_(-i)``, at least 0.

    Chance alone puts every bin a little off, so the plain figure is too high in small samples. With ``S`` the sum of
    ``d = confidence - outcome`` in a bin that keeps its place, the sum over bins is ``sum_i (|S| - |S - d_i|) / n``;
    under weights w, ``S`` sums ``w d`` and ECE_(-i) divides what is left by the weight that is left.
    """
    mass = _mass(confidence, weight)
    off = mass * (confidence - good)
    parts = _parts(confidence, mass, bins)
    n, total = len(confidence), float(mass.sum())
    whole = float(sum(abs(off[part].sum()) for part in parts))
    without = 0.0
    for part in parts:
        tally = off[part].sum()
        left = np.maximum(total - mass[part], 1e-300)
        without += float(((whole - abs(tally) + np.abs(tally - off[part])) / left).sum())
    return max(0.0, n * whole / total - (n - 1) / n * without)


def aurc(confidence: Floats, good: Floats, *, weight: Floats | None = None) -> float:
    """Area under the risk-coverage curve: the mean over k of the error among the k most confident answers.

    Answers of equal confidence count as being in random order (Geifman and El-Yaniv 2017).
    """
    mass = _mass(confidence, weight)
    _, place, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    risk = np.bincount(place, weights=mass * (1 - good)) / np.bincount(place, weights=mass)
    ordered = mass[np.argsort(-confidence, kind="stable")]
    errors = np.cumsum(np.repeat(risk, counts) * ordered)
    return float(np.average(errors / np.cumsum(ordered), weights=ordered))


def reliability(
    confidence: Floats, good: Floats, *, bins: int = BINS, weight: Floats | None = None
) -> list[dict[str, float | int]]:
    """Per bin of equal mass the mean confidence, the share that was good, and how many."""
    mass = _mass(confidence, weight)
    return [
        {
            "confidence": float(np.average(confidence[part], weights=mass[part])),
            "observed": float(np.average(good[part], weights=mass[part])),
            "n": len(part),
        }
        for part in _parts(confidence, mass, bins)
    ]


def graded(confidence: Floats, good: Floats, *, weight: Floats | None = None) -> dict[str, float | None]:
    """Every figure of a confidence; None where it has no value (AUROC with one class only)."""
    if not len(confidence):
        return dict.fromkeys(("auroc", "ece", "debiased_ece", "brier", "aurc", "log_loss"))
    found = {
        "auroc": auroc(confidence, good, weight=weight),
        "ece": ece(confidence, good, weight=weight),
        "debiased_ece": debiased_ece(confidence, good, weight=weight),
        "brier": brier(confidence, good, weight=weight),
        "aurc": aurc(confidence, good, weight=weight),
        "log_loss": log_loss(confidence, good, weight=weight),
    }
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _mass(confidence: Floats, weight: Floats | None) -> Floats:
    return np.ones(len(confidence)) if weight is None else weight


def _parts(confidence: Floats, mass: Floats, bins: int) -> list[Any]:
    """Rows of each bin of equal mass, lowest confidence first; a bin that a heavy row leaves empty is left out."""
    order = np.argsort(confidence, kind="stable")
    if not len(order):
        return []
    if np.ptp(mass) == 0:
        return np.array_split(order, min(bins, len(order)))
    reached = np.cumsum(mass[order]) - mass[order] / 2
    edges = np.searchsorted(reached, mass.sum() * np.arange(1, bins) / bins)
    return [part for part in np.split(order, edges) if len(part)]


def interval(
    values: Floats, keys: Sequence[str], *, weight: Floats | None = None, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval for the mean, drawing whole clusters of rows that share a key."""
    from training.bootstrap import Bootstrap

    return Bootstrap(keys, weight=weight, draws=draws, seed=seed).interval(values)
