"""Writing the decision down: what happened, as attempts, once the verdicts are known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from router.assess import Evidence
from router.decision import Attempt, Decision
from router.errors import BudgetExceeded, ProviderError, Throttled, TierwiseError
from router.policy import Run, State, Step, Stop
from router.retry import Asked
from router.signals import NAMES
from router.tiers import Ladder, Tier
from router.types import Completion


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer whose verdict is still open. ``attempt`` is all else that is known of it, ``wrong`` what is known to be
    wrong with its form.
    """

    rank: int
    completion: Completion
    attempt: Attempt
    wrong: str | None = None

    def because(self, reason: str) -> str:
        """``reason``, with what is wrong with the answer."""
        return reason if self.wrong is None else f"{reason} ({self.wrong})"


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a request came to rest: the rule's last word, and the evidence and the state that it was said upon."""

    stop: Stop
    evidence: Evidence
    state: State

    @property
    def quality(self) -> tuple[float, ...]:
        """The chances per rank."""
        return self.state.quality

    @property
    def unasked(self) -> int | None:
        """The next tier that could have been asked, where the last answer was returned; None where there is none."""
        return next(iter(self.state.stronger), None) if self.state.run[-1] == self.stop.rank else None


def answered(tier: Tier, run: Run, asked: Asked, answer: Completion) -> Taken:
    """Note the answer of ``tier``, not yet judged."""
    usages = asked.billed if answer.usage is None else (*asked.billed, answer.usage)
    attempt = Attempt(
        tier=tier.name,
        model=answer.model or tier.model,
        verdict="escalated",
        reason="it could not be judged",
        usage=None if answer.usage is None else sum(asked.billed, answer.usage),
        cost=sum(map(tier.cost, usages)),
        latency=asked.latency,
        calls=asked.calls,
        propensity=run.propensity,
        stop=answer.stop,
        text=answer.text,
        request_id=answer.request_id,
    )
    return Taken(run.rank, answer, attempt)


def judged(item: Attempt | Taken, evidence: Evidence, step: Step, *, wrong: str | None = None) -> Taken:
    """The same answer with its confidence; ``step`` is what the rule said of it, ``wrong`` what is wrong with it."""
    assert isinstance(item, Taken)
    item = replace(item, wrong=wrong)
    confidence = evidence.quality[item.rank]
    known = not math.isnan(confidence)
    signals = zip(NAMES, evidence.answers[-1].signals.tolist(), strict=True)
    attempt = replace(
        item.attempt,
        reason=item.because(step.reason),
        confidence=confidence if known else None,
        threshold=step.threshold if known else None,
        signals={name: value for name, value in signals if not math.isnan(value)},
    )
    return replace(item, attempt=attempt)


def failed(tier: Tier, run: Run, asked: Asked) -> Attempt:
    """Note that ``tier`` gave no answer."""
    error = asked.outcome
    if error is None:
        reason = "the deadline left no time to ask it"
        return Attempt(tier=tier.name, model=tier.model, verdict="skipped", reason=reason)
    if isinstance(error, BudgetExceeded | Throttled) and not asked.calls:
        return Attempt(tier=tier.name, model=tier.model, verdict="skipped", reason=str(error))
    ours = isinstance(error, TierwiseError)
    return Attempt(
        tier=tier.name,
        model=tier.model,
        verdict="failed",
        reason=f"{type(error).__name__}: {error}" if ours else f"interrupted by {type(error).__name__}",
        usage=sum(asked.billed[1:], asked.billed[0]) if asked.billed else None,
        cost=sum(map(tier.cost, asked.billed)),
        latency=asked.latency,
        calls=asked.calls,
        propensity=run.propensity,
        request_id=error.request_id if isinstance(error, ProviderError) else None,
    )


def closed(
    draft: Decision,
    ladder: Ladder,
    trail: Sequence[Attempt | Taken],
    ending: Ending | None,
    latency: float,
    *,
    best_single: str | None = None,
    error: BaseException | None = None,
    audit: float = 0.0,
) -> Decision:
    """The finished decision: every verdict settled, ``latency`` in seconds, and what other tiers would have cost.

    ``ending`` is None when the request failed with ``error``. ``audit`` is the probability of an audit.
    """
    return replace(
        draft,
        attempts=tuple(_settled(trail, ending)),
        strong_cost=_elsewhere(ladder[-1], draft, trail, ending),
        best_single_cost=_elsewhere(
            next((tier for tier in ladder.tiers if tier.name == best_single), None), draft, trail, ending
        ),
        latency=max(latency, 0.0),
        error=None if error is None else str(error) or type(error).__name__,
        audit=audit,
    )


def _settled(trail: Sequence[Attempt | Taken], ending: Ending | None) -> Iterator[Attempt]:
    """The attempts with their verdicts.

    The accepted answer's confidence and bar are those of the last step, which may know more than the first; an
    answer that came after it is held to the accepted one's confidence.
    """
    kept: float | None = None
    for item in trail:
        if isinstance(item, Attempt):
            yield item
        elif ending is None or (item.rank != ending.stop.rank and kept is None):
            yield item.attempt
        else:
            chance = ending.quality[item.rank]
            known = None if math.isnan(chance) else chance
            if item.rank == ending.stop.rank:
                kept = chance
                bar = None if known is None else ending.stop.threshold
                reason = item.because(ending.stop.reason)
                yield replace(item.attempt, verdict="accepted", reason=reason, confidence=known, threshold=bar)
            else:
                reason = item.because("an earlier answer is likelier to be right")
                yield replace(item.attempt, verdict="outvoted", reason=reason, confidence=known, threshold=kept)


def _elsewhere(
    tier: Tier | None, draft: Decision, trail: Sequence[Attempt | Taken], ending: Ending | None
) -> int | None:
    """Nano-dollars that this request cost or would have cost at ``tier`` alone, None where that is not known.

    The call that was really made there, else the accepted answer's token counts at its prices. An upgrade would
    not have been asked for, so it would have cost nothing.
    """
    answers = [item for item in trail if isinstance(item, Taken)]
    if tier is None or ending is None or any(item.attempt.usage is None for item in answers):
        return None
    if draft.upgraded_from is not None:
        return 0
    for item in answers:
        if item.attempt.tier == tier.name:
            return item.attempt.cost
    usage = next(item.completion.usage for item in answers if item.rank == ending.stop.rank)
    assert usage is not None
    return tier.cost(usage)
