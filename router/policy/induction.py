"""Fitted backward induction: ask on while it is expected to be worth more than stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.policy.state import Run, State, Step, Stop, kept, known, weighs_to_the_end
from router.pricing import NANO

NEARLY = 1e-4
"""Chances are kept this far from 0 and 1 before their logit is taken."""


@dataclass(frozen=True, slots=True)
class Advantages:
    """Linear estimates, in one state, of what each next tier is worth over stopping there.

    ``actions[m]`` is an intercept and weights over :func:`compact`'s numbers; before the first call, where
    nothing can be returned yet, it is what starting at tier m is worth.
    """

    actions: Mapping[int, tuple[float, tuple[float, ...]]]

    def of(self, rank: int, numbers: tuple[float, ...]) -> float:
        """The estimated advantage of asking tier ``rank``."""
        intercept, weights = self.actions[rank]
        return intercept + sum(map(float.__mul__, weights, numbers))


@dataclass(frozen=True, slots=True)
class Induction:
    """Take the step of the largest advantage; stop when none is above 0.

    ``states`` maps a bit mask of the tiers that have answered to the advantages there, fitted from the full set
    of answers down to none: each is a regression of what was really gained by going on and acting well afterwards
    (approximate dynamic programming; Bertsekas and Tsitsiklis 1996). ``quality_per_dollar`` is the price of cost
    that it was fitted for. A state that was never fitted is weighed as :class:`router.policy.CostAware` would.
    """

    quality_per_dollar: float
    states: Mapping[int, Advantages]

    def next(self, state: State) -> Step:
        """Compare the advantages of the tiers that may be asked with 0, which is what stopping is worth."""
        stronger = state.stronger
        if not stronger:
            return Stop(kept(state, "best"), "nothing stronger may be asked", 0.0)
        fitted = self.states.get(state.mask)
        numbers = compact(state, self.quality_per_dollar)
        top, choice = -math.inf, stronger[-1]
        for rank in stronger:
            if fitted is not None and rank in fitted.actions:
                advantage = fitted.of(rank, numbers)
            else:
                advantage = self._unfitted(state, rank)
            if advantage > top:
                top, choice = advantage, rank
        if not state.run:
            return Run(choice, "starting there is expected to be worth the most for its cost")
        best = kept(state, "best")
        confidence = state.quality[best]
        if math.isnan(confidence):
            return Stop(best, "nothing is known of the answers' quality", 0.0)
        # On the scale of the confidence: accept iff confidence >= threshold, that is iff no advantage is above 0.
        threshold = max(confidence + top, 0.0)
        if top <= 0:
            return Stop(best, "going on is not expected to be worth its cost", threshold)
        return Run(choice, "going on is expected to be worth its cost", threshold)

    def _unfitted(self, state: State, rank: int) -> float:
        price = self.quality_per_dollar / NANO
        worth = known(state.quality[rank]) - price * state.cost[rank]
        return worth - known(state.quality[kept(state, "best")]) if state.run else worth

    def final(self, state: State, rank: int) -> bool:
        """Only an answer after which nothing stronger may be asked, and none before it could be kept instead."""
        return weighs_to_the_end(state, rank)

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {
            "kind": "induction",
            "quality_per_dollar": self.quality_per_dollar,
            "states": {
                str(mask): {
                    str(rank): {"intercept": intercept, "weights": list(weights)}
                    for rank, (intercept, weights) in sorted(fitted.actions.items())
                }
                for mask, fitted in sorted(self.states.items())
            },
        }


def compact(state: State, quality_per_dollar: float) -> tuple[float, ...]:
    """The numbers that advantages are linear in: per tier its chance, the chance's logit, and its price in quality."""
    price = quality_per_dollar / NANO
    logits = []
    for chance in state.quality:
        inside = min(max(chance, NEARLY), 1 - NEARLY)
        logits.append(math.log(inside / (1 - inside)))
    return (*state.quality, *logits, *(price * cost for cost in state.cost))


def induction_from(values: Mapping[str, Any]) -> Induction:
    """The rule that :meth:`Induction.as_dict` wrote, without its kind.

    Raises:
        KeyError, TypeError, ValueError: it is no such rule.
    """
    states = {
        int(mask): Advantages(
            {
                int(rank): (float(found["intercept"]), tuple(map(float, found["weights"])))
                for rank, found in actions.items()
            }
        )
        for mask, actions in values["states"].items()
    }
    return Induction(quality_per_dollar=values["quality_per_dollar"], states=states)
