"""Picking the rung: the simplest whose cross-validated policy area is not clearly below the best."""

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

DRAWS = 200

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

    def area(self, weight: Floats) -> float:
        """The policy area under row weights (n,): the mean quality over costs up to the strongest tier's."""
        share = weight / weight.sum()
        spots = [Mean(q, c) for q, c in zip((share @ self.quality).tolist(), (share @ self.cost).tolist(), strict=True)]
        return area(spots, low=float(share @ self.low), high=float(share @ self.high))


def curve_of(table: Table) -> Curve:
    """Follow cost-aware rules over the rows of ``table``; a rung is judged by them since they have one knob."""
    qualities, costs = list(table.quality.T), list(table.cost.T)
    unit = max(usd(round(max(table.mean(column) for column in costs))), 1e-12)
    for exponent in np.linspace(-2.5, 1, LAMBDAS):
        done = walk(table, CostAware(quality_per_dollar=float(10**exponent) / unit))
        qualities.append(done.quality)
        costs.append(done.cost)
    return Curve(np.column_stack(qualities), np.column_stack(costs), table.cost[:, 0], table.cost[:, -1])


@dataclass(frozen=True)
class Picked:
    """``chosen`` is the place of the simplest curve within half a standard error of the best; ``behind`` says by how
    much each is below the best, and ``error`` the standard error of that.
    """

    chosen: int
    areas: tuple[float, ...]
    behind: tuple[float, ...]
    error: tuple[float, ...]


def pick(curves: Sequence[Curve], *, weight: Floats, keys: Sequence[str], seed: int = 0) -> Picked:
    """Pick among ``curves`` over the same rows, the simplest first.

    The one-standard-error rule (Breiman, Friedman, Olshen and Stone 1984) with :data:`SLACK`, the error that of the
    paired difference, by a bootstrap over ``keys``.
    """
    areas = np.array([curve.area(weight) for curve in curves])
    best = int(np.argmax(areas))
    unique, place = np.unique(np.asarray(keys, str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = np.empty((DRAWS, len(curves)))
    for draw in range(DRAWS):
        times = np.bincount(rng.integers(0, len(unique), len(unique)), minlength=len(unique))[place]
        drawn[draw] = [curve.area(weight * times) for curve in curves]
    behind = areas[best] - areas
    error = (drawn[:, [best]] - drawn).std(axis=0)
    chosen = int(np.argmax(behind <= SLACK * error))
    return Picked(chosen, tuple(areas.tolist()), tuple(behind.tolist()), tuple(error.tolist()))
