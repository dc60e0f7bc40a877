"""Routing before any answer, with any number of tiers: what every tier is expected to be worth, and which to ask.

The complexity classifier has a head a tier. With many tiers whose labels are known for the same prompts, trees that
share their splits among the tiers often compare them better. Both are fitted; which serves, or their mean, is chosen
by the area under the cost-quality curve of their held-out estimates (design notes, 0.9: by what the policy earns, and
not by log-loss).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from router.features import Floats
from router.policy import CostAware, Rule, Run, State
from router.pricing import NANO
from router.types import Request
from training.benchmarks.shared_forest import SharedForest, fit_forest
from training.classifier import Classifier, fit_classifier
from training.hull import Mean, area
from training.steps import Ranks, stepper

Member = Literal["heads", "forest", "both"]

PRICES = 60
"""Qualities per dollar that a sweep tries, beside none at all."""


@dataclass(frozen=True)
class RoutingOnly:
    """``held_out[member]`` (n, K) are estimates of the training rows from fits that did not see their labels; ``area``
    says what each member's rules earned on them, ``picked`` which one serves.
    """

    classifier: Classifier
    forest: SharedForest
    held_out: Mapping[Member, Floats]
    area: Mapping[Member, float]
    picked: Member

    def chances(self, requests: Sequence[Request]) -> dict[Member, Floats]:
        """What each member expects of every tier, (m, K)."""
        return _members(self.classifier.chances(requests), self.forest.chances(requests))


@dataclass(frozen=True, slots=True)
class Operating:
    """A rule and what it came to: ``chosen`` (n,) ranks, mean ``quality``, mean ``cost`` in nano-dollars."""

    rule: Rule
    chosen: Ranks
    quality: float
    cost: float


def fit_routing_only(
    requests: Sequence[Request],
    quality: Floats,
    *,
    keys: Sequence[str],
    cost: Floats,
    classifier: Classifier | None = None,
) -> RoutingOnly:
    """Fit both members to ``quality`` (n, K), every tier labelled, and pick by the area over ``cost`` (n, K).

    ``keys`` (n,): rows that share one share a fold. ``classifier``: one that was fitted on these very rows.

    Raises:
        InputError: a label is missing, or the lengths differ.
    """
    forest = fit_forest(requests, quality, keys=keys)
    heads = fit_classifier(requests, quality, keys=keys) if classifier is None else classifier
    held_out = _members(heads.held_out, forest.held_out)
    low, high = float(cost.mean(axis=0).min()), float(cost.mean(axis=0).max())
    areas: dict[Member, float] = {}
    for member, expected in held_out.items():
        points = sweep(expected, quality=quality, cost=cost, rules=price_rules(cost))
        areas[member] = area([Mean(point.quality, point.cost) for point in points], low=low, high=high)
    picked = max(areas, key=lambda member: areas[member])
    return RoutingOnly(heads, forest, held_out, areas, picked)


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


def _members(heads: Floats, forest: Floats) -> dict[Member, Floats]:
    return {"heads": heads, "forest": forest, "both": (heads + forest) / 2}
