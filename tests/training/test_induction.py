"""Fitted backward induction against rules worked out by hand. All data is simulated."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from router.policy import Advantages, Induction, Run, State, Stop
from router.policy.induction import compact
from router.pricing import NANO
from tests.training.simulated_tiers import table
from training import induction
from training.heads import folds_of
from training.induction import fit_induction, prepare
from training.table import Table, walk

PRICE = 1000.0
"""Quality per dollar: 100,000 nano-dollars are worth a tenth of quality."""

CHEAP, DEAR = 10_000.0, 300_000.0


def fitted(found, price=PRICE):
    return fit_induction(prepare(found, fold=folds_of(found.keys)), price)


def objective(found, rule, price=PRICE):
    done = walk(found, rule)
    return float((done.quality - price / NANO * done.cost).mean())


def by_hand(n=4000, *, seed=0, labels=None):
    """Two tiers: the cheap one's answer tells its own chance c; the dear one is right in nine of ten.

    After the cheap answer it is best to go on iff 0.9 - 0.3 > c. Before it, to begin with the cheap one:
    E[max(c, 0.6)] - 0.01 is above 0.6 for c even on [0, 1].
    """
    rng = np.random.default_rng(seed)
    told = rng.random(n)
    quality = np.column_stack([rng.random(n) < told, rng.random(n) < 0.9]).astype(float)
    if labels is not None:
        quality = labels
    flat = np.tile([0.5, 0.9], (n, 1))
    seen = np.column_stack([told, np.full(n, 0.9)])
    cost = np.tile([CHEAP, DEAR], (n, 1))
    return Table(
        quality=quality,
        cost=cost,
        chances={0: flat, 1: seen, 2: flat, 3: seen},
        expected=dict.fromkeys((0, 1, 2, 3), cost),
        draw=rng.random(n),
        weight=np.ones(n),
        keys=tuple(f"k{row}" for row in range(n)),
    )


def after_cheap(chance):
    return State((0,), frozenset({1}), (chance, 0.9), (CHEAP, DEAR))


def test_the_rule_that_is_best_by_hand_is_found():
    """It begins with the cheap tier, and goes on below a confidence of 0.6."""
    rule = fitted(by_hand())

    assert rule.next(State((), frozenset({0, 1}), (0.5, 0.9), (CHEAP, DEAR))).rank == 0
    for chance in (0.05, 0.2, 0.4, 0.5):
        assert isinstance(rule.next(after_cheap(chance)), Run)
    for chance in (0.7, 0.8, 0.95):
        assert isinstance(rule.next(after_cheap(chance)), Stop)


def test_the_value_of_the_found_rule_is_nearly_the_best_there_is():
    """On fresh rows, within a hundredth of the rule by hand, and above each tier alone."""
    fresh = by_hand(20_000, seed=1)
    best = np.where(fresh.chances[1][:, 0] >= 0.6, fresh.quality[:, 0], fresh.quality[:, 1] - 0.3).mean() - 0.01

    found = objective(fresh, fitted(by_hand()))

    assert found == pytest.approx(best, abs=0.01)
    assert found > fresh.quality[:, 0].mean() - 0.01 + 0.1
    assert found > fresh.quality[:, 1].mean() - 0.3 + 0.05


def test_the_advantage_is_what_going_on_is_really_worth():
    """The regression's own figure after the cheap answer is 0.9 - 0.3 - c, in the middle of the range."""
    rule = fitted(by_hand(20_000))

    for chance in (0.2, 0.4, 0.6, 0.8):
        numbers = compact(after_cheap(chance), PRICE)
        assert rule.states[1].of(1, numbers) == pytest.approx(0.6 - chance, abs=0.05)


@pytest.mark.parametrize(("price", "asks"), [(1e-3, "dear"), (1e5, "cheap")])
def test_at_no_price_the_dear_tier_is_asked_and_at_any_price_only_the_cheap_one(price, asks):
    """The two ends of the frontier."""
    found = by_hand(1000)
    flat = replace(found, quality=np.tile([0.0, 1.0], (1000, 1)))

    done = walk(flat, fitted(flat, price))

    assert set(done.rank.tolist()) == {1 if asks == "dear" else 0}


def test_a_dearer_dollar_never_buys_more():
    """Mean cost falls as the price of cost rises."""
    found = table(600, count=3)

    costs = [walk(found, fitted(found, price)).cost.mean() for price in (1.0, 10.0, 100.0, 1e3, 1e4)]

    assert all(later <= earlier * 1.02 for earlier, later in pairwise(costs))
    assert costs[-1] < costs[0] / 10


def test_no_row_profits_from_its_own_label():
    """Where labels are noise, and calibrated chances say so, going on is not found to be worth its cost.

    Were advantages chosen by fits that saw the row, the values of later states would be flattered, and going on
    would look worth its cost everywhere.
    """
    rng = np.random.default_rng(3)
    n = 300
    noise = replace(table(n, count=3, costs=(1e4, 1e4, 1e4)), quality=(rng.random((n, 3)) < 0.5).astype(float))
    noise = replace(noise, chances={mask: 0.5 + 0.02 * rng.normal(size=(n, 3)) for mask in noise.chances})
    rule = fitted(noise, 1e3)
    fresh = replace(noise, quality=(rng.random((n, 3)) < 0.5).astype(float))

    assert objective(fresh, rule, 1e3) <= max(fresh.quality.mean(axis=0)) - 0.01 + 0.04
    asked = walk(fresh, rule).visited.sum(axis=1).mean()
    assert asked < 1.5


def test_permuted_labels_give_no_gain_out_of_fold():
    """Rules fitted without a fold do no better on it than the best tier alone, when labels are dealt at random."""
    found = table(400, count=3, told=3.0)
    mixed = replace(found, quality=np.random.default_rng(4).permutation(found.quality))
    fold = folds_of(mixed.keys)
    price = 300.0

    def out_of_fold(rows):
        worth, prepared = np.empty(len(rows)), prepare(rows, fold=fold)
        for number in np.unique(fold):
            held = fold == number
            rule = fit_induction(prepared, price, without=number)
            done = walk(rows.take(np.flatnonzero(held)), rule)
            worth[held] = done.quality - price / NANO * done.cost
        return worth.mean()

    def single(rows):
        return max((rows.quality - price / NANO * rows.cost).mean(axis=0))

    assert out_of_fold(mixed) < single(mixed) + 0.02
    assert out_of_fold(found) > single(found) + 0.05


def test_rows_that_are_left_out_have_no_say():
    """Their labels may be anything."""
    found = table(300, count=3)
    fold = folds_of(found.keys)
    lied = replace(found, quality=np.where((fold != 2)[:, None], found.quality, 1 - found.quality))

    one = fit_induction(prepare(found, fold=fold), 100.0, without=2)
    other = fit_induction(prepare(lied, fold=fold), 100.0, without=2)

    assert one == other


def test_a_weight_is_a_repetition(monkeypatch):
    """A request that stands for two counts as two in every regression; here on labels alone."""
    monkeypatch.setattr(induction, "TRUSTED", 0)
    found = table(200, count=2)
    times = np.random.default_rng(0).integers(1, 3, 200)
    rows = np.repeat(np.arange(200), times)
    weighted = replace(found, weight=times.astype(float))

    one = fitted(weighted, 100.0).states
    other = fitted(found.take(rows), 100.0).states

    for mask, told in one.items():
        for rank, (intercept, weights) in told.actions.items():
            assert other[mask].actions[rank][0] == pytest.approx(intercept, abs=1e-6)
            assert other[mask].actions[rank][1] == pytest.approx(weights, abs=1e-6)


def test_labels_are_trusted_by_how_many_there_are_and_not_by_what_they_stand_for():
    """Equal weights change nothing, however large; where one row weighs as much as all the others, it has one label."""
    found = table(200, count=2)
    heavy = np.where(np.arange(200) == 0, 199.0, 1.0)

    assert induction._effective(np.ones(200)) == 200
    assert induction._effective(np.full(200, 20.0)) == pytest.approx(200)
    assert induction._effective(heavy) == pytest.approx(398**2 / (199**2 + 199))
    assert induction._effective(np.zeros(0)) == 0
    few, many = (prepare(replace(found, weight=weight), fold=folds_of(found.keys)) for weight in (heavy, np.ones(200)))
    labels = [induction._stopped(one, 1, induction._effective(one.table.weight)) for one in (few, many)]
    confidence = found.chances[1][:, 0]
    assert np.abs(labels[0] - confidence).mean() < 0.05 * np.abs(labels[1] - confidence).mean()


def test_five_tiers_are_fitted_as_deep_as_states_are_told_apart():
    """Up to two answers there is an estimate for every stronger tier; deeper, what was learned of chances decides."""
    found = table(300, count=5)
    rule = fitted(found, 1.0)

    assert set(rule.states[0].actions) == {0, 1, 2, 3, 4}
    assert set(rule.states[0b11].actions) == {2, 3, 4}
    assert 0b111 not in rule.states
    done = walk(found, rule)
    assert done.visited.any(axis=1).all()
    assert done.quality.mean() >= found.quality.mean(axis=0).max() - 0.05


def test_a_rule_stops_exactly_where_no_advantage_is_above_nothing():
    """Its threshold is on the scale of the confidence: accepted iff the confidence reaches it."""
    rule = Induction(1.0, {1: Advantages({1: (0.3, (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0))})})

    low, high = rule.next(after_cheap(0.29)), rule.next(after_cheap(0.31))

    assert isinstance(low, Run)
    assert low.threshold == pytest.approx(0.3)
    assert isinstance(high, Stop)
    assert high.threshold == pytest.approx(0.3)
