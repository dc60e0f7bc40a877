"""The trace of one routed request: every attempt, why it was made, what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from router.pricing import usd
from router.types import Stop, ToolCall, Usage

Verdict = Literal["accepted", "escalated", "outvoted", "failed", "skipped", "audited", "collected", "cached"]
RETURNED: tuple[Verdict, ...] = ("accepted", "cached")
"""The verdicts of the answer that was returned."""

ANSWERED: tuple[Verdict, ...] = ("accepted", "escalated", "outvoted", "audited", "collected")
"""The verdicts of tiers that gave an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One tier's part in a decision.

    ``verdict``: *accepted* is the answer returned; *escalated* was not good enough; *outvoted* came after the
    answer that was returned; *failed* gave no answer; *skipped* was never called; *audited* was asked in the
    background, after another answer had been returned; *collected* was asked later, to train on; *cached* was not asked
    now, its earlier answer was returned. ``confidence`` is the
    calibrated probability that the answer is acceptable and ``threshold`` the bar it had to reach (accepted
    iff confidence >= threshold; for an outvoted answer the bar is the confidence in the one returned); both are
    None where no answer was judged. ``cost`` is in nano-dollars.
    ``usage`` is None when nothing was reported, and then ``cost`` is 0 and not a guess. ``calls`` counts the
    requests sent, retries included. ``signals`` are the scorer's inputs read from the answer.
    """

    tier: str
    model: str
    verdict: Verdict
    reason: str
    confidence: float | None = None
    threshold: float | None = None
    usage: Usage | None = None
    cost: int = 0
    latency: float = 0.0
    calls: int = 0
    propensity: float = 1.0
    stop: Stop | None = None
    text: str | None = None
    request_id: str | None = None
    signals: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The attempt for JSON: cost in USD, latency in seconds; not the answer's text."""
        usage = self.usage
        return {
            "tier": self.tier,
            "model": self.model,
            "verdict": self.verdict,
            "reason": self.reason,
            "confidence": self.confidence,
            "threshold": self.threshold,
            "usage": None if usage is None else {name: getattr(usage, name) for name in Usage.__slots__},
            "cost": usd(self.cost),
            "latency": self.latency,
            "calls": self.calls,
            "propensity": self.propensity,
            "stop": self.stop,
            "request_id": self.request_id,
            "signals": dict(self.signals),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """What shortening made of a prompt: its tokens, estimated, ``before`` and ``after``; the ``stages`` that did it."""

    before: int
    after: int
    stages: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"before": self.before, "after": self.after, "stages": list(self.stages)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FromCache:
    """Where a cached answer came from: the ``kind`` of match, its ``similarity`` (1 for an exact one), the ``decision``
    that made it, and its ``age`` in seconds.
    """

    kind: Literal["exact", "semantic"]
    decision: str
    age: float
    similarity: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"kind": self.kind, "decision": self.decision, "age": self.age, "similarity": self.similarity}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Why this model, in full.

    ``created`` is UTC, seconds since the epoch. ``start`` is the tier that the complexity classifier chose;
    ``suffices`` its calibrated probability, per tier, that the tier's answer will be acceptable, and
    ``expected_cost`` the nano-dollars it expects each tier to cost (both empty when no classifier fits these
    tiers). ``strong_cost`` and ``best_single_cost`` are what the accepted answer's token counts would have cost
    at the strongest tier, and at the best single tier if the bundle knows which that is: what savings are reckoned
    against (0 for an upgrade or an audit, which the strongest tier would have spared; None where it is not known).
    ``error`` is the sentence of the error that ended a failed request. ``profile`` names the rule that decided.

    ``audit`` is the probability with which a stronger tier was to be asked in the background afterwards, 0 where
    none could be. What that tier answered is a decision of its own: its ``audit_of`` is the id of the first one, its
    ``propensity`` that probability, and its single attempt *audited*. What was *collected* later, from any tier, is
    such a decision too; its ``propensity`` is the probability with which the request was drawn. One whose attempts
    are all *skipped* only notes such a probability, for answers that were there already.

    ``cache`` is set when a cached answer was returned, ``shortened`` when the prompt was shortened, ``batch`` when the
    provider's batch API was paid. ``notes`` are sentences on what else bore on the request: a budget that capped its
    tier, a queue that it waited in, a cache that was down.
    """

    id: str
    created: float
    start: str
    reason: str
    attempts: tuple[Attempt, ...] = ()
    suffices: Mapping[str, float] = field(default_factory=dict)
    expected_cost: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    session: str | None = None
    prompt_hash: str = ""
    propensity: float = 1.0
    policy_version: str = ""
    config_version: str = ""
    strong_cost: int | None = None
    best_single_cost: int | None = None
    latency: float = 0.0
    upgraded_from: str | None = None
    error: str | None = None
    profile: str = "default"
    audit: float = 0.0
    audit_of: str | None = None
    cache: FromCache | None = None
    shortened: Shortened | None = None
    batch: bool = False
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> Attempt | None:
        """The attempt whose answer was returned, from the cache too."""
        return next((attempt for attempt in self.attempts if attempt.verdict in RETURNED), None)

    @property
    def tier(self) -> str | None:
        """The tier whose answer was returned."""
        return None if self.accepted is None else self.accepted.tier

    @property
    def cost(self) -> int:
        """Nano-dollars over all attempts, rejected answers included."""
        return sum(attempt.cost for attempt in self.attempts)

    def left(self, place: int) -> bool:
        """Whether attempt number ``place`` answered and a stronger tier was called after it."""
        later = self.attempts[place + 1 :]
        return self.attempts[place].verdict in ANSWERED and any(attempt.verdict != "skipped" for attempt in later)

    @property
    def escalated(self) -> bool:
        """Whether a stronger tier was called after an answer, were it in vain."""
        return any(self.left(place) for place in range(len(self.attempts)))

    def as_dict(self) -> dict[str, Any]:
        """The decision for JSON: costs in USD, times in seconds."""
        return {
            "id": self.id,
            "created": self.created,
            "tier": self.tier,
            "start": self.start,
            "reason": self.reason,
            "cost": usd(self.cost),
            "strong_cost": None if self.strong_cost is None else usd(self.strong_cost),
            "best_single_cost": None if self.best_single_cost is None else usd(self.best_single_cost),
            "escalated": self.escalated,
            "latency": self.latency,
            "suffices": dict(self.suffices),
            "expected_cost": {tier: usd(cost) for tier, cost in self.expected_cost.items()},
            "attempts": [attempt.as_dict() for attempt in self.attempts],
            "tags": dict(self.tags),
            "user": self.user,
            "session": self.session,
            "prompt_hash": self.prompt_hash,
            "propensity": self.propensity,
            "policy_version": self.policy_version,
            "config_version": self.config_version,
            "upgraded_from": self.upgraded_from,
            "error": self.error,
            "profile": self.profile,
            "audit": self.audit,
            "audit_of": self.audit_of,
            "cache": None if self.cache is None else self.cache.as_dict(),
            "shortened": None if self.shortened is None else self.shortened.as_dict(),
            "batch": self.batch,
            "notes": list(self.notes),
        }

    def explain(self) -> str:
        """Answer "why this model?" in a few plain sentences, one a line."""
        lines = [self._opening()]
        lines += [_tell(attempt) for attempt in self.attempts]
        if self.shortened is not None:
            short = self.shortened
            lines.append(f"The prompt was shortened from about {short.before:,} tokens to {short.after:,}.")
        lines += self.notes
        if self.attempts:
            lines.append(self._closing())
        if self.audit:
            lines.append(
                f"With a probability of {self.audit:.1%} a stronger tier was then asked in the background, to learn "
                "whether this answer would do."
            )
        if self.error:
            lines.append(f"It failed: {self.error}")
        return "\n".join(lines)

    def _opening(self) -> str:
        if self.audit_of is not None:
            kind = "Answers collected for" if any(a.verdict == "collected" for a in self.attempts) else "An audit of"
            return f"{kind} decision {self.audit_of}: {self.start} was asked, {self.reason}."
        if not self.start:
            return f"{self.reason[:1].upper()}{self.reason[1:]}."
        profile = "" if self.profile == "default" else f" (profile {self.profile!r})"
        line = f"Started at {self.start}{profile}: {self.reason}."
        if self.suffices:
            odds = ", ".join(
                f"{tier} {chance:.0%} (about {_dollars(self.expected_cost.get(tier, 0))})"
                for tier, chance in self.suffices.items()
            )
            line += f" Expected to be good enough, from the prompt alone: {odds}."
        return line

    def _closing(self) -> str:
        line = f"In all: {_dollars(self.cost)}"
        if self.strong_cost:
            share = round(100 * (self.cost / self.strong_cost - 1))
            told = "the same as" if share == 0 else f"{abs(share)}% {'more' if share > 0 else 'less'} than"
            line += f", {told} asking the strongest tier"
        return line + f", {self.latency:.2f} s."


def _tell(attempt: Attempt) -> str:
    """One sentence about one attempt; one that was made without the router has no tier but a model."""
    name = attempt.tier or attempt.model
    if attempt.verdict == "skipped":
        return f"{attempt.tier} was not called: {attempt.reason}."
    if attempt.verdict == "cached":
        return f"{attempt.tier} was not called: {attempt.reason}."
    if attempt.verdict == "failed":
        return f"{name} failed: {attempt.reason}"
    line = f"{name} answered ({_dollars(attempt.cost)}, {attempt.latency:.2f} s)"
    if attempt.confidence is not None and attempt.threshold is not None:
        sign = ">=" if attempt.confidence >= attempt.threshold else "<"
        line += f" with confidence {attempt.confidence:.2f} {sign} {attempt.threshold:.2f}"
    return f"{line}: {attempt.verdict}, {attempt.reason}."


def _dollars(nano_dollars: int) -> str:
    """Dollars with as many places as a small sum needs for three significant digits."""
    dollars = usd(nano_dollars)
    places = 2 if dollars >= 1 or dollars == 0 else 2 - math.floor(math.log10(abs(dollars)))
    return f"${dollars:.{places}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer with its reason. ``tool_calls`` are for the caller to make."""

    text: str
    decision: Decision
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
