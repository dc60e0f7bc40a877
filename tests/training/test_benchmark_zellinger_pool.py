"""The pool benchmark's own arithmetic on simulated tables; the public data only where it is there."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from router.errors import InputError
from router.policy import Always, CostAware, Thresholds
from router.pricing import NANO
from router.signals import NAMES
from router.types import Usage
from tests.training.simulated_tiers import logs, table, tiers
from training import public
from training.answers import read_answers
from training.benchmarks import zellinger_pool
from training.benchmarks.curve_reading import TARGETS, cost_at, followed, oracle, read, regret, routed
from training.benchmarks.pool_scores import by_score, plain_points
from training.benchmarks.pool_split import already_read, apart, compared
from training.benchmarks.pools import parts, pool
from training.benchmarks.unchecked import bare_costs, followed_unchecked, logged, unread
from training.hull import Mean, hull
from training.library import candidates
from training.table import walk


@pytest.fixture(scope="module")
def found():
    return table(200, count=3)


@pytest.fixture(scope="module")
def split():
    held = table(200, count=3, seed=5)
    beside = {"weak_threshold": by_score(held, 1 - held.chances[0][:, 0])}
    return replace(compared(table(150, count=3), held, beside=beside, bare=held.cost / 2), pool="llama3", rung="prompt")


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
    """A peer that is behind in every split is beaten in every split; within a cell the interval is the exact one."""
    worse = replace(split.readings["frugal"], area=split.readings["induction"].area - 1)
    readings = {**split.readings, "frugal": worse, "raw_confidence": worse}
    splits = [
        replace(split, pool=name, seed=seed, readings=readings) for name in zellinger_pool.POOLS for seed in range(4)
    ]

    proof = zellinger_pool.told(splits, started=time.perf_counter(), quick=True)

    assert proof.metrics["win_share"]["frugal"] == 1.0
    assert proof.intervals["win_share"]["frugal"] == (1.0, 1.0)
    assert proof.intervals["llama3"]["at_150"]["win_share"]["frugal"] == pytest.approx((0.025 ** (1 / 4), 1.0))
    assert proof.metrics["llama3"]["at_150"]["ahead_by"]["frugal"] == pytest.approx(1.0)
    assert proof.n_train == {"at_150": 150}
    assert proof.quick
    assert proof.as_dict()["baselines"]["hull"]["gpt4o"]["at_150"]["area"] == pytest.approx(split.readings["hull"].area)


def test_a_cost_that_a_split_does_not_reach_is_that_of_asking_the_strongest_tier(split):
    """Which always works; it is told how many reached it."""
    reading = replace(split.readings["induction"], costs=(20.0, 40.0, 50.0))
    missed = replace(reading, costs=(30.0, math.nan, math.nan))

    means, bounds = zellinger_pool._summed([reading, missed])

    assert (means["cost95"], means["cost98"], means["cost99"]) == pytest.approx((25.0, 70.0, 75.0))
    assert means["reached"] == {"cost95": 1.0, "cost98": 0.5, "cost99": 0.5}
    assert bounds["cost98"] == pytest.approx((40.0, 100.0))
    dear, _ = zellinger_pool._summed([replace(reading, costs=(20.0, 40.0, 120.0))])
    assert (dear["cost99"], dear["reached"]["cost99"]) == (100.0, 1.0)


def test_the_interval_of_wins_is_over_seeds(split):
    """All cells of a seed are drawn together: two seeds of six equal cells say no more than two splits do."""
    ahead = split.readings["induction"]
    behind = {**split.readings, "frugal": replace(ahead, area=ahead.area - 1)}
    before = {**split.readings, "frugal": replace(ahead, area=ahead.area + 1)}
    splits = [
        replace(split, seed=seed, size=size, pool=name, readings=before if seed else behind)
        for seed in range(2)
        for size in (300, 1200, 3000)
        for name in zellinger_pool.POOLS
    ]

    assert zellinger_pool._won(splits, "frugal") == (0.5, (0.0, 1.0))


def test_the_figures_at_the_most_labels_stand_at_the_top(split):
    """By the names that scripts read, with intervals, for ours and for the baselines; and so do the targets."""
    splits = [replace(split, pool=name, size=size) for name in zellinger_pool.POOLS for size in (300, 3000)]

    proof = zellinger_pool.told(splits, started=time.perf_counter(), quick=False)

    for name in ("cost95", "cost98", "cost99", "cost_apgr", "aiq", "regret"):
        for one in zellinger_pool.POOLS:
            assert proof.metrics[name][one] == proof.metrics[one]["at_3000"][name]
            assert proof.intervals[name][one] == proof.intervals[one]["at_3000"][name]
    assert proof.baselines["hull"]["aiq"]["gpt4o"] == pytest.approx(split.readings["hull"].aiq)
    assert set(proof.metrics["win_share"]) == {"frugal", "cascade_routing"}
    assert proof.targets["cost98.gpt4o"] == {"reach": 23, "better": "lower"}
    assert {"win_share.frugal", "llama3.at_3000.win_share.frugal"} <= set(proof.targets)
    assert proof.metrics["unchecked"]["llama3"]["cost95"] == pytest.approx(split.unchecked["induction"].costs[0])
    assert set(proof.baselines["hull"]["unchecked"]["gpt4o"]) == {"cost95", "cost98", "cost99"}


def test_a_check_that_nothing_reads_is_not_paid_for(found):
    """Not of a single tier, nor of an answer that a rule returns whatever it is; any other is."""
    bare = found.cost / 4
    last = Thresholds(start=(0.0, 0.0, 0.0), accept=(0.7, 0.7, 0.7))
    best = CostAware(quality_per_dollar=0.0)
    pair = Thresholds(start=(0.0, 0.0, 2.0), accept=(0.7, 0.0, 0.0))

    done = walk(found, last)
    assert unread(last, done).any(axis=0).tolist() == [False, False, True]
    assert unread(pair, walk(found, pair)).any(axis=0).tolist() == [False, True, False]
    several = walk(found, best).visited.sum(axis=1) > 1
    assert not unread(best, walk(found, best))[several].any()

    single, cascade = followed_unchecked(found, bare, [Always(2), last])
    assert single.cost == pytest.approx(bare[:, 2].mean())
    paid = np.where(np.array([False, False, True]), bare, found.cost) * done.visited
    assert cascade.cost == pytest.approx(paid.sum(axis=1).mean())
    assert cascade.quality == done.quality.mean()


def test_costs_without_the_check_are_those_of_the_tokens_of_the_answer():
    """Looked up by query and model; a call that the logs do not know is refused."""
    records = logs(4, count=2)
    ladder = tiers(2)
    usage = Usage(input_tokens=10, output_tokens=1)
    tokens = {(query.id, tier.model): usage for query in records.queries for tier in ladder.tiers}

    assert bare_costs(records, ladder, tokens).tolist() == [[tier.cost(usage) for tier in ladder.tiers]] * 4
    with pytest.raises(InputError, match="8 calls have no tokens of their own"):
        bare_costs(records, ladder, {})


def test_plain_routers_ask_the_strongest_tier_where_their_score_is_high():
    """From all to none by the bar; a score that knows the gain is better than the prompt's length."""
    records = logs(120, count=3)
    learned, test = (replace(records, queries=part) for part in (records.queries[:60], records.queries[60:]))
    held = table(60, count=3)

    points = plain_points(learned, test, held)
    informed = by_score(held, held.quality[:, 2] - held.quality[:, 0])

    assert set(points) == {"raw_confidence", "length", "knn", "weak_threshold"}
    assert all(len(found) > 1 for found in points.values())
    assert read(informed, held).area > read(points["length"], held).area


def test_the_three_parts_share_no_prompt_and_hold_all():
    """60/20/20 by prompt; a prompt that stands in two parts is refused."""
    records = logs(100, count=2)
    thirds = parts(records, seed=3)

    apart(thirds)
    sizes = [len(part.queries) for part in (thirds.train, thirds.certify, thirds.test)]
    assert sum(sizes) == 100
    assert sizes[0] == pytest.approx(60, abs=2)
    with pytest.raises(InputError, match="prompts are both in training and in test rows"):
        apart(replace(thirds, test=replace(thirds.test, queries=thirds.train.queries[:3])))


def test_the_hull_that_is_followed_is_that_of_training(split):
    """The rules are picked by their figures on training rows; test rows only say what these rules come to."""
    tried = candidates(table(150, count=3))
    held = table(200, count=3, seed=5)

    for family in ("thresholds", "frugal", "cost_aware", "cascade_routing", "induction"):
        chosen = hull([item for item in tried if item.family in (family, "single")])
        assert split.readings[family] == read(followed(held, [item.rule for item in chosen]), held)


@pytest.mark.skipif(
    not (public.folder() / "zellinger_cascades.parquet").is_file(), reason="the public benchmark data is not there"
)
def test_answers_that_are_read_beforehand_say_the_same():
    """To the last bit, a missing log-probability included; and nothing is left to read."""
    records = logs(40, count=3)
    read = already_read(records)

    before, after = read_answers(records.queries).signals, read_answers(read.queries).signals
    for once, again in zip(before, after, strict=True):
        assert np.array_equal(once, again, equal_nan=True)
    assert all(set(NAMES) == set(one.completion.signals) for query in read.queries for one in query.outcomes)


def test_the_public_pools_are_split_by_prompt():
    """Some questions are asked twice: they stay together."""
    records, _ = pool("gpt4o")
    thirds = parts(records, seed=0)

    apart(thirds)
    assert len(thirds.train.queries) > max(zellinger_pool.SIZES)
    assert len(thirds.test.queries) == pytest.approx(1047, abs=15)


@pytest.mark.skipif(
    not (public.folder() / "zellinger_cascades.parquet").is_file(), reason="the public benchmark data is not there"
)
def test_only_open_questions_carry_a_check():
    """Without it every other call costs what it did, and these less than half."""
    records, ladder = pool("gpt4o")
    bare = bare_costs(records, ladder, logged())
    whole = np.array(
        [
            [tier.cost(one.completion.usage) for tier, one in zip(ladder.tiers, query.outcomes, strict=True)]
            for query in records.queries
        ]
    )
    checked = np.array([query.task in ("triviaqa", "truthfulqa") for query in records.queries])

    assert bare[~checked] == pytest.approx(whole[~checked], abs=2000)
    assert bare[checked].mean() < whole[checked].mean() / 2
