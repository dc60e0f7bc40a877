"""Routing before any answer, with any number of tiers: from what each is expected to be worth to the one to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from router.policy import CostAware, Rule, Run, State
from router.pricing import NANO
from training.steps import Ranks, stepper

PRICES = 60
"""Qualities per dollar that a sweep tries, beside none at all."""


@dataclass(frozen=True, slots=True)
class Operating:
    """A rule and what it came to: ``chosen`` (n,) ranks, mean ``quality``, mean ``cost`` in nano-dollars."""

    rule: Rule
    chosen: Ranks
    quality: float
    cost: float


def price_rules(cost: Floats) -> list[Rule]:
    """Cost-aware rules from "whatever it costs" to "whatever is cheapest", evenly in the logarithm of the price."""
    mean = cost.mean(axis=0)
    gap = float(mean.max() - mean.min()) or 1.0
    worth = [0.0, *np.logspace(-2.5, 2, PRICES)]
    return [CostAware(quality_per_dollar=float(price) * NANO / gap) for price in worth]


def sweep(expected: Floats, *, quality: Floats, cost: Floats, rules: Sequence[Rule]) -> list[Operating]:
    """What each of ``rules`` comes to, asked once a prompt: ``expected``, ``quality`` and ``cost`` are (n, K)."""
    return [operate(expected, quality=quality, cost=cost, rule=rule) for rule in rules]


def operate(expected: Floats, *, quality: Floats, cost: Floats, rule: Rule) -> Operating:
    """What one rule comes to."""
    chosen = asked(expected, cost=cost, rule=rule)
    every = np.arange(len(chosen))
    return Operating(rule, chosen, float(quality[every, chosen].mean()), float(cost[every, chosen].mean()))


def asked(expected: Floats, *, cost: Floats, rule: Rule) -> Ranks:
    """The tier that ``rule`` asks first for each row of ``expected`` and ``cost`` (n, K): (n,) ranks."""
    together = stepper(rule)
    if together is not None:
        return together(rule, (), expected, cost)
    allowed = frozenset(range(expected.shape[1]))
    found = []
    for chances, costs in zip(expected.tolist(), cost.tolist(), strict=True):
        step = rule.next(State(run=(), allowed=allowed, quality=tuple(chances), cost=tuple(costs)))
        assert isinstance(step, Run)  # nothing has run, so there is nothing to stop at
        found.append(step.rank)
    return np.array(found, np.int64)


def cheapest(points: Sequence[Operating], *, least: float) -> Operating | None:
    """The cheapest of ``points`` with a mean quality of at least ``least``."""
    found = [point for point in points if point.quality >= least]
    return min(found, key=lambda point: point.cost, default=None)
