"""The hull of cost and quality, and the area under it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.hull import area, at_cost, hull


@dataclass(frozen=True)
class Spot:
    """A point."""

    cost: float
    quality: float


spots = st.lists(
    st.builds(Spot, st.integers(0, 1000).map(float), st.integers(0, 100).map(lambda share: share / 100)),
    min_size=1,
    max_size=30,
)


@given(spots)
def test_a_hull_rises_and_bends_down(points):
    """Each vertex costs more and is better than the one before it, at a lower price of quality each time."""
    vertices = hull(points)

    slopes = [(b.quality - a.quality) / (b.cost - a.cost) for a, b in pairwise(vertices)]
    assert all(slope > 0 for slope in slopes)
    assert all(later < earlier + 1e-12 for earlier, later in pairwise(slopes))
    assert set(vertices) <= set(points)


@given(spots)
def test_no_point_is_above_its_hull(points):
    """Whatever a point costs, a mixture of vertices has its quality for that at least."""
    vertices = hull(points)

    assert all(at_cost(vertices, point.cost) >= point.quality - 1e-9 for point in points)


@given(spots, st.randoms())
def test_a_hull_does_not_depend_on_the_order_of_the_points(points, random):
    """Nor on a point's standing there twice."""
    shuffled = [*points, points[0]]
    random.shuffle(shuffled)

    assert hull(points) == hull(shuffled)


@given(spots)
def test_a_hull_of_a_hull_is_itself(points):
    """Nothing is left to take away."""
    assert hull(points) == hull(hull(points))


@given(spots, spots)
def test_more_points_never_make_the_area_smaller(points, more):
    """Having more rules to choose from cannot hurt."""
    low = max(points[0].cost, 0.0)

    assert area([*points, *more], low=low, high=1001.0) >= _area_at_least(points, more, low) - 1e-9


def _area_at_least(points, more, low):
    """The area of ``points`` over costs at which both hulls are defined; a cheaper first point may start lower."""
    start = max(low, min(p.cost for p in points), min(p.cost for p in [*points, *more]))
    if start > low:
        return -math.inf  # below the cheapest point the area is told by convention, not by a rule
    return area(points, low=low, high=1001.0)


@pytest.mark.parametrize(
    ("points", "low", "high", "expected"),
    [
        ([(0, 0.0), (10, 1.0)], 0, 10, 0.5),
        ([(0, 0.5), (10, 1.0)], 0, 10, 0.75),
        ([(0, 0.0), (5, 1.0), (10, 1.0)], 0, 10, 0.75),
        ([(0, 0.0), (5, 0.2), (10, 1.0)], 0, 10, 0.5),
        ([(5, 0.5), (10, 0.7)], 0, 10, 0.55),
        ([(0, 0.4), (5, 0.6)], 0, 10, 0.55),
        ([(3, 0.6)], 0, 10, 0.6),
        ([(0, 0.0), (10, 1.0)], 4, 6, 0.5),
        ([(0, 0.2), (4, 0.6)], 4, 4, 0.6),
    ],
)
def test_areas_worked_out_by_hand(points, low, high, expected):
    """Triangles, a point below the hull, ranges wider or narrower than the points, and a range of nothing."""
    assert area([Spot(*point) for point in points], low=low, high=high) == pytest.approx(expected)


def test_the_area_is_that_of_a_fine_sum():
    """The trapezoids are exact, wherever the vertices lie."""
    rng = np.random.default_rng(1)
    points = [Spot(cost, quality) for cost, quality in rng.random((40, 2)).tolist()]
    vertices = hull(points)
    low = vertices[0].cost
    fine = np.linspace(low, 1.0, 200_001)

    expected = np.mean([at_cost(vertices, cost) for cost in fine[::100]])

    assert area(points, low=low, high=1.0) == pytest.approx(expected, abs=1e-3)


def test_nothing_is_had_for_less_than_the_cheapest_costs():
    """And beyond the dearest the quality stays."""
    vertices = [Spot(2.0, 0.5), Spot(4.0, 0.9)]

    assert math.isnan(at_cost(vertices, 1.9))
    assert at_cost(vertices, 3.0) == pytest.approx(0.7)
    assert at_cost(vertices, 9.0) == 0.9


def test_of_points_that_cost_the_same_the_best_is_taken():
    """And of equal ones none is worse than another."""
    assert hull([Spot(1.0, 0.2), Spot(1.0, 0.6), Spot(2.0, 0.6)]) == [Spot(1.0, 0.6)]
