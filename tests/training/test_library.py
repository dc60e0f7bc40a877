"""The policy library: every family yields rules, and each rule's figures are what it does. All data is simulated."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from router.policy import Always, CascadeRouting, CostAware, Induction, Thresholds, rule_from
from tests.training.simulated_tiers import table
from training.heads import folds_of
from training.induction import fit_induction, prepare
from training.library import FAMILIES, GRID, LAMBDAS, NEVER, candidates, frugal, lambdas, spreads, thresholds
from training.table import walk

KINDS = {
    "single": Always,
    "thresholds": Thresholds,
    "frugal": Thresholds,
    "cost_aware": CostAware,
    "cascade_routing": CascadeRouting,
    "induction": Induction,
}


@pytest.fixture(scope="module", params=[2, 3], ids=["two tiers", "three tiers"])
def found(request):
    return table(150, count=request.param)


@pytest.fixture(scope="module")
def tried(found):
    return candidates(found)


def test_every_family_yields_rules_of_its_kind(found, tried):
    """The single tiers first, and as many of each as its knobs have places."""
    counts = Counter(candidate.family for candidate in tried)

    assert set(counts) == set(FAMILIES)
    assert [candidate.rule for candidate in tried[: found.tiers]] == [Always(rank) for rank in range(found.tiers)]
    assert all(isinstance(candidate.rule, KINDS[candidate.family]) for candidate in tried)
    assert counts["single"] == found.tiers
    assert counts["cost_aware"] == 2 * LAMBDAS
    assert counts["cascade_routing"] == counts["induction"] == LAMBDAS
    assert counts["frugal"] >= GRID


def test_a_rule_of_knobs_alone_is_told_by_what_it_does(found, tried):
    """Its mean quality and mean cost are those of following it."""
    for candidate in tried:
        if candidate.family != "induction":
            done = walk(found, candidate.rule)
            assert done.quality.mean() == pytest.approx(candidate.quality)
            assert done.cost.mean() == pytest.approx(candidate.cost)


def test_a_fitted_rule_is_told_by_what_rules_that_did_not_see_the_rows_do(found, tried):
    """The figures of an induction are out of fold; the rule is the one fitted on all rows."""
    fold = folds_of(found.keys)
    prepared = prepare(found, fold=fold)
    mine = [candidate for candidate in tried if candidate.family == "induction"]
    for candidate in mine[::8]:
        price = candidate.rule.quality_per_dollar
        quality = np.empty(len(found))
        for number in np.unique(fold):
            rule = fit_induction(prepared, price, without=number)
            quality[fold == number] = walk(found, rule).quality[fold == number]

        assert quality.mean() == pytest.approx(candidate.quality)
        assert candidate.rule == fit_induction(prepared, price)


def test_every_rule_survives_the_manifest(tried):
    """What is tuned can be shipped."""
    assert all(rule_from(candidate.rule.as_dict()) == candidate.rule for candidate in tried)


def test_figures_are_weighted(found):
    """A request that stands for two counts twice, in every family with knobs alone."""
    weight = np.random.default_rng(0).integers(1, 3, len(found)).astype(float)
    weighted = replace(found, weight=weight)

    for candidate in candidates(weighted, families=["single", "cost_aware"]):
        done = walk(weighted, candidate.rule)
        assert np.average(done.quality, weights=weight) == pytest.approx(candidate.quality)
        assert np.average(done.cost, weights=weight) == pytest.approx(candidate.cost)


def test_only_the_families_asked_for_are_tried(found):
    """In the library's own order."""
    assert {candidate.family for candidate in candidates(found, families=["induction", "single"])} == {
        "single",
        "induction",
    }


def test_progress_is_told_up_to_the_end(found):
    """Once a rule."""
    told = []

    tried = candidates(
        found, families=["single", "thresholds"], progress=lambda done, total: told.append((done, total))
    )

    assert told == [(place + 1, len(tried)) for place in range(len(tried))]


def test_prices_reach_from_caring_for_quality_alone_to_caring_for_cost_alone(found):
    """At the one end a cost-aware rule asks for the best, at the other for the cheapest."""
    prices = lambdas(found)

    first, last = (walk(found, CostAware(quality_per_dollar=price)) for price in (prices[0], prices[-1]))

    assert sorted(prices) == prices
    assert first.quality.mean() >= found.quality[:, -1].mean() - 0.05
    assert last.visited[:, 1:].mean() < 0.02


def test_thresholds_are_the_same_at_every_tier_and_reach_from_none_to_all(found):
    """From starting anywhere to starting at the strongest."""
    rules = list(thresholds(found))

    assert all(len(set(rule.start)) == len(set(rule.accept)) == 1 for rule in rules)
    assert {rule.start[0] for rule in rules} >= {0.0, NEVER}
    always_strong = next(rule for rule in rules if rule.start[0] == NEVER)
    assert set(walk(found, always_strong).rank.tolist()) == {found.tiers - 1}


def test_frugal_rules_ask_their_list_and_nothing_else(found):
    """A tier that is not on the list is never asked; the last one's answer is always taken."""
    for rule in list(frugal(found))[::7]:
        listed = [start == 0.0 for start in rule.start]
        done = walk(found, rule)
        assert not done.visited[:, ~np.array(listed)].any()
        assert done.visited[:, listed.index(True)].all()


def test_frugal_lists_of_three_have_a_bar_for_each():
    """With three tiers there are lists of two and of three."""
    sizes = Counter(sum(start == 0.0 for start in rule.start) for rule in frugal(table(150, count=3)))

    assert set(sizes) == {2, 3}
    assert sizes[3] == 100


def test_a_spread_is_how_far_an_answer_moves_its_own_chance(found):
    """An answer that tells nothing moves nothing."""
    told, mute = spreads(found), spreads(table(150, count=2, told=0.0))

    assert len(told) == found.tiers
    assert all(0 < spread < 0.5 for spread in told)
    silent = table(150, count=2)
    silent = replace(silent, chances=dict.fromkeys(silent.chances, silent.chances[0]))
    assert spreads(silent) == pytest.approx((0.0, 0.0))
    assert all(spread > 0 for spread in mute)
