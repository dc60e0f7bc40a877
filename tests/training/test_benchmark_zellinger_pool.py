"""The pool benchmark's own arithmetic on simulated tables; the public data only where it is there."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from router.errors import InputError
from router.policy import Always
from router.pricing import NANO
from tests.training.simulated_tiers import logs, table
from training import public
from training.benchmarks import zellinger_pool
from training.benchmarks.curve_reading import TARGETS, cost_at, followed, oracle, read, regret, routed
from training.benchmarks.pools import parts
from training.hull import Mean, hull


@pytest.fixture(scope="module")
def found():
    return table(200, count=3)


@pytest.fixture(scope="module")
def split():
    return zellinger_pool._split("llama3", 150, 0, table(150, count=3), table(200, count=3, seed=5), None, "prompt")


def test_a_curve_is_read_between_the_cheapest_and_the_strongest_tier():
    """By hand: cost at a quality lies on the line between vertices, and is nothing where no vertex reaches it."""
    vertices = [Mean(0.6, 1.0), Mean(0.8, 3.0)]

    assert cost_at(vertices, 0.7) == pytest.approx(2.0)
    assert cost_at(vertices, 0.5) == 1.0
    assert math.isnan(cost_at(vertices, 0.81))


def test_always_the_strongest_tier_costs_a_hundred_percent(found):
    """With the strongest tier alone every target is reached by it, at all of its cost."""
    reading = read(followed(found, [Always(2)]), found)

    assert reading.costs == pytest.approx((100.0,) * len(TARGETS))
    assert 0 < reading.area < 100


def test_a_random_mix_recovers_half_of_the_gap(found):
    """On average over costs, the line between the ends."""
    reading = read(followed(found, [Always(0), Always(2)]), found)

    assert reading.cost_apgr == pytest.approx(0.5, abs=1e-9)


def test_hindsight_beats_every_rule(found):
    """The oracle's area is above that of routing before any answer, which is above the single tiers' own."""
    prices = [10.0**exponent for exponent in np.linspace(-1, 4, 20)]
    singles = followed(found, [Always(rank) for rank in range(3)])

    best, before, plain = (
        read([*points, *singles], found).area for points in (oracle(found, prices), routed(found, prices), [])
    )

    assert best > before >= plain


def test_regret_is_what_the_best_tier_in_hindsight_would_have_spared(found):
    """Of always the strongest tier at no price: how often another one is right where it is wrong."""
    expected = (found.quality.max(axis=1) - found.quality[:, 2]).mean()

    assert regret(found, Always(2), 0.0) == pytest.approx(expected)
    assert regret(found, Always(2), 1.0 * NANO) > expected


def test_a_split_reads_every_family_on_the_hull_chosen_in_training(split):
    """And under every rule, which can only be higher: picking on the test rows flatters."""
    assert {"induction", "frugal", "cascade_routing", "library", "hull", "oracle"} <= set(split.readings)
    for family, reading in split.every.items():
        assert reading.area >= split.readings[family].area - 1e-9
    assert split.readings["induction"].area > split.readings["random_mix"].area
    assert split.singles["always_strong"][1] == pytest.approx(100.0)


def test_splits_are_averaged_and_compared_in_pairs(split):
    """A peer that is behind in every split is beaten in every split, with the exact interval for as many."""
    worse = replace(split.readings["frugal"], area=split.readings["induction"].area - 1)
    readings = {**split.readings, "frugal": worse, "raw_confidence": worse}
    splits = [
        replace(split, pool=name, seed=seed, readings=readings) for name in zellinger_pool.POOLS for seed in range(4)
    ]

    proof = zellinger_pool.told(splits, started=time.perf_counter(), quick=True)

    assert proof.metrics["win_share"]["frugal"] == 1.0
    assert proof.intervals["win_share"]["frugal"] == pytest.approx((0.025 ** (1 / 8), 1.0))
    assert proof.metrics["llama3"]["at_150"]["ahead_by"]["frugal"] == pytest.approx(1.0)
    assert proof.n_train == {"at_150": 150}
    assert proof.quick
    assert proof.as_dict()["baselines"]["hull"]["gpt4o"]["at_150"]["area"] == pytest.approx(split.readings["hull"].area)


def test_a_cost_that_some_splits_do_not_reach_is_the_mean_of_the_others(split):
    """And it is told how many reached it."""
    reading = split.readings["induction"]
    missed = replace(reading, costs=(reading.costs[0], math.nan, math.nan))

    means, _ = zellinger_pool._summed([reading, missed])

    assert means["cost98"] == pytest.approx(reading.costs[1])
    assert means["reached"]["cost98"] == 0.5
    assert means["reached"]["cost95"] == 1.0


def test_the_three_parts_share_no_prompt_and_hold_all():
    """60/20/20 by prompt; a prompt that stands in two parts is refused."""
    records = logs(100, count=2)
    thirds = parts(records, seed=3)

    zellinger_pool.apart(thirds)
    sizes = [len(part.queries) for part in (thirds.train, thirds.certify, thirds.test)]
    assert sum(sizes) == 100
    assert sizes[0] == pytest.approx(60, abs=2)
    with pytest.raises(InputError, match="prompts are both in training and in test rows"):
        zellinger_pool.apart(replace(thirds, test=replace(thirds.test, queries=thirds.train.queries[:3])))


def test_the_hull_that_is_followed_is_that_of_training(found):
    """Vertices are told by their figures on training rows; what they come to elsewhere is another matter."""
    points = followed(found, [Always(rank) for rank in range(3)])

    assert [point.quality for point in hull(points)] == sorted(point.quality for point in hull(points))


@pytest.mark.skipif(
    not (public.folder() / "zellinger_cascades.parquet").is_file(), reason="the public benchmark data is not there"
)
def test_the_public_pools_are_split_by_prompt():
    """Some questions are asked twice: they stay together."""
    records, _ = zellinger_pool.pool("gpt4o")
    thirds = parts(records, seed=0)

    zellinger_pool.apart(thirds)
    assert len(thirds.train.queries) > max(zellinger_pool.SIZES)
    assert len(thirds.test.queries) == pytest.approx(1047, abs=15)
