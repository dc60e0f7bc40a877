"""Cascade routing and mixtures: the expected maximum, and which prompts follow which rule."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.opening import drawn
from router.policy import Always, CascadeRouting, Mixture, Run, State, Stop, Thresholds
from router.policy.cascade_routing import expected_maximum
from router.pricing import NANO
from tests.kit import ask

MEAN, SPREAD = st.floats(0, 1), st.floats(0, 0.5)
NORMALS = st.lists(st.tuples(MEAN, SPREAD), min_size=1, max_size=4)


def simulated_maximum(floor, normals, *, draws=200_000):
    rng = np.random.default_rng(0)
    values = np.array([mean for mean, _ in normals]) + rng.normal(size=(draws, len(normals))) * np.array(
        [spread for _, spread in normals]
    )
    return float(np.maximum(values.max(axis=1), floor).mean())


@pytest.mark.parametrize(
    ("floor", "normals"),
    [
        (0.5, [(0.6, 0.2)]),
        (0.9, [(0.6, 0.2)]),
        (-math.inf, [(0.6, 0.2), (0.7, 0.1)]),
        (0.6, [(0.6, 0.2), (0.7, 0.1)]),
        (0.3, [(0.5, 0.25), (0.5, 0.25), (0.5, 0.25)]),
        (0.8, [(0.2, 0.3), (0.6, 0.1), (0.75, 0.2), (0.9, 0.05)]),
        (-math.inf, [(0.1, 0.3), (0.9, 0.02), (0.5, 0.4)]),
    ],
)
def test_the_expected_maximum_is_that_of_simulated_draws(floor, normals):
    """Clark's formula against 200,000 draws; exact for one, and within a hundredth for several."""
    tolerance = 0.002 if len(normals) == 1 else 0.01

    assert expected_maximum(floor, normals) == pytest.approx(simulated_maximum(floor, normals), abs=tolerance)


def test_two_equal_normals_have_the_textbooks_maximum():
    """Mean plus the spread over the square root of pi."""
    assert expected_maximum(-math.inf, [(0.5, 0.2), (0.5, 0.2)]) == pytest.approx(0.5 + 0.2 / math.sqrt(math.pi))


@given(MEAN, NORMALS)
def test_a_maximum_is_at_least_each_of_its_parts(floor, normals):
    """No set of tiers is worth less than its best member, or than what is in hand."""
    found = expected_maximum(floor, normals)

    assert found >= max(floor, *(mean for mean, _ in normals)) - 1e-9


@given(MEAN, NORMALS, MEAN, SPREAD)
def test_one_more_tier_never_lowers_the_maximum(floor, normals, mean, spread):
    """Asking more can only help, but for its cost; the approximation may be off by a little."""
    assert expected_maximum(floor, [*normals, (mean, spread)]) >= expected_maximum(floor, normals) - 0.03


@given(MEAN, st.lists(MEAN, min_size=1, max_size=4))
def test_what_is_certain_has_a_plain_maximum(floor, means):
    """Without spread there is nothing to expect."""
    assert expected_maximum(floor, [(mean, 0.0) for mean in means]) == max(floor, *means)


def test_nothing_more_is_worth_what_is_in_hand():
    """The empty set of tiers."""
    assert expected_maximum(0.4, []) == 0.4


def state(quality, cost, *, run=(), draw=0.0):
    allowed = frozenset(range(len(quality))) - set(run)
    return State(run, allowed, quality, cost, draw)


COSTS = (1e4, 1e5, 1e6)


def test_the_cheapest_tier_of_the_best_set_is_asked():
    """Not the best tier: after its answer everything is weighed again."""
    rule = CascadeRouting(quality_per_dollar=50.0, spread=(0.3, 0.3, 0.3))
    quality = (0.5, 0.6, 0.9)

    def worth(ranks):
        mean = expected_maximum(-math.inf, [(quality[k], 0.3) for k in ranks])
        return mean - 50.0 / NANO * sum(COSTS[k] for k in ranks)

    best = max((ranks for size in (1, 2, 3) for ranks in combinations(range(3), size)), key=worth)

    step = rule.next(state(quality, COSTS))

    assert len(best) > 1
    assert step == Run(best[0], step.reason)


def test_an_answer_that_is_sure_stops_it_and_one_that_is_not_does_not():
    """The threshold is on the scale of the confidence."""
    rule = CascadeRouting(quality_per_dollar=500.0, spread=(0.2, 0.2))
    costs = (1e4, 1e5)

    sure, unsure = (rule.next(state((chance, 0.8), costs, run=(0,))) for chance in (0.95, 0.2))

    assert isinstance(sure, Stop)
    assert isinstance(unsure, Run)
    assert sure.threshold <= 0.95
    assert unsure.threshold > 0.2


def test_more_to_learn_is_asked_sooner():
    """Where an answer may turn out much better than expected, it is worth asking for."""
    now = state((0.8, 0.75), (1e4, 1e5), run=(0,))

    flat = CascadeRouting(quality_per_dollar=500.0, spread=(0.0, 0.0)).next(now)
    wide = CascadeRouting(quality_per_dollar=500.0, spread=(0.0, 0.4)).next(now)

    assert isinstance(flat, Stop)
    assert isinstance(wide, Run)


def test_where_nothing_is_known_it_still_begins_somewhere():
    """NaN counts as the worst."""
    step = CascadeRouting(quality_per_dollar=1.0, spread=(0.1, 0.1)).next(state((math.nan, math.nan), COSTS[:2]))

    assert isinstance(step, Run)


DRAWS = [drawn(ask(f"prompt {number}").prompt_hash) for number in range(4000)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_mixture_gives_each_rule_its_share_of_the_prompts(share):
    """By the hash of the prompt, which is even over any set of prompts."""
    rule = Mixture(Always(0), Always(1), share)

    first = [rule.next(state((0.5, 0.9), COSTS[:2], draw=draw)).rank == 0 for draw in DRAWS]

    assert np.mean(first) == pytest.approx(share, abs=0.03)


def test_the_same_prompt_always_follows_the_same_rule():
    """A retry, or the same prompt tomorrow, is routed alike: before and after the first answer."""
    rule = Mixture(Thresholds((0.0, 0.0), (2.0, 0.0)), Thresholds((0.0, 0.0), (0.0, 0.0)), 0.5)
    for draw in DRAWS[:200]:
        begun = rule.next(state((0.5, 0.9), COSTS[:2], draw=draw))
        after = rule.next(state((0.5, 0.9), COSTS[:2], run=(0,), draw=draw))

        assert begun.rank == 0
        assert isinstance(after, Run if draw < 0.5 else Stop)


def test_a_larger_share_keeps_the_prompts_that_it_had():
    """Shares are nested, so that moving one moves no prompt back and forth."""

    def first(share):
        rule = Mixture(Always(0), Always(1), share)
        return {draw for draw in DRAWS if rule.next(state((0.5, 0.9), COSTS[:2], draw=draw)).rank == 0}

    assert first(0.2) < first(0.6) < first(0.9)


def test_given_the_draw_a_step_is_certain():
    """The draw belongs to the prompt: the same prompt is always routed alike, so nothing was explored by it."""
    mixed = Mixture(Always(0), Always(1), 0.3)
    low, high = (state((0.5, 0.9), COSTS[:2], draw=draw) for draw in (0.1, 0.9))

    assert (mixed.next(low).rank, mixed.next(low).propensity) == (0, 1.0)
    assert (mixed.next(high).rank, mixed.next(high).propensity) == (1, 1.0)
