"""Routers as curves of quality over cost, with any number of models, and how one stands to others at equal cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from router.features import Floats
from training.benchmarks.proof import MOST_POINTS
from training.bootstrap import DRAWS, bounds
from training.hull import Mean, hull
from training.steps import Ranks

Between = Literal["neighbours", "hull"]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What P operating points of a router made of n rows: ``quality`` and ``cost`` (n, P).

    Between two points lies their mixture. ``between``: "neighbours" mixes points next to each other in cost, good or
    bad; "hull" only those of the concave hull, found on these very rows and so in hindsight, which flatters.
    """

    quality: Floats
    cost: Floats
    between: Between = "neighbours"

    def at(self, costs: Floats, *, counts: Floats | None = None) -> Floats:
        """Mean quality at mean ``costs`` (m,): the dearest point's above it, NaN below the cheapest, which is not to be
        had for so little. ``counts`` (n,) counts each row as so many.
        """
        points = self.points(counts=counts)
        x, y = np.array([point.cost for point in points]), np.array([point.quality for point in points])
        found: Floats = np.interp(costs, x, y, left=np.nan)
        return found

    def points(self, *, counts: Floats | None = None) -> list[Mean]:
        """The points that are mixed, cheapest first; of points of one cost the best."""
        mass = np.full(len(self.cost), 1.0) if counts is None else counts
        cost, quality = mass @ self.cost / mass.sum(), mass @ self.quality / mass.sum()
        points = [Mean(float(q), float(c)) for q, c in zip(quality, cost, strict=True)]
        if self.between == "hull":
            return hull(points)
        best: dict[float, Mean] = {}
        for point in points:
            if point.cost not in best or point.quality > best[point.cost].quality:
                best[point.cost] = point
        return [best[cost] for cost in sorted(best)]


def curve_of(chosen: Sequence[Ranks], *, quality: Floats, cost: Floats, between: Between = "neighbours") -> Curve:
    """The curve of choices ``chosen`` (P of (n,)) among models with ``quality`` and ``cost`` (n, K)."""
    every = np.arange(len(quality))
    return Curve(
        quality=np.column_stack([quality[every, ranks] for ranks in chosen]),
        cost=np.column_stack([cost[every, ranks] for ranks in chosen]),
        between=between,
    )


def joined(curve: Curve, other: Curve, *, between: Between = "hull") -> Curve:
    """The points of both."""
    return Curve(
        quality=np.hstack([curve.quality, other.quality]), cost=np.hstack([curve.cost, other.cost]), between=between
    )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One curve against others at the same costs.

    ``mean`` quality over the costs, ``lead`` the least distance above the best of the others at any of them (negative:
    below), ``best_share`` the share of the costs where it is the best. ``win_chance``: against each other curve, the
    share of bootstrap draws with the larger mean.
    """

    mean: float
    lead: float
    best_share: float
    margins: Mapping[str, float]
    mean_interval: tuple[float, float]
    lead_interval: tuple[float, float]
    margin_intervals: Mapping[str, tuple[float, float]]
    win_chance: Mapping[str, float]


def standing(ours: Curve, others: Mapping[str, Curve], costs: Floats, *, seed: int = 0, draws: int = DRAWS) -> Standing:
    """How ``ours`` stands to ``others`` at ``costs`` (m,), with paired intervals from draws of the rows."""
    heights = {name: curve.at(costs) for name, curve in others.items()}
    mine = ours.at(costs)
    n = len(ours.cost)
    random = np.random.default_rng(seed)
    means, leads = np.empty(draws), np.empty(draws)
    margins = {name: np.empty(draws) for name in others}
    for draw in range(draws):
        counts = np.bincount(random.integers(0, n, n), minlength=n).astype(float)
        drawn = ours.at(costs, counts=counts)
        rest = {name: curve.at(costs, counts=counts) for name, curve in others.items()}
        means[draw] = drawn.mean()
        leads[draw] = _lead(drawn, rest)
        for name, height in rest.items():
            margins[name][draw] = (drawn - height).mean()
    ahead = np.all([mine > height for height in heights.values()], axis=0)
    return Standing(
        mean=float(mine.mean()),
        lead=_lead(mine, heights),
        best_share=float(ahead.mean()),
        margins={name: float((mine - height).mean()) for name, height in heights.items()},
        mean_interval=bounds(means),
        lead_interval=bounds(leads),
        margin_intervals={name: bounds(values) for name, values in margins.items()},
        win_chance={name: float((values > 0).mean()) for name, values in margins.items()},
    )


def drawn(curve: Curve, *, unit: float) -> list[list[float]]:
    """The curve's points [cost, quality] for a plot, cost in ``unit`` nano-dollars, thinned."""
    points = curve.points()
    places = np.unique(np.linspace(0, len(points) - 1, min(MOST_POINTS, len(points))).round().astype(int))
    return [[points[place].cost / unit, points[place].quality] for place in places]


def _lead(mine: Floats, heights: Mapping[str, Floats]) -> float:
    return float((mine - np.max(list(heights.values()), axis=0)).min())
