"""The bundle that ships: trained on the sample that ships, and better than any of its tiers alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.bundle import load
from router.config import load as configuration
from router.planning import DEFAULT_BUNDLE, plan_of
from training.evaluate import evaluate
from training.fingerprint import fingerprint
from training.records import read

SAMPLE = Path(__file__).parents[2] / "data" / "sample.parquet"


@pytest.fixture(scope="module")
def settings():
    return configuration("preset:local")


@pytest.fixture(scope="module")
def sample(settings):
    return read(SAMPLE, settings.tiers)


@pytest.fixture(scope="module")
def result(settings, sample):
    return evaluate(sample.split("test"), plan_of(settings), split="test")


def test_it_names_the_data_it_came_from(sample):
    assert load(DEFAULT_BUNDLE).facts["data"] == fingerprint(sample)


def test_the_demo_prices_are_those_of_the_sample(settings):
    prices = json.loads((SAMPLE.parent / "prices.json").read_text())["prices"]

    for tier in settings.tiers.tiers:
        rates = tier.price.rates
        assert {"input": rates.input / 1e6, "output": rates.output / 1e6} == prices[tier.name]


def test_it_keeps_what_was_certified_at_lower_cost_than_always_strong(result):
    """At least 95 % of the strongest tier's quality, on rows that the certificate did not see, and for less money."""
    policy = result["policy"]
    assert load(DEFAULT_BUNDLE).facts["certificate"]["target"] == 0.95
    assert policy["share_of_strong_quality_interval"][0] > 0.95
    assert policy["cost_of_strong_interval"][1] < 1
    assert policy["quality"] > result["baselines"]["random_mix"]["quality"]


def test_its_confidence_is_ranked_and_calibrated(result):
    for figures in result["scorer"].values():
        assert figures["auroc"] > 0.8
        assert figures["ece"] < 0.1


def test_the_evaluation_has_the_shape_that_scripts_read(result):
    told = json.loads(json.dumps(result, allow_nan=False))

    assert {"policy", "baselines", "scorer", "n", "protocol"} <= told.keys()
    assert {"quality", "cost_per_1k", "escalation_rate", "cost_share"} <= told["policy"].keys()
    assert {"always_cheap", "always_strong", "best_single", "random_mix", "oracle"} <= told["baselines"].keys()
    assert all({"quality", "cost_per_1k"} <= row.keys() for row in told["baselines"].values())
    assert all({"auroc", "ece", "brier"} <= row.keys() for row in told["scorer"].values())
    assert told["n"] == 929
    assert sum(told["policy"]["cost_share"].values()) == pytest.approx(1)
