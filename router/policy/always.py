"""One tier, always."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from router.policy.state import Run, State, Step, Stop


@dataclass(frozen=True, slots=True)
class Always:
    """Ask one tier, always: ``rank``, or the strongest allowed when it is None or not allowed."""

    rank: int | None = None
    why: str = "this policy always asks one tier"

    def next(self, state: State) -> Step:
        """Run the tier; when it failed, the nearest allowed one above it, then below it."""
        if state.run:
            return Stop(state.run[-1], "this policy never escalates", 0.0)
        ranks = sorted(state.allowed)
        if self.rank is None:
            return Run(ranks[-1], self.why)
        return Run(min(ranks, key=lambda rank: (rank < self.rank, abs(rank - self.rank))), self.why)  # type: ignore[operator]

    def final(self, state: State, rank: int) -> bool:
        """Every answer is returned."""
        del state, rank
        return True

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {"kind": "always", **asdict(self)}
