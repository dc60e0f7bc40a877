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


def curve(loss, *, noise=0.0, seed=0):
    """A curve of chances whose squared error is ``loss`` on average."""
    rng = np.random.default_rng(seed)
    base = np.random.default_rng(99).random(N)
    return Curve(
        quality=np.column_stack([base - 0.2, base, base + 0.2]),
        cost=np.tile([1.0, 2.0, 3.0], (N, 1)),
        low=np.full(N, 1.0),
        high=np.full(N, 3.0),
        loss=base + loss + noise * rng.normal(size=N),
    )


def picked(*curves, keys=None):
    return pick(curves, weight=np.ones(N), keys=keys or [f"k{row}" for row in range(N)])


def test_the_simplest_of_equals_is_taken():
    """Rungs that do the same are not told apart by noise."""
    assert picked(curve(0.1), curve(0.1), curve(0.1)).chosen == 0


def test_a_rung_that_is_clearly_better_is_taken():
    """By more than the standard error of the paired difference."""
    found = picked(curve(0.1), curve(0.02, noise=0.01), curve(0.0201))

    assert found.chosen in (1, 2)
    assert found.behind[0] > found.error[0] > 0


@pytest.mark.parametrize(("by", "chosen"), [(0.25, 0), (0.75, 1), (1.5, 1)])
def test_a_rung_that_is_better_by_less_than_half_the_error_is_passed_over(by, chosen):
    """Half a standard error of the difference is what a simpler rung may be behind, and no whole one."""
    noise = np.random.default_rng(2).normal(size=N)
    noise = (noise - noise.mean()) / noise.std()
    richer = replace(curve(0.1), loss=curve(0.1).loss + 0.2 * noise - by * 0.2 / np.sqrt(N))

    found = picked(curve(0.1), richer)

    assert found.error[0] == pytest.approx(0.2 / np.sqrt(N))
    assert found.behind[0] == pytest.approx(by * found.error[0])
    assert found.behind[1] == found.error[1] == 0
    assert found.chosen == chosen


def test_the_error_is_that_of_the_difference_and_not_of_either():
    """What both rungs share cancels: a constant lead on every row is certain, however much the rows scatter."""
    found = picked(curve(0.05), curve(0.02))

    assert found.error[0] < 1e-9
    assert found.chosen == 1


def test_rows_that_share_a_prompt_count_together():
    """A lead that rests on few prompts is less certain than one that rests on many."""
    few = replace(curve(0.1), loss=curve(0.1, noise=0.3, seed=4).loss.repeat(6)[:N])
    flat = replace(curve(0.2), loss=curve(0.2).loss.repeat(6)[:N])

    alone = picked(flat, few)
    together = picked(flat, few, keys=[f"k{row // 6}" for row in range(N)])

    assert together.error[0] == pytest.approx(np.sqrt(6) * alone.error[0])


def test_a_weight_is_a_repetition():
    """A row that stands for two requests counts as two rows of one prompt."""
    first, second = curve(0.1, noise=0.5, seed=1), curve(0.11, noise=0.5, seed=2)
    weight = np.where(np.arange(N) < 50, 2.0, 1.0)
    rows = np.repeat(np.arange(N), weight.astype(int))
    keys = [f"k{row}" for row in range(N)]

    def repeated(one):
        return Curve(*(getattr(one, name)[rows] for name in ("quality", "cost", "low", "high", "loss")))

    once = pick([first, second], weight=weight, keys=keys)
    twice = pick([repeated(first), repeated(second)], weight=np.ones(len(rows)), keys=[keys[row] for row in rows])

    assert once.chosen == twice.chosen
    assert once.areas == pytest.approx(twice.areas)
    assert once.behind == pytest.approx(twice.behind)
    assert once.error == pytest.approx(twice.error)


def test_areas_are_told_and_decide_nothing():
    """A curve of the larger area whose chances are further from the labels is passed over."""
    wider = curve(0.2)
    wider = replace(wider, quality=wider.quality + np.array([0.0, 0.3, 0.0]))

    found = picked(wider, curve(0.1))

    assert found.areas[0] > found.areas[1]
    assert found.chosen == 1


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
    errors = [(found.quality - chances) ** 2 for chances in found.chances.values()]
    assert made.loss == pytest.approx(np.mean(errors, axis=(0, 2)))


def test_knowing_more_is_picked():
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
