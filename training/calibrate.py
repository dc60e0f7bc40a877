"""Calibration: from logits to probabilities, on rows that the estimators were not fitted on."""

from __future__ import annotations

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from router.estimators import Calibration, sigmoid
from router.features import Floats
from training.prompt_fit import ACCEPTABLE

ISOTONIC_FROM = 1000
"""Rows from which isotonic regression is used; below it Platt scaling, which has two parameters, is safer."""


def fit_calibration(logits: Floats, quality: Floats) -> Calibration:
    """Fit one map per tier: ``logits`` and ``quality`` are (n, K).

    Platt scaling (Platt 1999) on the logit, or from ``ISOTONIC_FROM`` rows isotonic regression (Zadrozny and
    Elkan 2002). A tier whose calibration rows hold one class only keeps its logits as they are.
    """
    isotonic = len(logits) >= ISOTONIC_FROM
    slopes, shifts, knots = [], [], []
    for column, labels in zip(logits.T, quality.T, strict=True):
        target = (labels >= ACCEPTABLE).astype(int)
        slope, shift, knot = 1.0, 0.0, (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
        if target.min() != target.max():
            if isotonic:
                knot = _isotonic(sigmoid(column), target)
            else:
                platt = LogisticRegression(C=1e3).fit(column[:, None], target)
                slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
        slopes.append(slope)
        shifts.append(shift)
        knots.append(knot)
    width = max(len(x) for x, _ in knots)
    return Calibration(
        slope=np.array(slopes),
        shift=np.array(shifts),
        x=np.array([np.pad(x, (0, width - len(x)), mode="edge") for x, _ in knots]),
        y=np.array([np.pad(y, (0, width - len(y)), mode="edge") for _, y in knots]),
    )


def _isotonic(chances: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The knots of an isotonic fit, kept off 0 and 1 by one pseudo-count: nothing is ever certain."""
    fitted = IsotonicRegression(out_of_bounds="clip").fit(chances, target)
    margin = 1 / (len(target) + 2)
    return fitted.X_thresholds_, np.clip(fitted.y_thresholds_, margin, 1 - margin)
