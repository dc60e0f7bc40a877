"""Two rules, one of them for each prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        """The chosen rule's step, with the probability of taking it over the draw."""
        chosen, other, chance = self._split(state)
        step, instead = chosen.next(state), other.next(state)
        same = type(step) is type(instead) and step.rank == instead.rank
        return step if same else replace(step, propensity=step.propensity * chance)

    def final(self, state: State, rank: int) -> bool:
        """As the chosen rule says."""
        return self._split(state)[0].final(state, rank)

    def _split(self, state: State) -> tuple[Rule, Rule, float]:
        if state.draw < self.share:
            return self.first, self.second, self.share
        return self.second, self.first, 1 - self.share

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {
            "kind": "mixture",
            "first": self.first.as_dict(),
            "second": self.second.as_dict(),
            "share": self.share,
        }
