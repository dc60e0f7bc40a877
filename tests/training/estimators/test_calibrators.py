"""Calibrators: held-out maps, what they export, and which one suits how many labels."""

from __future__ import annotations

import numpy as np
import pytest

from router.errors import InputError
from router.estimators import sigmoid
from training.estimators import (
    IsotonicCalibrator,
    PlattCalibrator,
    VennAbersCalibrator,
    calibrator_for,
    cross_calibrate,
)


def simulated(n=400, *, seed=0):
    random = np.random.default_rng(seed)
    logit = random.normal(size=n)
    return 2 * logit, (random.random(n) < sigmoid(logit)).astype(float)


def test_few_labels_get_two_parameters_and_many_any_shape():
    """Platt below a thousand labels, Venn-Abers from there."""
    assert isinstance(calibrator_for(999), PlattCalibrator)
    assert isinstance(calibrator_for(1000), VennAbersCalibrator)


@pytest.mark.parametrize("calibrator", [PlattCalibrator(), IsotonicCalibrator(), VennAbersCalibrator()], ids=repr)
def test_a_folds_probabilities_do_not_depend_on_its_labels(calibrator):
    """Turning every label of a fold round leaves the fold's own calibrated probabilities as they were."""
    logits, quality = simulated()
    folds = np.arange(400) % 5
    turned = np.where(folds == 2, 1 - quality, quality)
    first = cross_calibrate(logits, quality=quality, folds=folds, calibrator=calibrator)
    second = cross_calibrate(logits, quality=turned, folds=folds, calibrator=calibrator)

    assert np.array_equal(first.chances[folds == 2], second.chances[folds == 2])
    assert not np.array_equal(first.chances[folds == 1], second.chances[folds == 1])


def test_the_final_map_is_fitted_on_all_rows():
    """It equals the calibrator fitted on every row at once."""
    logits, quality = simulated()
    found = cross_calibrate(logits, quality=quality, folds=np.arange(400) % 5)
    whole = PlattCalibrator().fit(logits[:, None], quality)

    assert found.final.export().slope == pytest.approx(whole.export().slope)


def test_unlabelled_rows_are_calibrated_and_do_not_count():
    """NaN is unlabelled: it changes no map, and the row gets a probability all the same."""
    logits, quality = simulated()
    folds = np.arange(400) % 5
    some = np.append(quality, np.nan)
    found = cross_calibrate(np.append(logits, 0.3), quality=some, folds=np.append(folds, 0))

    assert found.chances[:400] == pytest.approx(cross_calibrate(logits, quality=quality, folds=folds).chances)
    assert 0 < found.chances[400] < 1


@pytest.mark.parametrize(
    ("logits", "quality", "words"),
    [
        ([0.0, 1.0], [1.0], "differ in length"),
        ([0.0, np.nan], [1.0, 0.0], "is not finite"),
        ([0.0, 1.0], [1.0, np.nan], "no labelled row is left"),
    ],
)
def test_bad_input_is_one_sentence(logits, quality, words):
    """Lengths that differ, logits that could not be held out and folds without labels are told."""
    with pytest.raises(InputError, match=words):
        cross_calibrate(logits, quality=quality, folds=np.arange(len(logits)))


def test_venn_abers_bounds_hold_the_probability_and_narrow_with_labels():
    """The probability lies between the two bounds, and more labels bring them nearer."""
    widths = []
    for n in (50, 2000):
        logits, quality = simulated(n)
        calibrator = VennAbersCalibrator().fit(logits[:, None], quality)
        rows = np.linspace(-2, 2, 41)[:, None]
        bounds, chance = calibrator.bounds(rows), calibrator.predict_proba(rows)[:, 1]
        assert (bounds.lower <= chance).all()
        assert (chance <= bounds.upper).all()
        widths.append(float(bounds.width.mean()))
    assert widths[1] < widths[0] / 2


def test_venn_abers_is_two_isotonic_fits():
    """At a calibration score, the bounds are those of isotonic regressions with the row added by hand."""
    from sklearn.isotonic import IsotonicRegression

    logits, quality = simulated(60)
    bounds = VennAbersCalibrator().fit(logits[:, None], quality).bounds(logits[:, None])
    for place in (0, 17, 42):
        for label, found in ((0.0, bounds.lower), (1.0, bounds.upper)):
            fitted = IsotonicRegression().fit(np.append(logits, logits[place]), np.append(quality, label))
            assert found[place] == pytest.approx(fitted.predict([logits[place]])[0])
