"""What the runtime computes equals what scikit-learn computes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from router.assess import Trained
from router.estimators import sigmoid
from router.features import prompt_features
from router.policy import Always
from tests.training.simulated import TIERS, random_prompts, records
from training.calibrate import fit_calibration
from training.fit import fit


@pytest.fixture(scope="module")
def fitted():
    return fit(records(600), TIERS, rungs=["prompt"])


def test_the_classifier_equals_scikit_learn_on_a_thousand_random_prompts(fitted):
    requests = random_prompts(1000)
    features = [prompt_features(request) for request in requests]
    expected = sigmoid(fitted.prompts.logits(features))

    found = np.array([sigmoid(fitted.bundle.estimators.prompt_logits(row)) for row in features])

    assert np.abs(found - expected).max() < 1e-6
    assert np.ptp(expected) > 0.5  # the prompts do differ in what they promise


def test_the_calibrated_chance_is_what_the_assessor_says(fitted):
    assessor = Trained(TIERS, fitted.bundle.estimators)
    request = random_prompts(1)[0]
    logits = fitted.prompts.logits([prompt_features(request)])[0]

    expected = fitted.prompt_calibration.apply(logits)

    assert assessor.begin(request).quality == pytest.approx(tuple(expected), abs=1e-9)


def test_isotonic_calibration_equals_scikit_learns():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(4000, 2)) * 2
    labels = (rng.random((4000, 2)) < sigmoid(logits * 0.5 + 0.3)).astype(float)

    calibration = fit_calibration(logits, labels)

    for tier in range(2):
        reference = IsotonicRegression(out_of_bounds="clip").fit(sigmoid(logits[:, tier]), labels[:, tier])
        fresh = rng.normal(size=300) * 2
        found = np.array([calibration.apply(np.array([value, value]))[tier] for value in fresh])
        assert np.abs(found - reference.predict(sigmoid(fresh))).max() <= 1 / 4002 + 1e-9  # kept off 0 and 1


@pytest.mark.parametrize("n", [300, 3000])
def test_calibration_improves_what_is_badly_scaled(n):
    rng = np.random.default_rng(5)
    honest = rng.normal(size=(n, 1)) * 1.5
    labels = (rng.random((n, 1)) < sigmoid(honest)).astype(float)
    shouted = honest * 4 + 1
    half = n // 2

    calibration = fit_calibration(shouted[:half], labels[:half])

    raw = sigmoid(shouted[half:, 0])
    found = np.array([calibration.apply(row)[0] for row in shouted[half:]])
    truth = labels[half:, 0]
    assert ((found - truth) ** 2).mean() < ((raw - truth) ** 2).mean() - 0.02


def test_an_unfitted_bundle_asks_the_strongest_tier(fitted):
    assert isinstance(fitted.bundle.rule, Always)
    assert fitted.bundle.rule.rank is None
    assert fitted.bundle.best_single == "large"
