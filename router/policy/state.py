"""What a rule sees, and what it says: the state of a request, and the next step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

Keep = Literal["best", "last"]


@dataclass(frozen=True, slots=True)
class State:
    """What is known in the middle of a request. Tiers are ranks, 0 the cheapest.

    ``run``: the tiers that have answered, in order. ``allowed``: those that may still be called: not called
    yet, not failed, within floor and ceiling, window large enough. ``quality[k]``: calibrated probability that
    tier k's answer is acceptable, given the prompt and every answer so far; for a tier in ``run`` that is the
    confidence in its answer. NaN when nothing was learned about the tier. ``cost[k]``: expected nano-dollars
    of calling tier k. ``draw``: a number in [0, 1) that belongs to the prompt, by which a mixture of two rules
    chooses; the same prompt always draws the same.
    """

    run: tuple[int, ...]
    allowed: frozenset[int]
    quality: tuple[float, ...]
    cost: tuple[float, ...]
    draw: float = 0.0

    @property
    def stronger(self) -> list[int]:
        """The tiers that may be called next, cheapest first: a cascade only goes up."""
        last = self.run[-1] if self.run else -1
        return sorted(rank for rank in self.allowed if rank > last)

    @property
    def mask(self) -> int:
        """The tiers that have answered, as a bit mask."""
        return sum(1 << rank for rank in self.run)

    def without(self, rank: int) -> State:
        """The same state when tier ``rank`` failed."""
        return replace(self, allowed=self.allowed - {rank})


@dataclass(frozen=True, slots=True)
class Run:
    """Call tier ``rank``. ``threshold`` is the bar that the last answer missed, None before the first call.

    ``propensity`` is the probability with which the rule takes this step in this state, the prompt's draw included:
    1 for every rule that decides by what it sees.
    """

    rank: int
    reason: str
    threshold: float | None = None
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Stop:
    """Return the answer of tier ``rank``. ``threshold`` is the bar that it reached."""

    rank: int
    reason: str
    threshold: float


Step = Run | Stop


class Rule(Protocol):
    """Decides the next step. ``next`` is total: it returns a Run of an allowed tier, or a Stop at a run one."""

    def next(self, state: State) -> Step:
        """The next step from ``state``, whose ``run`` and ``stronger`` are not both empty."""
        ...

    def final(self, state: State, rank: int) -> bool:
        """Whether the answer of tier ``rank``, called now, will be returned whatever it is."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest; :func:`router.policy.rule_from` reads it."""
        ...


def kept(state: State, keep: Keep) -> int:
    """Which of the answers so far to return: the last, or the one of highest confidence (the later on ties)."""
    if keep == "last" or len(state.run) == 1:
        return state.run[-1]
    return max(state.run, key=lambda rank: (known(state.quality[rank]), rank))


def known(chance: float) -> float:
    """The chance, or minus infinity where nothing is known."""
    return -math.inf if math.isnan(chance) else chance


def weighs_to_the_end(state: State, rank: int) -> bool:
    """Whether an answer of ``rank`` is the last that may come, and no earlier one could be returned instead."""
    return not state.run and not any(other > rank for other in state.allowed)
