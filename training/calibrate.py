"""Calibration: from logits to probabilities, on logits that come from fits which did not see the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from router.estimators import Calibration, sigmoid
from router.features import Floats
from training.estimators.newton import Logistic

ISOTONIC_FROM = 1000
"""Rows from which isotonic regression is used; below it Platt scaling, which has two parameters, is safer."""

_LOOSE = 1e-3
"""The penalty on Platt's slope: it only keeps separable labels from an infinite one."""


@dataclass(frozen=True)
class Calibrated:
    """``final`` is the map that serves, fitted on all rows; ``chances`` (n, K) are each row's by the map of the other
    folds.
    """

    final: Calibration
    chances: Floats


def fit_calibration(logits: Floats, quality: Floats, *, weight: Floats | None = None) -> Calibration:
    """Fit one map per tier: ``logits``, ``quality`` and ``weight`` are (n, K).

    Platt scaling (Platt 1999) on the logit, or from ``ISOTONIC_FROM`` rows isotonic regression (Zadrozny and
    Elkan 2002). A tier without labels of both kinds keeps its logits as they are. NaN is no label.
    """
    mass = np.ones_like(logits) if weight is None else weight
    slopes, shifts, knots = [], [], []
    for column, labels, own in zip(logits.T, quality.T, mass.T, strict=True):
        known = ~np.isnan(labels) & (own > 0)
        raw, target = column[known], labels[known]
        slope, shift, knot = 1.0, 0.0, (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
        if known.any() and target.min() < 1 and target.max() > 0 and np.ptp(raw) > 0:
            if len(target) >= ISOTONIC_FROM:
                knot = _isotonic(sigmoid(raw), target, own[known])
            else:
                slope, shift = _platt(raw, target, own[known])
        slopes.append(slope)
        shifts.append(shift)
        knots.append(knot)
    return Calibration(slope=np.array(slopes), shift=np.array(shifts), **_padded(knots))


def calibrated_already(logits: Floats) -> Calibrated:
    """``logits`` (n, K) of estimators that predict qualities, with maps that change nothing.

    On the public pools a map per tier made the kernel heads' chances worse, and most of all their differences.
    """
    tiers = logits.shape[1]
    knots = np.tile([0.0, 1.0], (tiers, 1))
    identity = Calibration(slope=np.ones(tiers), shift=np.zeros(tiers), x=knots, y=knots.copy())
    return Calibrated(identity, sigmoid(logits))


def applied(calibration: Calibration, logits: Floats) -> Floats:
    """The calibrated probabilities (n, K) of logits (n, K)."""
    return np.array([calibration.apply(row) for row in logits]).reshape(logits.shape)


def _platt(logits: Floats, target: Floats, weight: Floats) -> tuple[float, float]:
    solver = Logistic(np.column_stack([logits, np.ones(len(logits))]), target=target, weight=weight)
    slope, shift = solver.solve(np.array([_LOOSE, 0.0]), tolerance=1e-8).tolist()
    if slope <= 0:  # a map that falls would turn the ranking round: nothing is known but the base rate
        rate = float(np.average(target, weights=weight))
        return 0.0, float(np.log(rate / (1 - rate)))
    return slope, shift


def _isotonic(chances: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The knots of an isotonic fit, kept off 0 and 1 by one pseudo-count: nothing is ever certain."""
    fitted = IsotonicRegression(out_of_bounds="clip").fit(chances, target, sample_weight=weight)
    margin = 1 / (len(target) + 2)
    return fitted.X_thresholds_, np.clip(fitted.y_thresholds_, margin, 1 - margin)


def _padded(knots: Sequence[tuple[Floats, Floats]]) -> dict[str, Floats]:
    width = max(len(x) for x, _ in knots)
    return {
        "x": np.array([np.pad(x, (0, width - len(x)), mode="edge") for x, _ in knots]),
        "y": np.array([np.pad(y, (0, width - len(y)), mode="edge") for _, y in knots]),
    }
