"""Points of cost and quality: their concave hull, and the area under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np


class Point(Protocol):
    """Something with a mean cost and a mean quality."""

    @property
    def quality(self) -> float:
        """Mean quality in [0, 1]."""
        ...

    @property
    def cost(self) -> float:
        """Mean cost, in any unit."""
        ...


@dataclass(frozen=True, slots=True)
class Mean:
    """A point, and nothing more."""

    quality: float
    cost: float


P = TypeVar("P", bound=Point)


def hull(points: Sequence[P]) -> list[P]:
    """The vertices of the non-decreasing concave hull, cheapest first: what no mixture of others beats."""
    best: list[P] = []
    top = -math.inf
    for point in sorted(points, key=lambda point: (point.cost, -point.quality)):
        if point.quality <= top:
            continue
        top = point.quality
        while len(best) >= 2 and _below(best[-2], best[-1], point):
            best.pop()
        best.append(point)
    return best


def _below(left: Point, middle: Point, right: Point) -> bool:
    """Whether ``middle`` is on or below the line from ``left`` to ``right``."""
    return (middle.quality - left.quality) * (right.cost - left.cost) <= (right.quality - left.quality) * (
        middle.cost - left.cost
    )


def at_cost(vertices: Sequence[Point], cost: float) -> float:
    """The best quality that a mixture of hull ``vertices`` has for ``cost``; NaN below the cheapest."""
    if cost < vertices[0].cost:
        return math.nan
    return float(np.interp(cost, [v.cost for v in vertices], [v.quality for v in vertices]))


def area(points: Sequence[Point], *, low: float, high: float) -> float:
    """The mean quality of the hull between the costs ``low`` and ``high``: the quality-cost area, normalised.

    Below the cheapest point the hull has that point's quality. The trapezoids are exact, since the hull is a chain
    of lines. 1 is perfect; equal costs give the quality there.
    """
    vertices = hull(points)
    costs = np.array([v.cost for v in vertices])
    qualities = np.array([v.quality for v in vertices])
    if high <= low:
        return float(np.interp(high, costs, qualities))
    at = np.unique(np.clip([low, *costs, high], low, high))
    return float(np.trapezoid(np.interp(at, costs, qualities), at) / (high - low))
