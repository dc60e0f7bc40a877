"""Reading a family of rules on held-out rows: the hull that was chosen in training, and what it comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from router.policy import Rule
from router.pricing import NANO
from training.hull import Mean, area, at_cost, hull
from training.table import Table, walk

TARGETS = (0.95, 0.98, 0.99)
"""Shares of the strongest tier's quality at which the cost is read off."""

GRID = np.linspace(0.0, 1.0, 51)
"""Costs, in shares of always asking the strongest tier, at which curves are drawn."""


@dataclass(frozen=True)
class Reading:
    """A curve's figures on the rows of a table. NaN: a quality that it does not reach.

    ``area``: the hull's mean quality from the cheapest to the strongest tier's cost, in %. ``costs``: per target, in %
    of always asking the strongest tier. ``cost_apgr``: the same area in shares of the gap between these tiers.
    ``aiq``: over the curve's own range of costs. ``drawn``: quality at the costs of :data:`GRID`.
    """

    area: float
    costs: tuple[float, ...]
    cost_apgr: float
    aiq: float
    drawn: tuple[float, ...]

    def as_dict(self) -> dict[str, float]:
        """The figures by name."""
        named = {f"cost{round(100 * share)}": cost for share, cost in zip(TARGETS, self.costs, strict=True)}
        return {"area": self.area, **named, "cost_apgr": self.cost_apgr, "aiq": self.aiq}


def followed(table: Table, rules: Sequence[Rule]) -> list[Mean]:
    """Mean quality and mean nano-dollars of each rule on the rows of ``table``."""
    done = [walk(table, rule) for rule in rules]
    return [Mean(table.mean(each.quality), table.mean(each.cost)) for each in done]


def read(points: Sequence[Mean], table: Table) -> Reading:
    """Read the hull of ``points`` on the rows of ``table``."""
    reached = hull(points)
    weak, strong = (
        Mean(table.mean(table.quality[:, rank]), table.mean(table.cost[:, rank])) for rank in (0, table.tiers - 1)
    )
    whole = area(reached, low=weak.cost, high=strong.cost)
    low, high = reached[0].cost, reached[-1].cost
    gap = strong.quality - weak.quality
    return Reading(
        area=100 * whole,
        costs=tuple(100 * cost_at(reached, share * strong.quality) / strong.cost for share in TARGETS),
        cost_apgr=(whole - weak.quality) / gap if gap > 0 else math.nan,
        aiq=area(reached, low=low, high=high) if high > low else math.nan,
        drawn=tuple(at_cost(reached, float(share) * strong.cost) for share in GRID),
    )


def cost_at(vertices: Sequence[Mean], quality: float) -> float:
    """The least cost of ``quality`` on a hull; NaN when it does not reach it."""
    if vertices[0].quality >= quality:
        return vertices[0].cost
    if vertices[-1].quality < quality:
        return math.nan
    return float(np.interp(quality, [point.quality for point in vertices], [point.cost for point in vertices]))


def routed(table: Table, prices: Sequence[float]) -> list[Mean]:
    """What choosing one tier before any answer comes to, by expected quality less the price of its expected cost."""
    rows = np.arange(len(table))
    points = []
    for price in prices:
        chosen = np.argmax(table.chances[0] - price / NANO * table.expected[0], axis=1)
        points.append(Mean(table.mean(table.quality[rows, chosen]), table.mean(table.cost[rows, chosen])))
    return points


def oracle(table: Table, prices: Sequence[float]) -> list[Mean]:
    """What choosing the tier of the most quality less price comes to when labels and costs are known beforehand."""
    rows = np.arange(len(table))
    points = []
    for price in prices:
        chosen = np.argmax(table.quality - price / NANO * table.cost, axis=1)
        points.append(Mean(table.mean(table.quality[rows, chosen]), table.mean(table.cost[rows, chosen])))
    return points


def regret(table: Table, rule: Rule, price: float) -> float:
    """``mean[max_k (Y_k - price C_k) - (Y - price C)]``: what ``rule`` loses against the best tier in hindsight."""
    done = walk(table, rule)
    best: Floats = (table.quality - price / NANO * table.cost).max(axis=1)
    return table.mean(best - (done.quality - price / NANO * done.cost))
