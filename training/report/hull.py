"""What the tiers can do without a router: mixing them at random reaches every point on their hull."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from router.report.drawing import Point
from training.report.names import tiers_of
from training.report.reading import Reading


def tier_point(read: Reading, tier: str) -> Point | None:
    """Cost and quality of always asking ``tier``, under whichever name the evaluation has it."""
    tiers = tiers_of(read)
    alias = {tiers[0]: "always_cheap", tiers[-1]: "always_strong"} if tiers else {}
    for name in (f"single:{tier}", alias.get(tier, "")):
        row = read.part("baselines", name)
        cost, quality = row.number("cost_per_1k"), row.number("quality")
        if cost is not None and quality is not None:
            return cost, quality
    return None


def upper_hull(points: Sequence[Point]) -> list[Point]:
    """The non-decreasing concave hull of (cost, quality) points, from the cheapest."""
    hull: list[Point] = []
    for point in sorted(points, key=lambda each: (each[0], -each[1])):
        if hull and point[1] <= hull[-1][1]:
            continue
        while len(hull) > 1 and _below(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def mixed(read: Reading, cost: float) -> float | None:
    """The quality of mixing the tiers at random to the same ``cost``, None where the tiers cannot cost that."""
    points = [point for tier in tiers_of(read) if (point := tier_point(read, tier)) is not None]
    hull = upper_hull(points)
    if len(points) < 2 or cost < hull[0][0]:
        return None
    for low, high in pairwise(hull):
        if low[0] <= cost <= high[0]:
            return low[1] + (cost - low[0]) / (high[0] - low[0]) * (high[1] - low[1])
    return hull[-1][1]


def _below(first: Point, middle: Point, last: Point) -> bool:
    rise = (middle[1] - first[1]) * (last[0] - first[0])
    return rise <= (last[1] - first[1]) * (middle[0] - first[0])
