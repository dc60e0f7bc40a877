"""Calibration: what was fitted is what is applied, and the identity changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from router.estimators import Calibration, sigmoid

LOGITS = np.array([-2.0, 2.0])


def calibration(x, y):
    return Calibration(slope=np.ones(2), shift=np.zeros(2), x=np.array(x, float), y=np.array(y, float))


@pytest.mark.parametrize("knots", [[[0, 1], [0, 1]], [[0, 1, 1], [0, 1, 1]]])
def test_the_identity_leaves_platts_chances_alone(knots):
    """Whether it is stored as two knots or padded to the width of another tier's."""
    assert calibration(knots, knots).apply(LOGITS) == pytest.approx(sigmoid(LOGITS))


def test_two_knots_that_were_fitted_are_applied():
    """An isotonic fit of few steps has two knots as the identity has, and must not be taken for it."""
    fitted = calibration([[0.001, 0.955]] * 2, [[0.2, 0.3]] * 2)

    assert fitted.apply(np.array([-50.0, 50.0])).tolist() == [0.2, 0.3]


def test_one_tiers_identity_does_not_hide_another_tiers_fit():
    mixed = calibration([[0, 1], [0, 1]], [[0, 1], [0.4, 0.4]])

    assert mixed.apply(LOGITS) == pytest.approx([sigmoid(LOGITS)[0], 0.4])
