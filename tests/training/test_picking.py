"""Picking the rung: the simplest that is not clearly worse. All data is simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.simulated_tiers import table
from training.hull import Mean, area
from training.picking import LAMBDAS, Curve, curve_of, pick
from training.rungs import RUNGS, affordable

N = 300


def curve(gain, *, noise=0.0, seed=0):
    """A curve of one rule in the middle, ``gain`` better than a cheap and a strong tier mixed."""
    rng = np.random.default_rng(seed)
    base = np.random.default_rng(99).random(N)
    middle = base + gain + noise * rng.normal(size=N)
    return Curve(
        quality=np.column_stack([base - 0.2, middle, base + 0.2]),
        cost=np.tile([1.0, 2.0, 3.0], (N, 1)),
        low=np.full(N, 1.0),
        high=np.full(N, 3.0),
    )


def picked(*curves, keys=None):
    return pick(curves, weight=np.ones(N), keys=keys or [f"k{row}" for row in range(N)])


def test_the_simplest_of_equals_is_taken():
    """Rungs that do the same are not told apart by noise."""
    assert picked(curve(0.1), curve(0.1), curve(0.1)).chosen == 0


def test_a_rung_that_is_clearly_better_is_taken():
    """By more than the standard error of the paired difference."""
    found = picked(curve(0.02), curve(0.1), curve(0.1001))

    assert found.chosen in (1, 2)
    assert found.behind[0] > found.error[0]


def led(by):
    """The pick of two curves of which the richer is ahead by ``by`` standard errors of the difference.

    Its gain is searched for: the lead moves with it, and the error, which the noise makes, hardly does.
    """
    gain = 0.15
    for _ in range(8):
        found = picked(curve(0.1), curve(gain, noise=0.2, seed=2))
        gain += (by * found.error[0] - found.behind[0]) * 2
    return found


@pytest.mark.parametrize(("by", "chosen"), [(0.25, 0), (0.75, 1), (1.5, 1)])
def test_a_rung_that_is_better_by_less_than_half_the_error_is_passed_over(by, chosen):
    """Half a standard error of the difference is what a simpler rung may be behind, and no whole one."""
    found = led(by)

    assert found.behind[0] == pytest.approx(by * found.error[0], abs=0.05 * found.error[0])
    assert found.behind[1] == found.error[1] == 0
    assert found.chosen == chosen


def test_the_error_is_that_of_the_difference_and_not_of_either():
    """What both rungs share cancels: a constant lead on every row is certain, however much the rows scatter."""
    found = picked(curve(0.02), curve(0.05))

    assert found.error[0] < 1e-9
    assert found.chosen == 1


def test_rows_that_share_a_prompt_are_drawn_together():
    """A lead that rests on few prompts is less certain than one that rests on many."""
    leads = curve(0.1, noise=0.3, seed=4)
    clustered = Curve(leads.quality.repeat(6, axis=0)[:N], leads.cost, leads.low, leads.high)
    flat = curve(0.1)
    flat = Curve(flat.quality.repeat(6, axis=0)[:N], flat.cost, flat.low, flat.high)

    alone = picked(flat, clustered)
    together = picked(flat, clustered, keys=[f"k{row // 6}" for row in range(N)])

    assert together.error[1 - int(np.argmax(together.areas))] > 1.5 * alone.error[1 - int(np.argmax(alone.areas))]


def test_the_same_seed_picks_the_same():
    """Nothing in it is left to chance."""
    curves = (curve(0.1, noise=0.5, seed=1), curve(0.11, noise=0.5, seed=2))

    assert picked(*curves) == picked(*curves)


def test_a_curve_holds_the_single_tiers_and_rules_at_many_prices():
    """Its area is that of their hull between the cheapest and the strongest tier's cost."""
    found = table(120, count=3)
    made = curve_of(found)

    assert made.quality.shape == (120, 3 + LAMBDAS)
    assert made.quality[:, :3].tolist() == found.quality.tolist()
    spots = [Mean(q, c) for q, c in zip(made.quality.mean(axis=0), made.cost.mean(axis=0), strict=True)]
    low, high = found.cost[:, 0].mean(), found.cost[:, -1].mean()
    assert made.area(np.ones(120)) == pytest.approx(area(spots, low=low, high=high))
    assert made.area(np.ones(120)) == pytest.approx(made.area(np.full(120, 7.0)))


def test_knowing_more_has_the_larger_area():
    """A table whose answers tell whether they are right is picked over one whose answers tell nothing."""
    blind, seeing = table(400, count=2, told=0.0), table(400, count=2, told=3.0)
    seeing = replace(seeing, quality=blind.quality, cost=blind.cost)

    assert blind.quality.tolist() == table(400, count=2, told=3.0).quality.tolist()
    found = pick([curve_of(blind), curve_of(seeing)], weight=blind.weight, keys=blind.keys)
    assert found.chosen == 1


def test_the_ladder_grows_with_the_labels():
    """Each rung asks for more labels than the one below; fewer than the lowest needs afford none."""
    needed = [rung.labels for rung in RUNGS]

    assert sorted(needed) == needed
    assert affordable(needed[0] - 1) == []
    assert [rung.name for rung in affordable(200)] == ["confidence", "prompt", "answer"]
    assert affordable(10**6) == list(RUNGS)
