"""The one decision rule: from what is known so far to the next step.

Pure: state in, step out. Live traffic, replay, tuning and evaluation all call :meth:`Rule.next`; nothing
re-implements it. The rules are ways to fill it, chosen by the bundle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

from router.pricing import NANO

Keep = Literal["best", "last"]


@dataclass(frozen=True, slots=True)
class State:
    """What is known in the middle of a request. Tiers are ranks, 0 the cheapest.

    ``run``: the tiers that have answered, in order. ``allowed``: those that may still be called: not called
    yet, not failed, within floor and ceiling, window large enough. ``quality[k]``: calibrated probability that
    tier k's answer is acceptable, given the prompt and every answer so far; for a tier in ``run`` that is the
    confidence in its answer. NaN when nothing was learned about the tier. ``cost[k]``: expected nano-dollars
    of calling tier k.
    """

    run: tuple[int, ...]
    allowed: frozenset[int]
    quality: tuple[float, ...]
    cost: tuple[float, ...]

    @property
    def stronger(self) -> list[int]:
        """The tiers that may be called next, cheapest first: a cascade only goes up."""
        last = self.run[-1] if self.run else -1
        return sorted(rank for rank in self.allowed if rank > last)

    def without(self, rank: int) -> State:
        """The same state when tier ``rank`` failed."""
        return replace(self, allowed=self.allowed - {rank})


@dataclass(frozen=True, slots=True)
class Run:
    """Call tier ``rank``. ``threshold`` is the bar that the last answer missed, None before the first call."""

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
        """The rule for a bundle's manifest; :func:`rule_from` reads it."""
        ...


def kept(state: State, keep: Keep) -> int:
    """Which of the answers so far to return: the last, or the one of highest confidence (the later on ties)."""
    if keep == "last" or len(state.run) == 1:
        return state.run[-1]
    return max(state.run, key=lambda rank: (_known(state.quality[rank]), rank))


def _known(chance: float) -> float:
    return -math.inf if math.isnan(chance) else chance


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
            if threshold <= 0 or _known(state.quality[last]) >= threshold:
                return Stop(last, "its confidence reaches the threshold", threshold)
        for rank in stronger:
            if _known(state.quality[rank]) >= self.start[rank]:
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
        worth = [_known(state.quality[rank]) - price * state.cost[rank] for rank in stronger]
        top = max(worth)
        rank = stronger[worth.index(top)]
        if not state.run:
            return Run(rank, "it promises the most quality for its cost")
        threshold = min(max(top, 0.0), 1.0)
        best = kept(state, self.keep)
        if _known(state.quality[best]) >= threshold:
            return Stop(best, "a stronger tier promises too little for its cost", threshold)
        return Run(rank, "a stronger tier promises enough for its cost", threshold)

    def final(self, state: State, rank: int) -> bool:
        """Only an answer after which nothing stronger may be asked, and none before it could be kept instead."""
        if state.run and self.keep == "best":
            return False
        return not any(other > rank for other in state.allowed)

    def as_dict(self) -> dict[str, Any]:
        """The rule for a bundle's manifest."""
        return {"kind": "cost_aware", "quality_per_dollar": self.quality_per_dollar, "keep": self.keep}


def rule_from(manifest: Mapping[str, Any]) -> Rule:
    """The rule in a bundle's manifest.

    Raises:
        ValueError: it names no rule that this version has, or has other parameters.
    """
    values = dict(manifest)
    kind = values.pop("kind", None)
    try:
        if kind == "always":
            return Always(**values)
        if kind == "thresholds":
            values["start"], values["accept"] = tuple(values["start"]), tuple(values["accept"])
            return Thresholds(**values)
        if kind == "cost_aware":
            return CostAware(**values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"the rule {kind!r} has other parameters in this version: {error}") from None
    raise ValueError(f"this version has no rule {kind!r}")
