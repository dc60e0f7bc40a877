"""From an objective to a rule: the path that is certified, and what is shipped. All data is simulated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from router.errors import InputError
from router.policy import Always, Induction, Mixture
from router.pricing import NANO, usd
from tests.training.simulated_tiers import table
from training.hull import at_cost
from training.library import candidates
from training.table import walk
from training.tune import STEPS, Objective, ship, told, tune

KNOBS = ("single", "thresholds", "cost_aware", "cascade_routing")


@pytest.fixture(scope="module")
def train():
    return table(300, count=3, told=3.0)


@pytest.fixture(scope="module")
def certify():
    return table(400, count=3, told=3.0, seed=1)


@pytest.fixture(scope="module")
def tried(train):
    return tuple(candidates(train, families=KNOBS))


def strong(found):
    return float(found.quality[:, -1].mean()), float(found.cost[:, -1].mean())


def per_1k(cost):
    return cost * 1000 / NANO


@pytest.mark.parametrize("share", [0.8, 0.9, 0.95, 0.99])
def test_the_path_leads_from_always_strong_down_to_the_target(train, tried, share):
    """Ever cheaper, and its end just meets the target on the training rows."""
    tuned = tune(train, Objective(target_quality=share), tried=tried)

    costs = [candidate.cost for candidate in tuned.path]
    assert tuned.met
    assert tuned.path[0].rule == Always(2)
    assert costs[1:] == sorted(costs[1:], reverse=True)
    assert tuned.naive.quality == pytest.approx(share * strong(train)[0])
    assert STEPS <= len(tuned.path) <= STEPS + len(tuned.vertices) + 1


def test_nothing_that_was_tried_meets_the_target_for_less(train, tried):
    """The end of the path is on the hull."""
    tuned = tune(train, Objective(target_quality=0.95), tried=tried)

    least = 0.95 * strong(train)[0]
    assert all(candidate.cost >= tuned.naive.cost - 1e-6 for candidate in tried if candidate.quality >= least)
    assert tuned.naive.quality == pytest.approx(at_cost(tuned.vertices, tuned.naive.cost))


def test_an_absolute_target_is_met_as_it_stands(train, tried):
    """Whatever the strongest tier has."""
    tuned = tune(train, Objective(quality=0.75), tried=tried)

    assert tuned.naive.quality == pytest.approx(0.75)
    assert tuned.path[0].rule == Always(2)


def test_a_mixture_hits_its_cost(train, tried):
    """Over the prompts, what a mixture costs and is worth lies where its two rules' do, by its share."""
    tuned = tune(train, Objective(target_quality=0.97), tried=tried)
    mixed = [candidate for candidate in tuned.path if candidate.family == "mixture"]

    assert mixed
    for candidate in mixed:
        first, second = (walk(train, rule).cost.mean() for rule in (candidate.rule.first, candidate.rule.second))
        share = candidate.rule.share
        assert share * first + (1 - share) * second == pytest.approx(candidate.cost)
        spread = np.abs(walk(train, candidate.rule.first).cost - walk(train, candidate.rule.second).cost)
        done = walk(train, candidate.rule).cost.mean()
        assert done == pytest.approx(candidate.cost, abs=4 * np.sqrt((spread**2).mean() / len(train) / 4))


def test_a_budget_alone_goes_from_the_cheapest_up_to_it(train, tried):
    """Ever better, and its end spends the budget."""
    budget = per_1k(strong(train)[1]) / 3

    tuned = tune(train, Objective(budget=budget), tried=tried)

    costs = [candidate.cost for candidate in tuned.path]
    qualities = [candidate.quality for candidate in tuned.path]
    assert tuned.met
    assert costs == sorted(costs)
    assert qualities == sorted(qualities)
    assert per_1k(costs[0]) == pytest.approx(per_1k(min(candidate.cost for candidate in tried)), rel=0.2)
    assert per_1k(costs[-1]) == pytest.approx(budget)


def test_a_budget_below_the_cheapest_rule_is_not_met(train, tried):
    """The cheapest there is comes nearest."""
    tuned = tune(train, Objective(budget=per_1k(train.cost[:, 0].mean()) / 100), tried=tried)

    assert not tuned.met
    assert tuned.path == (tuned.vertices[0],)


def test_a_budget_beyond_everything_takes_the_best_there_is(train, tried):
    """Nothing is spent that buys nothing."""
    tuned = tune(train, Objective(budget=1e6), tried=tried)

    assert tuned.naive.quality == max(candidate.quality for candidate in tuned.vertices)


def test_a_target_and_a_budget_are_both_kept(train, tried):
    """No rule of the path costs more than the budget, and its end is where it is without one."""
    alone = tune(train, Objective(target_quality=0.9), tried=tried)
    budget = per_1k(alone.naive.cost) * 1.5

    both = tune(train, Objective(target_quality=0.9, budget=budget), tried=tried)
    tight = tune(train, Objective(target_quality=0.9, budget=per_1k(alone.naive.cost) * 0.5), tried=tried)

    assert both.met
    assert all(per_1k(candidate.cost) <= budget * (1 + 1e-9) for candidate in both.path)
    assert both.naive.quality == pytest.approx(alone.naive.quality)
    assert not tight.met
    assert tight.path == (tight.path[0],)


def test_a_target_above_the_strongest_tier_begins_with_the_best_there_is(train, tried):
    """Tiers that complement each other beat the strongest; beyond the best of the hull there is nothing."""
    best = max(candidate.quality for candidate in tried) / strong(train)[0]

    within = tune(train, Objective(target_quality=(1 + best) / 2), tried=tried)
    beyond = tune(train, Objective(target_quality=1.9), tried=tried)

    assert best > 1.02
    assert within.met
    assert within.path[0] == within.vertices[-1]
    assert within.naive.quality > strong(train)[0]
    assert not beyond.met
    assert beyond.path == (beyond.vertices[-1],)


def test_the_shipped_rule_is_the_last_that_passed(train, certify, tried):
    """Certified on rows that the path has not seen; cheaper than always-strong and no better than it need be."""
    tuned = tune(train, Objective(target_quality=0.9), tried=tried)

    shipped = ship(tuned, certify, train=train)

    assert shipped.certificate.certified
    assert shipped.rule == tuned.path[shipped.certificate.chosen].rule
    assert shipped.family == tuned.path[shipped.certificate.chosen].family
    done = walk(certify, shipped.rule)
    assert done.quality.mean() > 0.9 * strong(certify)[0]
    assert done.cost.mean() < 0.8 * strong(certify)[1]
    assert all(step.passed for step in shipped.certificate.tested[: shipped.certificate.chosen + 1])


@pytest.fixture(scope="module")
def close_call():
    """Two tiers and a target near the strongest's own quality: its tuned rules, training rows, and rows to certify."""
    train = table(400, count=2, told=1.0)
    tuned = tune(train, Objective(target_quality=0.97), families=("single", "cost_aware"))
    return tuned, train, table(900, count=2, told=1.0, seed=1)


@pytest.mark.parametrize("n", [15, 40, 80])
def test_when_nothing_certifies_the_strongest_tier_is_asked_and_the_labels_needed_are_told(close_call, n):
    """The first rule looks good enough on these rows, but so few do not prove it."""
    tuned, train, certify = close_call

    shipped = ship(tuned, certify.take(range(n)), train=train)

    found = shipped.certificate
    assert not found.certified
    assert isinstance(shipped.rule, Always)
    assert shipped.rule.rank == 1
    assert "so the strongest tier is asked" in shipped.rule.why
    assert found.labels_needed > n
    assert found.labels_needed > 60
    assert f"Nothing is certified at 90 % confidence on {n} certification prompts" in found.statement
    assert f"about {found.labels_needed:,} certification prompts would" in found.statement


def test_more_labels_do_certify(close_call):
    """What 80 rows could not prove 900 can, and the shipped rule saves something."""
    tuned, train, certify = close_call

    shipped = ship(tuned, certify, train=train)

    assert shipped.certificate.certified
    assert walk(certify, shipped.rule).cost.mean() < strong(certify)[1]


def test_when_no_budget_certifies_the_cheapest_tier_is_asked(train, certify, tried):
    """It is what comes nearest to the budget."""
    tuned = tune(train, Objective(budget=per_1k(train.cost[:, 0].mean()) / 100), tried=tried)

    shipped = ship(tuned, certify, train=train)

    assert not shipped.certificate.certified
    assert shipped.rule.rank == 0
    assert "so the cheapest tier is asked" in shipped.rule.why


def test_a_budget_is_certified_with_room_for_dear_requests(train, certify, tried):
    """The most that a request counts for is settled on the training rows."""
    budget = per_1k(strong(train)[1]) / 2
    objective = Objective(budget=budget)

    shipped = ship(tune(train, objective, tried=tried), certify, train=train)

    assert shipped.certificate.certified
    assert per_1k(walk(certify, shipped.rule).cost.mean()) < budget
    assert objective.goal(train).cost_limit == 4 * usd(round(train.cost.max()))


def test_weights_bound_the_certificate_by_the_training_rows_alone(train, certify, tried):
    """Rows that stand for many make the certificate harder to have."""
    tuned = tune(train, Objective(target_quality=0.9), tried=tried)
    heavy = replace(train, weight=np.where(np.arange(len(train)) < 5, 30.0, 1.0))

    plain, wary = ship(tuned, certify, train=train), ship(tuned, certify, train=heavy)

    assert wary.certificate.p_value >= plain.certificate.p_value
    assert walk(certify, wary.rule).cost.mean() >= walk(certify, plain.rule).cost.mean()


def test_candidates_that_are_known_are_not_searched_for_again(train, tried):
    """Another objective on the same rows shares them."""
    tuned = tune(train, Objective(target_quality=0.9), tried=tried, progress=lambda *_: pytest.fail("searched"))

    assert tuned.candidates == tried


def test_the_library_is_searched_where_nothing_is_known(train):
    """By the families asked for."""
    tuned = tune(train, Objective(target_quality=0.9), families=("single",))

    assert [candidate.family for candidate in tuned.candidates] == ["single"] * 3
    assert tuned.met


def test_a_target_and_a_budget_are_certified_together_where_always_strong_is_over_the_budget(train, tried):
    """The walk begins at the rule with the most room on both sides, and ends at a cheaper one that passes both."""
    objective = Objective(target_quality=0.9, budget=per_1k(strong(train)[1]) * 0.8)
    held = table(2000, count=3, told=3.0, seed=1)

    tuned = tune(train, objective, tried=tried)
    shipped = ship(tuned, held, train=train)

    done = walk(held, shipped.rule)
    assert shipped.certificate.certified
    assert len(shipped.certificate.tested) > 1
    assert done.quality.mean() > 0.9 * strong(held)[0]
    assert per_1k(done.cost.mean()) < objective.budget
    assert tuned.path[0].quality > tuned.naive.quality
    assert tuned.path[0].cost < objective.budget * NANO / 1000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "there is no objective; name a target quality"),
        ({"target_quality": 95}, "share of the strongest tier's quality"),
        ({"target_quality": math.nan}, "share of the strongest tier's quality"),
        ({"target_quality": 0}, "share of the strongest tier's quality"),
        ({"quality": 1.0}, "between 0 and 1"),
        ({"target_quality": 0.9, "quality": 0.9}, "not both"),
        ({"budget": -1.0}, "above 0"),
        ({"budget": math.nan}, "above 0"),
        ({"target_quality": 0.9, "delta": 0.0}, "between 0 and 1"),
        ({"target_quality": 0.9, "delta": 1.0}, "between 0 and 1"),
    ],
)
def test_an_objective_that_makes_no_sense_is_refused(values, words):
    """In one sentence, before anything is searched."""
    with pytest.raises(InputError, match=words):
        Objective(**values)


def test_an_objective_is_told_in_words_and_numbers():
    """For people and for the bundle's facts."""
    both = Objective(target_quality=0.95, budget=2.5)

    assert both.words() == "95.0% of the strongest tier's quality and at most 2.5 USD per 1,000 requests"
    assert both.as_dict() == {"share": 0.95, "budget": 2.5, "delta": 0.1, "method": "betting"}
    assert Objective(quality=0.8).words() == "a quality of 0.800"


def test_every_rule_has_a_short_name(train):
    """Of one line, with its knob."""
    names = [told(candidate.rule) for candidate in candidates(train.take(range(60)))]
    mixed = told(Mixture(Always(0), Always(1), 0.25))

    assert len(set(names)) > 0.7 * len(names)
    assert max(map(len, names)) < 100
    assert mixed == "25% of prompts by always tier 0, the others by always tier 1"
    assert told(Always()) == "always the strongest tier"
    assert told(Induction(109_712.3, {})) == "fitted backward induction at 109,700 quality per dollar"
    assert told(Induction(0.25, {})) == "fitted backward induction at 0.25 quality per dollar"
    assert told(Induction(2000.0, {})) == "fitted backward induction at 2,000 quality per dollar"
