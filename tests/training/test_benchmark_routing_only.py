"""Routing before any answer, with several tiers. All data is simulated."""

from __future__ import annotations

import numpy as np
import pytest

from router.policy import CostAware
from router.types import Request, as_messages
from training.benchmarks.routing_only import asked, cheapest, operate, price_rules, sweep
from training.classifier import fit_classifier

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
    """The classifier as it ships."""
    requests, quality, _ = simulated
    return fit_classifier(requests, quality, keys=[request.text for request in requests])


def test_each_kind_of_prompt_goes_to_the_cheapest_tier_that_is_good_at_it(simulated, fitted):
    """At a price at which a tenth of quality is not worth the strongest tier."""
    requests, _, kinds = simulated
    cost = np.tile(COST, (len(requests), 1))
    expected = fitted.chances(requests)

    ranks = asked(expected, cost=cost, rule=CostAware(quality_per_dollar=0.6 * 1e9 / 800))

    wanted = np.array([{"sum": 0, "poem": 1, "code": 2}[kind] for kind in kinds])
    assert (ranks == wanted).mean() > 0.9


def test_held_out_estimates_have_not_seen_their_labels(simulated):
    """With labels that are pure chance there is nothing to foresee, and nothing is foreseen."""
    requests, _, _ = simulated
    chance = np.random.default_rng(3).integers(0, 2, (len(requests), 2)).astype(float)

    classifier = fit_classifier(requests, chance, keys=[request.text for request in requests])

    seen = classifier.chances(requests)
    for column in range(2):
        foreseen = np.corrcoef(classifier.held_out[:, column], chance[:, column])[0, 1]
        assert abs(foreseen) < 0.2
        assert np.corrcoef(seen[:, column], chance[:, column])[0, 1] > foreseen + 0.1


def test_rows_that_share_a_key_are_held_out_together(simulated):
    """Copies with one key tell nothing of each other's labels; with a key each they tell much."""
    requests, _, _ = simulated
    copies = [*requests[:60]] * 4
    chance = np.tile(np.random.default_rng(4).integers(0, 2, (60, 2)).astype(float), (4, 1))

    def foreseen(keys):
        return np.corrcoef(fit_classifier(copies, chance, keys=keys).held_out.ravel(), chance.ravel())[0, 1]

    assert abs(foreseen([str(row) for row in range(60)] * 4)) < 0.25
    assert foreseen([str(row) for row in range(240)]) > 0.4


def test_a_higher_price_never_costs_more(fitted):
    """From "whatever it costs" to the cheapest tier alone."""
    expected = fitted.held_out
    cost, quality = np.tile(COST, (300, 1)), np.zeros((300, 3))

    costs = [point.cost for point in sweep(expected, quality=quality, cost=cost, rules=price_rules(cost))]

    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == COST[0]


def test_the_cheapest_point_that_is_good_enough_is_found_or_none():
    """At a price that is too high nothing is good enough."""
    expected, cost = np.array([[0.2, 0.9], [0.8, 0.9]]), np.array([[1.0, 2.0], [1.0, 2.0]])
    rules = [CostAware(quality_per_dollar=price * 1e9) for price in (0.0, 0.5, 5.0)]
    points = sweep(expected, quality=expected, cost=cost, rules=rules)

    assert cheapest(points, least=0.8) == points[1]
    assert cheapest(points, least=1.0) is None


def test_what_a_rule_comes_to_is_of_the_tiers_it_asks():
    """Mean quality and mean cost of the chosen ones."""
    expected, quality = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[1.0, 0.0], [1.0, 0.5]])
    done = operate(expected, quality=quality, cost=np.array([[1.0, 3.0], [1.0, 3.0]]), rule=CostAware(0.0))

    assert done.chosen.tolist() == [0, 1]
    assert (done.quality, done.cost) == (0.75, 2.0)
