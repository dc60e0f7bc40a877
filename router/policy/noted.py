"""A rule with a note to its reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from router.policy.state import Rule, Run, State, Step


@dataclass(frozen=True, slots=True)
class Noted:
    """Decide as ``rule`` does, and say ``note`` with the reason of the first call: what a reader must know of it."""

    rule: Rule
    note: str

    def next(self, state: State) -> Step:
        """The rule's step, with the note where a request begins."""
        step = self.rule.next(state)
        if state.run or not isinstance(step, Run):
            return step
        return replace(step, reason=f"{step.reason} ({self.note})")

    def final(self, state: State, rank: int) -> bool:
        """As the rule says."""
        return self.rule.final(state, rank)

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {"kind": "noted", "rule": self.rule.as_dict(), "note": self.note}
