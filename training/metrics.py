"""How good a confidence is, by the field's names. Formulas in each docstring; everything is in [0, 1] or a loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from router.features import Floats

BINS = 15
"""Bins of equal mass that calibration is looked at in."""

_EDGE = 1e-6  # log-loss counts a chance as at least this far from 0 and 1, so that one sure error is not infinite


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


def log_loss(confidence: Floats, good: Floats) -> float:
    """The mean of ``-ln`` of the chance given to what happened, with chances kept 1e-6 off 0 and 1."""
    chance = np.clip(confidence, _EDGE, 1 - _EDGE)
    return float(-np.mean(good * np.log(chance) + (1 - good) * np.log1p(-chance)))


def ece(confidence: Floats, good: Floats, *, bins: int = BINS) -> float:
    """Expected calibration error over ``bins`` bins of equal mass: the mean of |confidence - outcome| per bin."""
    parts = _parts(confidence, bins)
    return float(sum(len(part) * abs(confidence[part].mean() - good[part].mean()) for part in parts) / len(confidence))


def debiased_ece(confidence: Floats, good: Floats, *, bins: int = BINS) -> float:
    """:func:`ece` less its jackknife estimate of bias: ``n ECE - (n - 1) mean_i ECE_(-i)``, at least 0.

    Chance alone puts every bin a little off, so the plain figure is too high in small samples. With ``S`` the sum of
    ``d = confidence - outcome`` in a bin that keeps its place, the sum over bins is ``sum_i (|S| - |S - d_i|) / n``.
    """
    total = 0.0
    for part in _parts(confidence, bins):
        off = confidence[part] - good[part]
        total += float((abs(off.sum()) - np.abs(off.sum() - off)).sum())
    return max(0.0, total / len(confidence))


def aurc(confidence: Floats, good: Floats) -> float:
    """Area under the risk-coverage curve: the mean over k of the error among the k most confident answers.

    Answers of equal confidence count as being in random order (Geifman and El-Yaniv 2017).
    """
    _, place, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    risk = np.bincount(place, weights=1 - good) / counts
    errors = np.cumsum(np.repeat(risk, counts))
    return float(np.mean(errors / np.arange(1, len(errors) + 1)))


def reliability(confidence: Floats, good: Floats, *, bins: int = BINS) -> list[dict[str, float | int]]:
    """Per bin of equal mass the mean confidence, the share that was good, and how many."""
    return [
        {"confidence": float(confidence[part].mean()), "observed": float(good[part].mean()), "n": len(part)}
        for part in _parts(confidence, bins)
    ]


def graded(confidence: Floats, good: Floats) -> dict[str, float | None]:
    """Every figure of a confidence; None where it has no value (AUROC with one class only)."""
    if not len(confidence):
        return dict.fromkeys(("auroc", "ece", "debiased_ece", "brier", "aurc", "log_loss"))
    found = {
        "auroc": auroc(confidence, good),
        "ece": ece(confidence, good),
        "debiased_ece": debiased_ece(confidence, good),
        "brier": brier(confidence, good),
        "aurc": aurc(confidence, good),
        "log_loss": log_loss(confidence, good),
    }
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _parts(confidence: Floats, bins: int) -> list[Any]:
    """Rows of each bin of equal mass, lowest confidence first."""
    order = np.argsort(confidence, kind="stable")
    return np.array_split(order, min(bins, len(order))) if len(order) else []


def interval(values: Floats, keys: Sequence[str], *, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval for the mean, drawing whole clusters of rows that share a key."""
    from training.bootstrap import Bootstrap

    return Bootstrap(keys, draws=draws, seed=seed).interval(values)
