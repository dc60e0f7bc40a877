"""The decision rule: pure, total, and monotone in its threshold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy import (
    Advantages,
    Always,
    CascadeRouting,
    CostAware,
    Induction,
    Mixture,
    Run,
    State,
    Stop,
    Thresholds,
    rule_from,
)

CHANCE = st.floats(0, 1)
COST = st.floats(0, 1e7)


def state(quality, *, run=(), allowed=None, cost=None):
    allowed = frozenset(range(len(quality))) - set(run) if allowed is None else frozenset(allowed)
    return State(run=run, allowed=allowed, quality=quality, cost=cost or (1e4, 1e5, 1e6, 1e7, 1e8)[: len(quality)])


@st.composite
def states(draw):
    tiers = draw(st.integers(1, 5))
    run = tuple(sorted(draw(st.sets(st.integers(0, tiers - 1)))))
    allowed = draw(st.sets(st.integers(0, tiers - 1))) - set(run)
    if not run and not allowed:
        allowed = {tiers - 1}
    quality = tuple(draw(CHANCE | st.just(math.nan)) for _ in range(tiers))
    return state(quality, run=run, allowed=allowed, cost=tuple(draw(COST) for _ in range(tiers)))


WEIGHT = st.floats(-3, 3)


@st.composite
def rules(draw, tiers=5, kinds=("always", "thresholds", "cost", "cascade_routing", "induction", "mixture")):
    kind = draw(st.sampled_from(kinds))
    if kind == "mixture":
        parts = ("always", "thresholds", "cost", "induction")
        return Mixture(draw(rules(tiers, parts)), draw(rules(tiers, parts)), draw(st.floats(0, 1)))
    if kind == "cascade_routing":
        return CascadeRouting(draw(st.floats(0, 1e9)), tuple(draw(st.floats(0, 0.5)) for _ in range(tiers)))
    if kind == "induction":
        return Induction(
            draw(st.floats(0, 1e3)),
            {
                mask: Advantages(
                    {
                        rank: (draw(WEIGHT), tuple(draw(WEIGHT) for _ in range(15)))
                        for rank in range(mask.bit_length(), tiers)
                    }
                )
                for mask in draw(st.sets(st.integers(0, 7)))
            },
        )
    keep = draw(st.sampled_from(["best", "last"]))
    if kind == "always":
        return Always(draw(st.none() | st.integers(0, tiers - 1)))
    if kind == "thresholds":
        return Thresholds(
            start=tuple(draw(CHANCE) for _ in range(tiers)),
            accept=tuple(draw(CHANCE) for _ in range(tiers)),
            keep=keep,
        )
    return CostAware(quality_per_dollar=draw(st.floats(0, 1e9)), keep=keep)


@given(states(), rules())
def test_a_rule_runs_an_allowed_stronger_tier_or_stops_at_one_that_answered(now, rule):
    step = rule.next(now)

    if isinstance(step, Run):
        assert step.rank in now.allowed
        assert not now.run or step.rank > now.run[-1]
    else:
        assert step.rank in now.run
        assert 0 <= step.threshold <= 1


@given(states(), rules())
def test_a_rule_ends_after_at_most_one_call_a_tier(now, rule):
    calls = 0
    while isinstance(step := rule.next(now), Run):
        calls += 1
        now = State(run=(*now.run, step.rank), allowed=now.allowed - {step.rank}, quality=now.quality, cost=now.cost)
    assert calls <= 5


@given(states(), rules())
def test_what_a_rule_calls_final_is_what_it_returns(now, rule):
    step = rule.next(now)
    if isinstance(step, Run) and rule.final(now, step.rank):
        after = State(run=(*now.run, step.rank), allowed=now.allowed - {step.rank}, quality=now.quality, cost=now.cost)
        assert rule.next(after) == Stop(step.rank, rule.next(after).reason, rule.next(after).threshold)


@given(CHANCE, CHANCE, CHANCE)
def test_raising_a_threshold_never_turns_an_escalation_into_an_acceptance(confidence, one, other):
    low, high = sorted((one, other))
    now = state((confidence, 0.9), run=(0,))

    def escalates(bar):
        return isinstance(Thresholds(start=(0.0, 0.0), accept=(bar, bar)).next(now), Run)

    assert escalates(low) <= escalates(high)


@given(CHANCE, CHANCE, st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_dearer_dollar_never_escalates_more(confidence, gain, one, other):
    low, high = sorted((one, other))
    now = state((confidence, gain), run=(0,))

    def escalates(price):
        return isinstance(CostAware(quality_per_dollar=price).next(now), Run)

    assert escalates(high) <= escalates(low)


def test_cost_aware_weighs_each_requests_own_cost():
    rule = CostAware(quality_per_dollar=1000.0)

    cheap = rule.next(state((0.5, 0.7), run=(0,), cost=(0.0, 0.1e6)))
    dear = rule.next(state((0.5, 0.7), run=(0,), cost=(0.0, 0.3e6)))

    assert isinstance(cheap, Run)
    assert cheap.threshold == pytest.approx(0.6)
    assert isinstance(dear, Stop)
    assert dear.threshold == pytest.approx(0.4)


def test_after_the_strongest_tier_failed_a_weaker_one_may_still_start():
    now = state((0.2, 0.9)).without(1)

    assert CostAware(quality_per_dollar=0.0).next(now).rank == 0
    assert Thresholds(start=(0.5, 0.5), accept=(0.5, 0.5)).next(now).rank == 0
    assert Always(1).next(now).rank == 0


@given(rules())
def test_a_rule_survives_the_manifest(rule):
    assert rule_from(rule.as_dict()) == rule


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"kind": "oracle"}, "no rule 'oracle'"),
        ({}, "no rule None"),
        ({"kind": "cost_aware", "bogus": 1}, "other parameters"),
        ({"kind": "thresholds"}, "other parameters"),
    ],
)
def test_an_unknown_rule_is_refused(manifest, words):
    with pytest.raises(ValueError, match=words):
        rule_from(manifest)
