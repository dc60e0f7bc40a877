"""Rules followed for many queries at once take the same steps as one by one. All data is simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy import Always, CostAware, Induction, Mixture, Noted, State, Thresholds
from router.policy.induction import compact
from tests.training.simulated_tiers import table
from training.library import FAMILIES, candidates
from training.steps import compact_rows, stepper
from training.table import walk, walk_singly


@pytest.fixture(scope="module", params=[2, 3, 5], ids=["two tiers", "three tiers", "five tiers"])
def found(request):
    return table(120, count=request.param)


def same(found, rule):
    together, singly = walk(found, rule), walk_singly(found, rule)
    assert singly.rank.tolist() == together.rank.tolist()
    assert singly.visited.tolist() == together.visited.tolist()
    assert singly.cost.tolist() == together.cost.tolist()
    assert singly.quality.tolist() == together.quality.tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_takes_the_same_steps_together_as_singly(found, family):
    """From one end of its knobs to the other, whatever was asked before."""
    rules = [candidate.rule for candidate in candidates(found, families=[family])]

    for rule in rules[:: max(len(rules) // 25, 1)]:
        assert stepper(rule) is not None
        same(found, rule)


def test_a_mixture_takes_each_rule_for_its_share(found):
    """Each prompt by its own draw."""
    same(found, Mixture(first=Always(0), second=CostAware(quality_per_dollar=50.0), share=0.4))


def test_the_last_answer_can_be_kept_and_the_strongest_tier_be_meant(found):
    """Knobs that the library leaves alone."""
    same(found, CostAware(quality_per_dollar=20.0, keep="last"))
    same(found, Thresholds(start=(0.3,) * found.tiers, accept=(0.6,) * found.tiers, keep="best"))
    same(found, Always())


def test_a_state_that_was_never_fitted_is_weighed_alike(found):
    """An induction without advantages."""
    same(found, Induction(quality_per_dollar=30.0, states={}))


def test_a_rule_of_another_kind_is_followed_one_by_one(found):
    """There is only its own next."""
    rule = Noted(Always(0), "a note")

    assert stepper(rule) is None
    same(found, rule)


def test_a_table_with_gaps_is_followed_one_by_one():
    """What is not known has an order of its own among what is."""
    found = table(60, count=3)
    gaps = {mask: np.where(np.arange(60)[:, None] % 3 == 0, np.nan, chances) for mask, chances in found.chances.items()}
    holed = replace(found, chances=gaps)

    assert not holed.whole
    same(holed, CostAware(quality_per_dollar=20.0))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.lists(st.floats(0, 1e9), min_size=3, max_size=3))
def test_the_numbers_of_a_state_are_the_same_for_many(quality, cost):
    """Chances, their logits, their prices."""
    one = compact(State((), frozenset(), tuple(quality), tuple(cost)), 7.0)
    many = compact_rows(np.array([quality]), np.array([cost]), 7.0)

    assert many[0].tolist() == pytest.approx(list(one))
