"""Plain thresholds per tier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.policy.state import Keep, Run, State, Step, Stop, kept, known


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Plain thresholds per tier.

    Start at the cheapest tier whose chance to suffice reaches ``start[k]``, else at the strongest. Accept an
    answer iff its confidence >= ``accept[k]`` (at 0, whatever it is: a refusal too); otherwise go on to the
    cheapest stronger tier whose chance reaches ``start[k]``, else to the strongest.
    """

    start: tuple[float, ...]
    accept: tuple[float, ...]
    keep: Keep = "last"

    def next(self, state: State) -> Step:
        """Compare the last answer's confidence, then the candidates' chances, with their thresholds."""
        stronger = state.stronger
        threshold = None
        if state.run:
            last = state.run[-1]
            threshold = self.accept[last] if stronger else 0.0
            if not stronger:
                return Stop(kept(state, self.keep), "nothing stronger may be asked", threshold)
            if threshold <= 0 or known(state.quality[last]) >= threshold:
                return Stop(last, "its confidence reaches the threshold", threshold)
        for rank in stronger:
            if known(state.quality[rank]) >= self.start[rank]:
                reason = f"the cheapest tier whose chance to suffice reaches its threshold, {self.start[rank]:.2f}"
                return Run(rank, reason, threshold)
        return Run(stronger[-1], "no cheaper tier is likely enough to suffice", threshold)

    def final(self, state: State, rank: int) -> bool:
        """The last tier's answer, and one whose threshold nothing can miss."""
        if state.run and self.keep == "best":
            return False
        return self.accept[rank] <= 0 or not any(other > rank for other in state.allowed)

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {"kind": "thresholds", "start": list(self.start), "accept": list(self.accept), "keep": self.keep}
