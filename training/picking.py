"""Picking the rung: the simplest whose chances are, out of fold, hardly further from the labels than the best's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from router.policy import CostAware
from router.pricing import usd
from training.hull import Mean, area
from training.table import Table, walk

LAMBDAS = 21
"""Prices of cost at which a rung's cost-quality curve is looked at."""

SLACK = 0.5
"""Standard errors that a simpler rung may be behind; at one, rungs that were best for induction were passed over."""


@dataclass(frozen=True)
class Curve:
    """What cost-aware rules at many prices, and the single tiers, did with each row: (n, m) each."""

    quality: Floats
    cost: Floats
    low: Floats
    """What the cheapest tier's call cost, (n,); with ``high``, the strongest's, the range that areas are taken over."""
    high: Floats
    loss: Floats
    """The squared error of each row's chances, (n,), the mean over tiers and over what may have been answered."""

    def area(self, weight: Floats) -> float:
        """The policy area under row weights (n,): the mean quality over costs up to the strongest tier's."""
        share = weight / weight.sum()
        spots = [Mean(q, c) for q, c in zip((share @ self.quality).tolist(), (share @ self.cost).tolist(), strict=True)]
        return area(spots, low=float(share @ self.low), high=float(share @ self.high))


def curve_of(table: Table) -> Curve:
    """Follow cost-aware rules, which have one knob, over the rows of ``table``, and hold its chances to its labels."""
    qualities, costs = list(table.quality.T), list(table.cost.T)
    unit = max(usd(round(max(table.mean(column) for column in costs))), 1e-12)
    for exponent in np.linspace(-2.5, 1, LAMBDAS):
        done = walk(table, CostAware(quality_per_dollar=float(10**exponent) / unit))
        qualities.append(done.quality)
        costs.append(done.cost)
    loss = np.mean([((table.quality - chances) ** 2).mean(axis=1) for chances in table.chances.values()], axis=0)
    return Curve(np.column_stack(qualities), np.column_stack(costs), table.cost[:, 0], table.cost[:, -1], loss)


@dataclass(frozen=True)
class Picked:
    """``chosen`` is the place of the simplest curve within half a standard error of the best by squared error;
    ``behind`` says by how much each one's is above the best's, and ``error`` the standard error of that.

    ``areas`` are told, and decide nothing: they differ by less than they vary, so that picking by them is picking by
    chance.
    """

    chosen: int
    areas: tuple[float, ...]
    behind: tuple[float, ...]
    error: tuple[float, ...]


def pick(curves: Sequence[Curve], *, weight: Floats, keys: Sequence[str]) -> Picked:
    """Pick among ``curves`` over the same rows, the simplest first.

    The one-standard-error rule (Breiman, Friedman, Olshen and Stone 1984) with :data:`SLACK` on the squared error of
    the chances (Brier 1950); the error is that of the paired difference, of rows that share one of ``keys`` together.
    """
    share = weight / weight.sum()
    losses = np.array([curve.loss for curve in curves])
    best = int(np.argmin(losses @ share))
    ahead = losses - losses[best]
    behind = ahead @ share
    unique, place = np.unique(np.asarray(keys, str), return_inverse=True)
    apart = share * (ahead - behind[:, None])
    error = np.array([np.sqrt((np.bincount(place, row, len(unique)) ** 2).sum()) for row in apart])
    chosen = int(np.argmax(behind <= SLACK * error))
    areas = tuple(curve.area(weight) for curve in curves)
    return Picked(chosen, areas, tuple(behind.tolist()), tuple(error.tolist()))
