"""Thresholds that weigh each request's own expected cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.policy.state import Keep, Run, State, Step, Stop, kept, known, weighs_to_the_end
from router.pricing import NANO


@dataclass(frozen=True, slots=True)
class CostAware:
    """Spend where it buys quality: maximise ``quality - quality_per_dollar * cost``, at every step.

    Start at the tier where that is largest. After an answer, go on iff a stronger tier's expected quality, less
    the price of calling it, exceeds the confidence in the best answer so far: ``gain > lambda * cost``. So the
    threshold of an answer is ``max_k (quality[k] - lambda * cost[k])``, another one for each request.
    """

    quality_per_dollar: float
    keep: Keep = "best"

    def next(self, state: State) -> Step:
        """Weigh each stronger tier's expected quality against its expected cost."""
        stronger = state.stronger
        if not stronger:
            return Stop(kept(state, self.keep), "nothing stronger may be asked", 0.0)
        price = self.quality_per_dollar / NANO
        worth = [known(state.quality[rank]) - price * state.cost[rank] for rank in stronger]
        top = max(worth)
        rank = stronger[worth.index(top)]
        if not state.run:
            return Run(rank, "it promises the most quality for its cost")
        threshold = min(max(top, 0.0), 1.0)
        best = kept(state, self.keep)
        if known(state.quality[best]) >= threshold:
            return Stop(best, "a stronger tier promises too little for its cost", threshold)
        return Run(rank, "a stronger tier promises enough for its cost", threshold)

    def final(self, state: State, rank: int) -> bool:
        """Only an answer after which nothing stronger may be asked, and none before it could be kept instead."""
        if self.keep == "best":
            return weighs_to_the_end(state, rank)
        return not any(other > rank for other in state.allowed)

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {"kind": "cost_aware", "quality_per_dollar": self.quality_per_dollar, "keep": self.keep}
