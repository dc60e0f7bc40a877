"""Contracts of calibrators: one logit in, a probability out."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from router.estimators import sigmoid
from router.features import Floats
from training.metrics import ece


def _overconfident(n: int, *, seed: int) -> tuple[Floats, Floats]:
    """Simulated logits (n, 1) that are three times too large, and labels (n,)."""
    random = np.random.default_rng(seed)
    logit = random.normal(size=n)
    return 3 * logit[:, None] + 0.5, (random.random(n) < sigmoid(logit)).astype(float)


def check_monotone_calibration(estimator: Any) -> None:
    """A larger logit never gets a smaller probability, even where the labels say the opposite."""
    logits, labels = _overconfident(300, seed=4)
    grid = np.linspace(-20, 20, 401)[:, None]
    for target in (labels, 1 - labels):
        chances = clone(estimator).fit(logits, target).predict_proba(grid)[:, 1]
        assert (np.diff(chances) >= -1e-12).all(), "a larger logit got a smaller probability"


def check_calibration_is_never_certain(estimator: Any) -> None:
    """No probability is 0 or 1 at logits up to 8 either way, though every label agrees: labels are finite."""
    logits = np.linspace(-4, 4, 60)[:, None]
    fitted = clone(estimator).fit(logits, (logits[:, 0] > 0).astype(int))
    chances = fitted.predict_proba(np.linspace(-8, 8, 161)[:, None])[:, 1]
    assert chances.min() > 0, "some answer is certainly bad after 60 labels"
    assert chances.max() < 1, "some answer is certainly good after 60 labels"


def check_calibration_lowers_ece(estimator: Any) -> None:
    """Logits that are three times too large come out calibrated: the error on fresh rows at least halves."""
    logits, labels = _overconfident(2000, seed=5)
    fresh, truth = _overconfident(2000, seed=6)
    before = ece(sigmoid(fresh[:, 0]), truth)
    after = ece(clone(estimator).fit(logits, labels).predict_proba(fresh)[:, 1], truth)
    assert after <= before / 2, f"the calibration error went from {before:.3f} to {after:.3f} only"
