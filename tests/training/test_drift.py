"""Drift: silent while traffic is what it was, loud when it is not. All traffic here is simulated."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from router.errors import InputError
from router.features import HAND
from training.audited import evidence
from training.drift import drift
from training.reference import SAMPLE, reference_from, reference_of
from training.window import Window

DIMENSIONS = len(HAND)


def window(n, *, seed, score=0.0, cost=1.0, large=0.3, prompts=0.0):
    """Simulated traffic; each argument moves one thing."""
    rng = np.random.default_rng(seed)
    return Window(
        score=1 / (1 + np.exp(-rng.normal(score, 1, n))),
        cost=rng.lognormal(0, 1, n) * 1000 * cost,
        tier=tuple(np.where(rng.random(n) < large, "large", "small").tolist()),
        hand=np.exp(rng.normal(prompts, 0.5, (n, DIMENSIONS))),
        quality=np.full(n, np.nan),
    )


REFERENCE = reference_of(window(2000, seed=0), target=0.8)


def test_no_alarm_while_nothing_moves():
    """Over simulated windows like training's: alarms in at most 1.4 %, watches in at most 5 %, as stated."""
    levels = [drift(REFERENCE, window(200, seed=seed)).level for seed in range(1, 61)]
    # Of 60 trials; three standard errors are 4.6 points of the one and 8.4 of the other.
    assert levels.count("alarm") <= 3
    assert levels.count("watch") <= 8


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"score": -1.0}, "spread of the confidence has moved"),
        ({"cost": 3.0}, "spread of the cost has moved"),
        ({"large": 0.7}, "spread of the tier that answered has moved"),
        ({"prompts": 0.5}, "prompts differ from those of training.*both halves"),
    ],
)
def test_an_alarm_when_something_moves(moved, words):
    """A shift of one quantity is an alarm that names it."""
    found = drift(REFERENCE, window(400, seed=5, **moved))
    assert found.level == "alarm"
    assert any(re.search(words, reason) for reason in found.reasons)


def test_scores_that_stop_coming_are_drift():
    """A provider that no longer returns log-probabilities leaves no score: missing values are a bin of their own."""
    seen = window(300, seed=2)
    found = drift(REFERENCE, replace(seen, score=np.full(300, math.nan)))
    assert found.level == "alarm"
    assert "confidence" in found.reasons[0]


def test_a_small_shift_is_watched():
    """A PSI between 0.1 and 0.25 that is no accident is a watch."""
    found = drift(REFERENCE, window(3000, seed=3, score=-0.42))
    assert 0.1 < found.shifts["score"].psi < 0.25
    assert found.level == "watch"


def test_a_large_psi_of_few_requests_means_nothing():
    """Sixty requests have a PSI above 0.1 without any drift; the p-value knows."""
    shifts = [REFERENCE.score.shift(window(60, seed=seed).score) for seed in range(50)]
    assert sum(shift.psi > 0.1 for shift in shifts) > 20
    assert sum(shift.p_value < 0.01 for shift in shifts) <= 3


def test_too_few_requests_are_not_compared():
    """Under fifty requests the verdict is none, and says why."""
    found = drift(REFERENCE, window(20, seed=1, score=-3))
    assert found.level == "none"
    assert "too few" in found.reasons[0]


def test_prompts_whose_text_was_not_kept_are_not_compared():
    """Without texts the other quantities are still watched, and the verdict says what is missing."""
    seen = window(300, seed=2)
    hand = np.where(np.arange(300)[:, None] < 280, np.nan, seen.hand)
    found = drift(REFERENCE, replace(seen, hand=hand))
    assert found.prompts is None
    assert any("20 prompts was kept" in reason for reason in found.reasons)


def test_a_reference_survives_json_and_is_small():
    """What travels in a bundle's facts gives the same verdict, in less than 100 kB."""
    told = json.dumps(REFERENCE.as_dict(), allow_nan=False)
    again = reference_from(json.loads(told))
    assert len(told) < 100_000
    assert again.sample.shape == (SAMPLE, DIMENSIONS)
    seen = window(300, seed=8, score=-1.0)
    assert drift(again, seen).as_dict() == drift(REFERENCE, seen).as_dict()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": ["log_chars"]}, "other prompt features"),
        ({"score": {"edges": [1.0], "shares": [1.0], "n": 3}}, "no drift reference that can be read"),
        ({"sample": "x"}, "no drift reference that can be read"),
    ],
)
def test_a_damaged_reference_is_refused(change, words):
    """What another version or a slip of the hand made is not compared with."""
    with pytest.raises(InputError, match=words):
        reference_from({**REFERENCE.as_dict(), **change})


def test_an_empty_reference_and_an_impossible_target_are_refused():
    """A reference is made of something, and the target is a mean quality."""
    with pytest.raises(InputError, match="no request"):
        reference_of(window(0, seed=0))
    with pytest.raises(InputError, match=r"not 1\.5"):
        reference_of(window(9, seed=0), target=1.5)


def test_the_quality_alarm_is_rarely_false_however_often_one_looks():
    """At the target exactly, over 1,000 labels looked at one by one, at most 5 % of simulated services ever alarm."""
    rng = np.random.default_rng(6)
    false = sum(evidence((rng.random(1000) < 0.8).astype(float), target=0.8).crossed(0.05) for _ in range(100))
    # Three standard errors of 100 trials are 6.5 points.
    assert false / 100 <= 0.115


def test_the_quality_alarm_is_rarely_false_with_weighted_labels():
    """Labels of the worst answers asked for first, weighted by one over their chance, accuse no good service."""
    rng = np.random.default_rng(7)
    false = 0
    for _ in range(100):
        hard = rng.random(2000) < 0.3
        quality = (rng.random(2000) < np.where(hard, 0.5, 0.93)).astype(float)  # 0.801 on average
        chance = np.where(hard, 0.5, 0.1)
        quality[rng.random(2000) >= chance] = math.nan
        false += evidence(quality, target=0.8, weight=1 / chance).crossed(0.05)
    assert false / 100 <= 0.115


def test_bad_answers_set_the_quality_alarm_off():
    """Quality ten points under the target is noticed, and the reason names the target and the certainty."""
    rng = np.random.default_rng(8)
    process = evidence((rng.random(600) < 0.65).astype(float), target=0.8)
    found = drift(REFERENCE, window(20, seed=1), quality=process)
    assert found.level == "alarm"
    assert "fell below 0.8" in found.reasons[0]
    assert found.as_dict()["quality"]["labels"] == 600
