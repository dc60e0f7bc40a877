"""Two rules, one of them for each prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.policy.state import Rule, State, Step


@dataclass(frozen=True, slots=True)
class Mixture:
    """Follow ``first`` for a share of the prompts and ``second`` for the others.

    Which one is the prompt's own draw: a retry, or the same prompt tomorrow, is routed alike. Between two rules
    every quality and cost between theirs can be had, which is how a budget is hit exactly.
    """

    first: Rule
    second: Rule
    share: float

    def next(self, state: State) -> Step:
        """The chosen rule's step.

        Its propensity is the chosen rule's own: given the prompt, and so its draw, nothing here is left to chance.
        """
        return self._chosen(state).next(state)

    def final(self, state: State, rank: int) -> bool:
        """As the chosen rule says."""
        return self._chosen(state).final(state, rank)

    def _chosen(self, state: State) -> Rule:
        return self.first if state.draw < self.share else self.second

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {
            "kind": "mixture",
            "first": self.first.as_dict(),
            "second": self.second.as_dict(),
            "share": self.share,
        }
