"""Calibration of out-of-fold logits. All data is simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.estimators import sigmoid
from training.calibrate import ISOTONIC_FROM, applied, fit_calibration


def sample(n, *, slope=1.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 1)) * 2
    return logits, (rng.random((n, 1)) < sigmoid(slope * logits)).astype(float)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([-2.0, -0.2, 0.0, 0.2, 2.0]), st.sampled_from([20, 200, 1200]))
def test_a_calibration_never_falls(seed, slope, n):
    """A higher logit never comes out as a lower chance, not even where the labels say so: the ranking stays."""
    logits, labels = sample(n, slope=slope, seed=seed)

    found = fit_calibration(logits, labels)

    chances = applied(found, np.linspace(-8, 8, 100)[:, None])[:, 0]
    assert (np.diff(chances) >= -1e-12).all()
    assert ((chances >= 0) & (chances <= 1)).all()


def test_where_there_is_no_slope_the_base_rate_is_told():
    """Logits that rank the wrong way round are worth nothing, and their sign is no secret to be turned to use."""
    logits, labels = sample(400, slope=-1.5)

    found = fit_calibration(logits, labels)

    assert found.slope.tolist() == [0.0]
    assert applied(found, logits)[:, 0] == pytest.approx(np.full(400, labels.mean()))


def test_weights_move_the_base_rate_and_the_slope():
    """A row of weight 2 counts as two rows."""
    logits, labels = sample(150, slope=0.7)
    times = np.random.default_rng(2).integers(1, 4, 150)
    rows = np.repeat(np.arange(150), times)

    one = fit_calibration(logits, labels, weight=times[:, None].astype(float))
    other = fit_calibration(logits[rows], labels[rows])

    assert one.slope == pytest.approx(other.slope, abs=1e-3)
    assert one.shift == pytest.approx(other.shift, abs=1e-3)


def test_rows_without_a_label_are_left_out():
    """NaN is no label; a weight of 0 neither."""
    logits, labels = sample(300)
    part = labels.copy()
    part[::3] = np.nan
    keep = np.arange(300) % 3 != 0

    one = fit_calibration(logits, part)
    other = fit_calibration(logits[keep], labels[keep])
    third = fit_calibration(logits, labels, weight=keep[:, None].astype(float))

    assert one.slope == pytest.approx(other.slope)
    assert third.slope == pytest.approx(other.slope)


@pytest.mark.parametrize("labels", [np.ones((50, 1)), np.zeros((50, 1)), np.full((50, 1), np.nan)])
def test_a_tier_without_labels_of_both_kinds_keeps_its_logits(labels):
    """There is nothing to fit a map on."""
    logits, _ = sample(50)

    assert applied(fit_calibration(logits, labels), logits) == pytest.approx(sigmoid(logits))


def test_labels_between_are_calibrated_to_their_mean():
    """Soft labels count in proportion."""
    logits = np.zeros((40, 1))
    logits[:20] = 1.0
    labels = np.where(logits == 1.0, 0.8, 0.3)

    chances = applied(fit_calibration(logits, labels), np.array([[0.0], [1.0]]))[:, 0]

    assert chances == pytest.approx([0.3, 0.8], abs=0.01)


def test_from_a_thousand_rows_on_the_map_may_bend():
    """Isotonic regression finds a step that Platt scaling smooths over; its ends keep off 0 and 1."""
    rng = np.random.default_rng(3)
    logits = rng.uniform(-3, 3, size=(2 * ISOTONIC_FROM, 1))
    labels = (logits > 0).astype(float)

    found = fit_calibration(logits, labels)

    chances = applied(found, np.array([[-2.0], [-0.1], [0.1], [2.0]]))[:, 0]
    assert chances == pytest.approx([0, 0, 1, 1], abs=0.01)
    assert 0 < chances.min() < chances.max() < 1
