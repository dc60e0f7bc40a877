"""Cascade routing: weigh every set of tiers that could still be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from router.policy.state import Run, State, Step, Stop, kept, known, weighs_to_the_end
from router.pricing import NANO


@dataclass(frozen=True, slots=True)
class CascadeRouting:
    """Ask on while some set of stronger tiers is worth its cost (Dekoninck, Baader and Vechev, ICML 2025).

    The worth of a set is the expected maximum of the qualities that will be known once its tiers have answered,
    less ``quality_per_dollar`` times what they cost. ``spread[k]`` is the standard deviation by which tier k's
    estimated quality moves when it answers, around what was expected of it; the estimates are taken as
    independent and normal. Of the best set the cheapest tier is asked, and then everything is weighed again.
    """

    quality_per_dollar: float
    spread: tuple[float, ...]

    def next(self, state: State) -> Step:
        """Weigh the sets, and stop when no set beats the best answer in hand."""
        stronger = state.stronger
        if not stronger:
            return Stop(kept(state, "best"), "nothing stronger may be asked", 0.0)
        price = self.quality_per_dollar / NANO
        best = kept(state, "best") if state.run else None
        in_hand = known(state.quality[best]) if best is not None else -math.inf
        top, choice = -math.inf, stronger[0]
        for size in range(1, len(stronger) + 1):
            for ranks in combinations(stronger, size):
                mean = expected_maximum(in_hand, [(known(state.quality[k]), self.spread[k]) for k in ranks])
                worth = mean - price * sum(state.cost[k] for k in ranks)
                if worth > top:
                    top, choice = worth, ranks[0]
        if best is None:
            return Run(choice, "it begins the set of tiers that promises the most quality for its cost")
        # Gain of the best set over stopping, moved to the scale of the confidence: accept iff confidence >= threshold.
        threshold = max(top, 0.0)
        if in_hand >= threshold:
            return Stop(best, "no set of stronger tiers promises enough for its cost", threshold)
        return Run(choice, "it begins a set of stronger tiers that promises enough for its cost", threshold)

    def final(self, state: State, rank: int) -> bool:
        """Only an answer after which nothing stronger may be asked, and none before it could be kept instead."""
        return weighs_to_the_end(state, rank)

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {
            "kind": "cascade_routing",
            "quality_per_dollar": self.quality_per_dollar,
            "spread": list(self.spread),
        }


def expected_maximum(floor: float, normals: Sequence[tuple[float, float]]) -> float:
    """E[max(floor, X_1, X_2, ...)] of independent normals given as (mean, standard deviation).

    Exact for one; further ones by matching the maximum's first two moments (Clark 1961).
    """
    if not normals:
        return floor
    mean, variance = normals[0][0], normals[0][1] ** 2
    for other, spread in normals[1:]:
        mean, variance = _clark(mean, variance, other, spread**2)
    if math.isinf(floor):
        return mean
    return _clark(mean, variance, floor, 0.0)[0]


def _clark(mean: float, variance: float, other: float, other_variance: float) -> tuple[float, float]:
    """Mean and variance of the maximum of two independent normals (Clark 1961, equations 2 and 3)."""
    width = math.sqrt(variance + other_variance)
    if width < 1e-12 or math.isinf(mean) or math.isinf(other):
        return (mean, variance) if mean >= other else (other, other_variance)
    at = (mean - other) / width
    above = 0.5 * math.erfc(-at / math.sqrt(2.0))
    density = math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
    first = mean * above + other * (1.0 - above) + width * density
    second = (
        (mean**2 + variance) * above + (other**2 + other_variance) * (1.0 - above) + (mean + other) * width * density
    )
    return first, max(second - first * first, 0.0)
