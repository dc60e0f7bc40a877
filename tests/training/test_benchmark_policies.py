"""The policy and certificate benchmarks' own arithmetic, on simulated data; the public data only where it is there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from router.policy import Always
from tests.training.simulated_tiers import logs, table, tiers
from training import public
from training.benchmarks import certificate, policies
from training.benchmarks.pools import Halves, halves
from training.hull import Mean, hull


@pytest.fixture(scope="module", autouse=True)
def smaller():
    """A fifth of the published population: enough for the second decimal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificate, "POPULATION", 200_000)
        yield


@pytest.fixture(scope="module")
def population(smaller):
    return certificate.simulated_population(seed=0)


def test_the_simulators_truth_is_what_it_says_it_is(population):
    """The cheap tier is right in about 62 %, the strong one in 85 %; as means over all draws."""
    cheap = population.quality[-1].mean()  # the last rule escalates one in twenty
    assert population.strong_mean == pytest.approx(0.85, abs=0.02)
    assert cheap == pytest.approx(0.62, abs=0.04)
    assert population.means[0] == population.strong_mean
    assert population.prices[0] == 100.0
    assert population.strongest == (True, *[False] * 23)


def test_the_simulators_rules_go_from_safe_to_cheap(population):
    """Ever cheaper, and ever worse from where escalating stops paying."""
    assert (np.diff(population.prices[1:]) < 0).all()
    assert population.means[1] > population.means[-1]
    assert population.prices[-1] == pytest.approx(15.0, abs=0.5)
    assert population.prices[1] == pytest.approx(105.0, abs=0.5)


def test_the_simulators_truth_does_not_hang_on_the_seed(population):
    """So many draws pin the means down to less than a hundredth."""
    other = certificate.simulated_population(seed=1)

    assert population.means == pytest.approx(other.means, abs=0.006)


def test_a_trial_knows_whether_it_missed(population):
    """By the shipped rule's true mean, and never for want of luck with the labels alone."""
    outcomes = [certificate._trial(population, 0.95, 300, seed=seed) for seed in range(30)]
    told, bounds = certificate._told(outcomes)

    assert told["miss_rate"] == np.mean([outcome.missed for outcome in outcomes])
    assert told["miss_rate"] <= 0.25  # 10 % allowed; thirty trials
    assert told["miss_rate_naive"] > told["miss_rate"]
    assert told["cost_over_naive"] == pytest.approx(told["cost"] - told["cost_naive"])
    assert bounds["miss_rate"][0] <= told["miss_rate"] <= bounds["miss_rate"][1]
    assert all(0 < outcome.cost <= 105.5 for outcome in outcomes)


def test_the_same_seed_gives_the_same_trial(population):
    """So that anybody can repeat it."""
    assert certificate._trial(population, 0.95, 200, seed=3) == certificate._trial(population, 0.95, 200, seed=3)


def test_with_more_labels_certainty_costs_less(population):
    """Averaged over trials."""
    few, many = (
        certificate._told([certificate._trial(population, 0.95, labels, seed=seed) for seed in range(10)])[0]["cost"]
        for labels in (100, 600)
    )

    assert many < few


def test_a_followed_rule_has_its_own_means():
    """Always-strong is the one that needs no proof."""
    held = table(200, count=3)

    found = certificate._followed([Always(2), Always(0)], held)

    assert found.strongest == (True, False)
    assert found.means.tolist() == [held.quality[:, 2].mean(), held.quality[:, 0].mean()]
    assert found.prices[0] == pytest.approx(100)


@pytest.fixture(scope="module")
def split():
    made = logs(220, count=3)
    return halves(made, tiers(3), n_train=120, seed=0)


def test_halves_share_no_prompt_and_leave_none_out(split):
    """What is judged on was not fitted on."""
    assert isinstance(split, Halves)
    assert len(split.train) == 120
    assert len(split.held) == 100
    assert not set(split.train.keys) & set(split.held.keys)
    assert split.rung in ("confidence", "prompt", "answer")


def test_every_family_is_measured_on_the_same_split(split):
    """Area under its curve and the cost of each target; the library's hull is the one of all that was tried."""
    found = policies._measured(split)

    assert set(found) == {*policies.RIVALS, "library"}
    for curve in found.values():
        assert set(curve) == {"area", "cost95", "cost98", "cost99"}
        assert 0 < curve["area"] <= 100
        costs = [curve[name] for name in ("cost95", "cost98", "cost99") if not math.isnan(curve[name])]
        assert costs == sorted(costs)
        assert all(0 < cost <= 130 for cost in costs)


def test_the_cost_of_a_quality_is_read_off_the_hull():
    """Between two vertices, at the cheapest below it, and not at all above the best."""
    vertices = hull([Mean(0.5, 1.0), Mean(0.9, 3.0)])

    assert policies._cost_at(vertices, 0.7) == pytest.approx(2.0)
    assert policies._cost_at(vertices, 0.4) == 1.0
    assert math.isnan(policies._cost_at(vertices, 0.95))


def test_a_split_that_does_not_reach_a_quality_pays_for_the_strongest_tier():
    """Which always works, so that nobody need pay more; and it is told how many splits reach it."""
    rows = [
        {"area": 60.0, "cost95": 40.0},
        {"area": 70.0, "cost95": math.nan},
        {"area": 80.0, "cost95": 60.0},
        {"area": 90.0, "cost95": 120.0},
    ]

    told = policies._means(rows)

    assert told == {"area": 75.0, "cost95": 75.0, "cost95_reached": 0.75}


def test_an_interval_holds_the_mean():
    """By a bootstrap over splits."""
    low, high = policies._interval([1.0, 2.0, 3.0, 4.0])

    assert low <= 2.5 <= high
    assert 1.0 <= low < high <= 4.0


@pytest.mark.skipif(
    not (public.folder() / "zellinger_cascades.parquet").is_file(), reason="the public benchmark data is not there"
)
def test_the_policies_benchmark_runs_on_the_public_pools(monkeypatch):
    """One split of 150 queries a pool, in the shape that scripts read."""
    records, ladder = policies.pool("llama3")
    few = replace(records, queries=records.queries[:700])
    monkeypatch.setattr(policies, "pool", lambda _: (few, ladder))
    monkeypatch.setattr(policies, "SIZES", (150,))
    monkeypatch.setattr(policies, "POOLS", ("llama3",))
    monkeypatch.setattr(policies, "FAMILIES", ("single", "cost_aware", "induction"))
    monkeypatch.setattr(policies, "RIVALS", ("single", "cost_aware", "induction"))

    found = policies.run(trials=1).as_dict()

    assert found["name"] == "policies"
    assert set(found["metrics"]) == {"llama3", "win_share"}
    assert set(found["metrics"]["win_share"]) == {"single", "cost_aware"}
    assert {"area", "cost95", "cost98", "cost99", "win_share"} <= set(found["metrics"]["llama3"]["cost_aware"])
    assert found["seeds"] == [0]
    assert found["seconds"] > 0
