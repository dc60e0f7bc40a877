"""What a call is expected to cost: from the prompt, and again after each answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.assess import Trained, Untrained, expected_costs
from router.lengths import Tokens
from router.types import Usage
from tests.core.test_bundle import KNOWN, made
from tests.kit import ask, ladder, said

TIERS = ladder("small", "large")


def carrying(share):
    """The random bundle, in which ``share`` of the small tier's surprise is expected of the large tier's too."""
    estimators = made().estimators
    answer = replace(estimators.length.answer, carry=np.array([[1.0, share], [share, 1.0]]))
    length = replace(estimators.length, answer=answer)
    return Trained(TIERS, replace(estimators, length=length))


def after(assessor, tokens):
    usage = Usage(input_tokens=10, output_tokens=tokens)
    return assessor.observe(assessor.begin(ask(KNOWN)), 0, replace(said("four"), usage=usage)).cost


def test_a_long_answer_raises_what_the_next_tier_is_expected_to_cost():
    """And a short one lowers it: answers of one prompt are long together."""
    assessor = carrying(0.8)
    begun = assessor.begin(ask(KNOWN)).cost

    short, usual, long = (after(assessor, tokens)[1] for tokens in (1, 7, 60))

    assert short < usual < long
    assert usual == pytest.approx(begun[1], rel=0.05)  # e^2 is 7.4 tokens, which is what the model expects
    assert long > 3 * usual


def test_an_answer_whose_length_says_nothing_moves_no_cost():
    """Where answers are long by themselves, the expectation stays."""
    assessor = carrying(0.0)

    assert after(assessor, 60)[1] == pytest.approx(assessor.begin(ask(KNOWN)).cost[1])


def test_an_answer_that_was_not_counted_moves_no_cost():
    """Unknown is not zero."""
    assessor = carrying(0.8)
    begun = assessor.begin(ask(KNOWN))

    assert begun.cost == assessor.observe(begun, 0, replace(said("four"), usage=None)).cost


def test_thinking_tokens_count_as_written():
    """They are billed as output, and a prompt that makes one model think makes another."""
    assessor = carrying(0.8)
    begun = assessor.begin(ask(KNOWN))
    quiet = Usage(input_tokens=10, output_tokens=5)

    found = assessor.observe(begun, 0, replace(said("4"), usage=quiet)).cost

    assert found == after(assessor, quiet.generated_tokens)


def test_a_prompt_that_one_tier_read_tells_how_much_the_next_one_will_read():
    """Whatever a call holds beside the prompt's characters, the tokens that the first tier counted show it."""
    estimators = made().estimators
    prompt = replace(estimators.length.prompt, carry=np.array([[1.0, 1.0], [1.0, 1.0]]))
    assessor = Trained(TIERS, replace(estimators, length=replace(estimators.length, prompt=prompt)))
    begun = assessor.begin(ask(KNOWN))

    few, many = (
        assessor.observe(begun, 0, replace(said("4"), usage=Usage(input_tokens=read, output_tokens=7))).cost[1]
        for read in (2, 1000)
    )

    assert few < begun.cost[1] < many


def test_no_answer_is_expected_to_be_longer_than_it_may_be():
    """The request's limit where it has one, else the tier's."""
    tokens = np.array([100.0, 100.0])
    many = np.array([1e9, 1e9])

    limited = expected_costs(TIERS.tiers, ask(max_tokens=20), Tokens(tokens, many))
    free = expected_costs(TIERS.tiers, ask(), Tokens(tokens, many))

    for rank, tier in enumerate(TIERS.tiers):
        assert limited[rank] == tier.cost(Usage(input_tokens=100, output_tokens=20))
        assert free[rank] == tier.cost(Usage(input_tokens=100, output_tokens=tier.max_tokens))


def test_no_call_is_expected_to_cost_less_than_a_token():
    """A line through few points may come out below nothing."""
    nothing = np.array([-50.0, -50.0])

    costs = expected_costs(TIERS.tiers, ask(), Tokens(nothing, nothing))

    assert costs == tuple(tier.cost(Usage(input_tokens=0, output_tokens=1)) for tier in TIERS.tiers)


def test_what_an_untrained_router_expects_is_the_longest_answer_allowed():
    """It knows nothing of lengths, and would rather reserve too much."""
    untrained = Untrained(TIERS)

    short, long = (untrained.begin(ask("x" * 400, max_tokens=limit)).cost for limit in (10, 1000))

    assert short[0] == TIERS[0].cost(Usage(input_tokens=100, output_tokens=10))
    assert long[0] == TIERS[0].cost(Usage(input_tokens=100, output_tokens=1000))
