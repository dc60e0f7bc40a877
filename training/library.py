"""The policy library: every family of rules, each tried over its knob, and judged out of fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

import numpy as np

from router.features import Floats
from router.policy import Always, CascadeRouting, CostAware, Keep, Rule, Thresholds
from router.pricing import usd
from training.heads import folds_of
from training.induction import fit_induction, prepare
from training.table import DEEPEST, Table, walk

Family = Literal["single", "thresholds", "cost_aware", "frugal", "cascade_routing", "induction", "mixture"]

FAMILIES: tuple[Family, ...] = ("single", "thresholds", "cost_aware", "frugal", "cascade_routing", "induction")

GRID = 15
"""Quantiles of the observed chances at which thresholds are tried."""

LAMBDAS = 41
"""Prices of cost that are tried, evenly on a log scale, for each family that has one."""

_WIDEST = (-2.5, 1.0)
"""Their range, as powers of ten of one over what the dearest tier's call costs."""

NEVER = 2.0
"""A chance that no tier reaches."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Candidate:
    """A rule with its mean quality and mean cost in nano-dollars, on rows that it was not fitted on.

    The rule is the one fitted on all rows; where fitting is more than choosing a knob, its figures are those of
    rules fitted without the fold in question.
    """

    rule: Rule
    family: Family
    quality: float
    cost: float


def candidates(
    table: Table, *, families: Sequence[Family] = FAMILIES, progress: Progress = lambda *_: None
) -> list[Candidate]:
    """Try ``families`` on ``table``; the single tiers come first, cheapest first."""
    plain = [(family, rule) for family, rule in _plain(table) if family in families]
    prices = lambdas(table)
    total = len(plain) + len(prices) * ("induction" in families)
    found: list[Candidate] = []
    for family, rule in plain:
        done = walk(table, rule)
        found.append(Candidate(rule, family, table.mean(done.quality), table.mean(done.cost)))
        progress(len(found), total)
    if "induction" in families:
        for candidate in _induction(table, prices):
            found.append(candidate)
            progress(len(found), total)
    return found


def lambdas(table: Table) -> list[float]:
    """Quality per dollar, from a hundredth of the dearest tier's mean call to ten times it."""
    unit = max(usd(round(max(table.mean(column) for column in table.cost.T))), 1e-12)
    return [float(10**exponent) / unit for exponent in np.linspace(*_WIDEST, LAMBDAS)]


def _plain(table: Table) -> Iterator[tuple[Family, Rule]]:
    """Every rule that has knobs only."""
    for rank in range(table.tiers):
        yield "single", Always(rank)
    for rule in thresholds(table):
        yield "thresholds", rule
    for rule in frugal(table):
        yield "frugal", rule
    keeps: tuple[Keep, ...] = ("best", "last")
    for price, keep in product(lambdas(table), keeps):
        yield "cost_aware", CostAware(quality_per_dollar=price, keep=keep)
    spread = spreads(table)
    for price in lambdas(table):
        yield "cascade_routing", CascadeRouting(quality_per_dollar=price, spread=spread)


def thresholds(table: Table) -> Iterator[Thresholds]:
    """One bar for starting at a tier and one for accepting an answer, the same at every tier."""
    tiers = table.tiers
    starts = (0.0, *_quantiles(table.chances[0].ravel(), 7), NEVER)
    accepts = _quantiles(np.concatenate([table.chances[1 << rank][:, rank] for rank in range(tiers)]), GRID)
    for start in starts:
        for accept in accepts:
            yield Thresholds(start=(start,) * tiers, accept=(accept,) * tiers)


def frugal(table: Table) -> Iterator[Thresholds]:
    """Lists of up to three tiers, each asked when the one before misses its own bar (Chen, Zaharia and Zou 2023)."""
    for size in range(2, min(table.tiers, DEEPEST) + 1):
        for ranks in combinations(range(table.tiers), size):
            start = tuple(0.0 if rank in ranks else NEVER for rank in range(table.tiers))
            grid = GRID if size == 2 else 10
            bars = [_quantiles(table.chances[1 << rank][:, rank], grid) for rank in ranks[:-1]]
            for chosen in product(*bars):
                accept = [0.0] * table.tiers
                for rank, bar in zip(ranks, chosen, strict=False):
                    accept[rank] = bar
                yield Thresholds(start=start, accept=tuple(accept))


def spreads(table: Table) -> tuple[float, ...]:
    """How far each tier's estimated quality moves when it answers first: the standard deviation of the change."""
    moves = [table.chances[1 << rank][:, rank] - table.chances[0][:, rank] for rank in range(table.tiers)]
    return tuple(float(np.sqrt(table.mean((move - table.mean(move)) ** 2))) for move in moves)


def _induction(table: Table, prices: Sequence[float]) -> Iterator[Candidate]:
    """Fitted backward induction at each price, judged fold by fold by rules that were fitted on the others."""
    fold = folds_of(table.keys)
    prepared = prepare(table, fold=fold)
    parts = {int(number): table.take(np.flatnonzero(fold == number)) for number in np.unique(fold)}
    for price in prices:
        quality, cost = np.empty(len(table)), np.empty(len(table))
        for number, part in parts.items():
            done = walk(part, fit_induction(prepared, price, without=number))
            quality[fold == number], cost[fold == number] = done.quality, done.cost
        rule = fit_induction(prepared, price)
        yield Candidate(rule, "induction", table.mean(quality), table.mean(cost))


def _quantiles(values: Floats, count: int) -> list[float]:
    return sorted({round(float(value), 4) for value in np.quantile(values, np.linspace(0.02, 0.98, count))})
