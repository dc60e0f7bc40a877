"""Routing before any answer, with several tiers. All data is simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InputError
from router.policy import CostAware, Run, State
from router.types import Request, as_messages
from training import routing_only
from training.routing_only import asked, cheapest, operate, price_rules, sweep
from training.shared_forest import fit_forest
from training.steady import Steady, steady_rules
from training.steady_fit import fit_steady

KINDS = {
    "sum": "Add the numbers {a} and {b} and give the total as one number, please.",
    "poem": "Write a poem about the river, the mountain and the {a} birds, in long lines\nand with much feeling.",
    "code": "```python\ndef f(x): return x + {a}\n```\nWhy does this fail for {b}?",
}
GOOD = {"sum": (0.95, 0.85, 0.95), "poem": (0.1, 0.9, 0.9), "code": (0.1, 0.2, 0.9)}
"""The chance that each of three tiers is right."""
COST = np.array([100.0, 200.0, 900.0])


@pytest.fixture(scope="module")
def simulated():
    rng = np.random.default_rng(7)
    kinds = rng.choice(list(KINDS), 300)
    texts = [
        KINDS[kind].format(a=rng.integers(10, 99), b=rng.integers(10, 99)) + f" ({row})"
        for row, kind in enumerate(kinds)
    ]
    requests = [Request(messages=as_messages(text)) for text in texts]
    quality = (rng.random((300, 3)) < np.array([GOOD[kind] for kind in kinds])).astype(float)
    return requests, quality, kinds


@pytest.fixture(scope="module")
def fitted(simulated):
    requests, quality, _ = simulated
    cost = np.tile(COST, (300, 1))
    return routing_only.fit_routing_only(requests, quality, keys=[r.text for r in requests], cost=cost)


def test_each_kind_of_prompt_goes_to_the_cheapest_tier_that_is_good_at_it(simulated, fitted):
    """At a price at which a tenth of quality is not worth the strongest tier."""
    requests, _, kinds = simulated
    cost = np.tile(COST, (len(requests), 1))
    expected = fitted.chances(requests)[fitted.picked]

    ranks = asked(expected, cost=cost, rule=CostAware(quality_per_dollar=0.6 * 1e9 / 800))

    wanted = np.array([{"sum": 0, "poem": 1, "code": 2}[kind] for kind in kinds])
    assert (ranks == wanted).mean() > 0.9


def test_the_member_with_the_largest_held_out_area_serves(fitted):
    """By what rules earn, and not by log-loss."""
    assert set(fitted.area) == {"heads", "forest", "both"}
    assert max(fitted.area.values()) == fitted.area[fitted.picked]


def test_held_out_estimates_have_not_seen_their_labels(simulated):
    """With labels that are pure chance there is nothing to foresee, and the trees foresee nothing."""
    requests, _, _ = simulated
    chance = np.random.default_rng(3).integers(0, 2, (len(requests), 2)).astype(float)

    forest = fit_forest(requests, chance, keys=[request.text for request in requests], leaf=2)

    seen = forest.chances(requests)
    for column in range(2):
        foreseen = np.corrcoef(forest.held_out[:, column], chance[:, column])[0, 1]
        assert abs(foreseen) < 0.2
        assert np.corrcoef(seen[:, column], chance[:, column])[0, 1] > foreseen + 0.1


def test_rows_that_share_a_key_are_held_out_together(simulated):
    """Copies with one key tell nothing of each other's labels."""
    requests, _, _ = simulated
    twice = [*requests[:100], *requests[:100]]
    chance = np.tile(np.random.default_rng(4).integers(0, 2, (100, 2)).astype(float), (2, 1))

    forest = fit_forest(twice, chance, keys=[str(row) for row in range(100)] * 2, leaf=1)

    assert abs(np.corrcoef(forest.held_out.ravel(), chance.ravel())[0, 1]) < 0.25


def test_a_missing_label_is_refused(simulated):
    """Trees that all tiers share compare them on the same prompts."""
    requests, quality, _ = simulated
    holed = quality.copy()
    holed[3, 1] = np.nan

    with pytest.raises(InputError, match=r"row 3 has no label of some tier"):
        fit_forest(requests, holed, keys=[request.text for request in requests])
    with pytest.raises(InputError, match=r"300 requests, 300 rows of quality and 1 keys"):
        fit_forest(requests, quality, keys=["x"])


def test_prompts_without_a_common_word_are_read_by_their_hand_made_features():
    """There is no vocabulary then."""
    requests = [Request(messages=as_messages(chr(0x4E00 + row) * (1 + row % 7))) for row in range(40)]
    quality = np.array([[float(row % 7 > 3), 1.0] for row in range(40)])

    forest = fit_forest(requests, quality, keys=[request.text for request in requests], leaf=1)

    assert forest.chances(requests).shape == (40, 2)


def test_a_higher_price_never_costs_more(fitted):
    """From "whatever it costs" to the cheapest tier alone."""
    expected = fitted.held_out[fitted.picked]
    cost, quality = np.tile(COST, (300, 1)), np.zeros((300, 3))

    costs = [point.cost for point in sweep(expected, quality=quality, cost=cost, rules=price_rules(cost))]

    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == COST[0]


def test_the_cheapest_point_that_is_good_enough_is_found_or_none():
    """And whatever else is asked of it."""
    expected, cost = np.array([[0.2, 0.9], [0.8, 0.9]]), np.array([[1.0, 2.0], [1.0, 2.0]])
    rules = [CostAware(quality_per_dollar=price * 1e9) for price in (0.0, 0.5, 5.0)]
    points = sweep(expected, quality=expected, cost=cost, rules=rules)

    assert cheapest(points, least=0.8) == points[1]
    assert cheapest(points, least=0.8, also=lambda point: point.quality > 0.88) == points[0]
    assert cheapest(points, least=1.0) is None


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.integers(0, 2),
    st.floats(0, 1),
    st.floats(0, 1e6),
)
def test_the_rule_with_a_home_asks_the_same_of_one_request_as_of_many(quality, home, margin, price):
    """One rule, whether a request at a time or an array."""
    rule = Steady(quality_per_dollar=price, home=home, margin=margin)
    state = State(run=(), allowed=frozenset(range(3)), quality=tuple(quality), cost=tuple(COST))

    step = rule.next(state)

    assert isinstance(step, Run)
    assert asked(np.array([quality]), cost=COST[None], rule=rule).tolist() == [step.rank]


def test_the_home_keeps_what_no_other_tier_beats_by_the_margin():
    """With its margin, at equal prices; and without one it is the cost-aware rule."""
    expected, free = np.array([[0.5, 0.6, 0.55], [0.5, 0.9, 0.55]]), np.zeros((2, 3))

    assert asked(expected, cost=free, rule=Steady(quality_per_dollar=0.0, home=0, margin=0.2)).tolist() == [0, 1]
    assert asked(expected, cost=free, rule=Steady(quality_per_dollar=0.0, home=0, margin=0.0)).tolist() == [1, 1]


def test_a_larger_margin_never_leaves_home_more_often(fitted):
    """So steadiness can be bought by it."""
    expected, cost = fitted.held_out[fitted.picked], np.tile(COST, (300, 1))
    rules = [rule for rule in steady_rules(cost, worth=(0.3,), margins=(0.0, 0.1, 0.3, 0.9)) if rule.home == 2]

    away = [(asked(expected, cost=cost, rule=rule) != 2).mean() for rule in rules]

    assert away == sorted(away, reverse=True)


def test_after_an_answer_the_rule_with_a_home_weighs_as_without():
    """The margin is for the first call alone."""
    state = State(run=(0,), allowed=frozenset({1, 2}), quality=(0.5, 0.9, 0.9), cost=tuple(COST))
    rule = Steady(quality_per_dollar=1.0, home=2, margin=0.5)

    assert CostAware(quality_per_dollar=1.0).next(state) == rule.next(state)
    assert rule.as_dict() == {"kind": "steady", "quality_per_dollar": 1.0, "home": 2, "margin": 0.5}


def test_the_steady_router_is_good_enough_steady_and_not_constant(simulated):
    """What it was asked for, held out: and the mix of tiers says that it still routes."""
    requests, quality, _ = simulated

    found = fit_steady(
        requests,
        quality,
        keys=[request.text for request in requests],
        cost_of=lambda requests: np.tile(COST, (len(requests), 1)),
        share=0.9,
        steady=0.9,
        largest=0.8,
    )

    assert found.quality >= 0.9
    assert found.cost < 1
    assert max(found.mix) <= 0.8
    assert found.kept >= 0.9
    assert set(found.facts(["a", "b", "c"])["mix"]) == {"a", "b", "c"}
    assert len(found.ask(requests[:5], np.tile(COST, (5, 1)))) == 5


def test_a_quality_out_of_reach_is_one_sentence(simulated):
    """Nothing is better than what all tiers together could be."""
    requests, quality, _ = simulated

    with pytest.raises(InputError, match=r"no rule keeps 200%"):
        fit_steady(
            requests[:100],
            quality[:100],
            keys=[request.text for request in requests[:100]],
            cost_of=lambda requests: np.tile(COST, (len(requests), 1)),
            share=2.0,
            steady=0.9,
            largest=0.8,
        )


def test_what_a_rule_comes_to_is_of_the_tiers_it_asks():
    """Mean quality and mean cost of the chosen ones."""
    expected, quality = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[1.0, 0.0], [1.0, 0.5]])
    done = operate(expected, quality=quality, cost=np.array([[1.0, 3.0], [1.0, 3.0]]), rule=CostAware(0.0))

    assert done.chosen.tolist() == [0, 1]
    assert (done.quality, done.cost) == (0.75, 2.0)
