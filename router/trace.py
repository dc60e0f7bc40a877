"""Writing the decision down: what happened, as attempts, once the verdicts are known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from router.assess import Evidence
from router.decision import Attempt, Decision, Verdict
from router.errors import ProviderError
from router.policy import Run, Step, Stop
from router.retry import Asked
from router.signals import NAMES
from router.tiers import Ladder, Tier
from router.types import Completion


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer whose verdict is still open. ``attempt`` is all else that is known of it."""

    rank: int
    completion: Completion
    attempt: Attempt


def taken(tier: Tier, run: Run, asked: Asked, answer: Completion, evidence: Evidence, step: Step) -> Taken:
    """Note the answer of ``tier``; ``step`` is what the rule said of it."""
    confidence = evidence.quality[run.rank]
    return Taken(
        run.rank,
        answer,
        Attempt(
            tier=tier.name,
            model=answer.model or tier.model,
            verdict="escalated",
            reason=step.reason,
            confidence=None if math.isnan(confidence) else confidence,
            threshold=None if math.isnan(confidence) else step.threshold,
            usage=answer.usage,
            cost=0 if answer.usage is None else tier.cost(answer.usage),
            latency=asked.latency,
            calls=asked.calls,
            propensity=run.propensity,
            stop=answer.stop,
            text=answer.text,
            request_id=answer.request_id,
            signals=_signals(evidence),
        ),
    )


def _signals(evidence: Evidence) -> Mapping[str, float]:
    values = evidence.answers[-1].signals.tolist()
    return {name: value for name, value in zip(NAMES, values, strict=True) if value == value}  # noqa: PLR0124


def failed(tier: Tier, run: Run, asked: Asked) -> Attempt:
    """Note that ``tier`` gave no answer."""
    error = asked.outcome
    if not isinstance(error, ProviderError):
        reason = "the deadline left no time to ask it"
        return Attempt(tier=tier.name, model=tier.model, verdict="skipped", reason=reason)
    usage = error.usage
    return Attempt(
        tier=tier.name,
        model=tier.model,
        verdict="failed",
        reason=f"{type(error).__name__}: {error}",
        usage=usage,
        cost=0 if usage is None else tier.cost(usage),
        latency=asked.latency,
        calls=asked.calls,
        propensity=run.propensity,
        request_id=error.request_id,
    )


def closed(
    draft: Decision,
    ladder: Ladder,
    trail: Sequence[Attempt | Taken],
    stop: Stop | None,
    latency: float,
    *,
    best_single: str | None = None,
    error: BaseException | None = None,
) -> Decision:
    """The finished decision: every verdict settled, ``latency`` in seconds, and what other tiers would have cost.

    ``stop`` is None when the request failed with ``error``.
    """
    attempts: list[Attempt] = []
    kept = False
    for item in trail:
        if isinstance(item, Attempt):
            attempts.append(item)
            continue
        verdict: Verdict = "outvoted" if kept else "escalated"
        reason = "an earlier answer is more likely to be right" if kept else item.attempt.reason
        if stop is not None and item.rank == stop.rank:
            verdict, reason, kept = "accepted", stop.reason, True
        attempts.append(replace(item.attempt, verdict=verdict, reason=reason))
    answer = next((item for item in trail if isinstance(item, Taken) and stop and item.rank == stop.rank), None)
    said = None if error is None else str(error) or type(error).__name__
    return replace(
        draft,
        attempts=tuple(attempts),
        strong_cost=_elsewhere(ladder[-1], trail, answer),
        best_single_cost=_elsewhere(next((t for t in ladder.tiers if t.name == best_single), None), trail, answer),
        latency=max(latency, 0.0),
        error=said,
    )


def _elsewhere(tier: Tier | None, trail: Sequence[Attempt | Taken], answer: Taken | None) -> int | None:
    """Nano-dollars that this request cost or would have cost at ``tier`` alone, None where that is not known.

    The call that was really made there, else the accepted answer's token counts at its prices.
    """
    if tier is None or answer is None or answer.completion.usage is None:
        return None
    for item in trail:
        if isinstance(item, Taken) and item.attempt.tier == tier.name and item.attempt.usage is not None:
            return item.attempt.cost
    return tier.cost(answer.completion.usage)
