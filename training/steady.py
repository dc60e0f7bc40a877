"""A rule that leaves its usual tier only for a clear reason, so that a prompt said in other words keeps its tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from router.features import Floats
from router.policy import CostAware, State, Step
from router.pricing import NANO


@dataclass(frozen=True, slots=True)
class Steady:
    """A cost-aware rule for the first call with a home: another tier must promise ``margin`` more than tier ``home``.

    What is weighed is expected quality less the price of the expected cost. Nothing is remembered between requests, so
    the same prompt goes the same way whatever came before it. Once a tier has answered it is the cost-aware rule.
    """

    quality_per_dollar: float
    home: int
    margin: float

    def next(self, state: State) -> Step:
        """Weigh the tiers with the home's expected quality raised by the margin."""
        if not state.run and self.home in state.allowed:
            quality = list(state.quality)
            quality[self.home] += self.margin
            state = replace(state, quality=tuple(quality))
        return self.weighing.next(state)

    def final(self, state: State, rank: int) -> bool:
        """As the cost-aware rule has it."""
        return self.weighing.final(state, rank)

    def as_dict(self) -> dict[str, Any]:
        """The rule by its parameters."""
        return {
            "kind": "steady",
            "quality_per_dollar": self.quality_per_dollar,
            "home": self.home,
            "margin": self.margin,
        }

    @property
    def weighing(self) -> CostAware:
        """The rule without a home."""
        return CostAware(quality_per_dollar=self.quality_per_dollar)

    def lifted(self, expected: Floats) -> Floats:
        """``expected`` (n, K) as :meth:`next` weighs it."""
        found = expected.copy()
        found[:, self.home] += self.margin
        return found


def steady_rules(
    cost: Floats,
    *,
    worth: Sequence[float] = (0.0, *np.logspace(-2, 1, 10).tolist()),
    margins: Sequence[float] = tuple(np.linspace(0.0, 0.6, 31).tolist()),
) -> list[Steady]:
    """Every home with every margin at every price; ``cost`` (n, K) is what a call costs, in nano-dollars.

    ``worth`` is how much quality the dearest tier must add to the cheapest one to be worth its price.
    """
    mean = cost.mean(axis=0)
    gap = float(mean.max() - mean.min()) or 1.0
    return [
        Steady(quality_per_dollar=price * NANO / gap, home=home, margin=margin)
        for home in range(cost.shape[1])
        for price in worth
        for margin in margins
    ]
