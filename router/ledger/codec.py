"""Decisions as rows of the ledger, and back, exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from router.decision import Attempt, Decision
from router.ledger.cells import clean, dump, maybe, number, numbers, real, safe, whole
from router.ledger.keep import Kept
from router.ledger.levers import levers_of, read_levers
from router.ledger.request_json import as_json, from_json
from router.signals import TELLING
from router.types import Request, Usage

DECISION_COLUMNS = (
    *("id", "created", "prompt_hash", "start", "tier", "reason", "cost_nano", "strong_cost_nano"),
    *("best_single_cost_nano", "escalated", "latency", "user", "session", "tags", "suffices", "expected_cost"),
    *("propensity", "policy_version", "config_version", "upgraded_from", "error", "request"),
    *("profile", "audit", "audit_of", "cache", "levers"),
)
ATTEMPT_COLUMNS = (
    *("decision_id", "seq", "tier", "model", "verdict", "reason", "confidence", "threshold"),
    *("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"),
    *("cost_nano", "latency", "calls", "propensity", "stop", "text", "request_id", "signals"),
)

WITHHELD = "not kept"
"""Stands for a provider's message where no text is kept."""

_NO_USAGE = (None, None, None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the ledger holds of one request; ``request`` is None where its text was not kept."""

    decision: Decision
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One decision as it is stored: values in the order of the two column lists."""

    decision: tuple[Any, ...]
    attempts: tuple[tuple[Any, ...], ...]


def encode(decision: Decision, request: Request | None, *, kept: Kept) -> Rows:
    """Turn ``decision`` into rows.

    Keys are redacted. NaN is stored as no number. A lone surrogate or a NUL, which databases do not hold alike,
    becomes U+FFFD.

    Raises:
        ValueError, TypeError, OverflowError, AttributeError: a field holds what its type does not allow.
    """
    with_text = kept == "text"
    accepted = decision.accepted
    error = decision.error
    row = (
        clean(decision.id),
        float(decision.created),
        decision.prompt_hash,
        clean(decision.start),
        None if accepted is None else clean(accepted.tier),
        safe(decision.reason),
        int(decision.cost),
        whole(decision.strong_cost),
        whole(decision.best_single_cost),
        int(decision.escalated),
        real(decision.latency),
        maybe(decision.user),
        maybe(decision.session),
        dump({safe(key): safe(value) for key, value in decision.tags.items()}),
        dump(decision.suffices),
        dump(decision.expected_cost),
        real(decision.propensity),
        clean(decision.policy_version),
        clean(decision.config_version),
        None if decision.upgraded_from is None else clean(decision.upgraded_from),
        error if error is None else safe(error) if with_text else WITHHELD,
        as_json(request, decision) if with_text and request is not None else None,
        safe(decision.profile),
        float(decision.audit),
        None if decision.audit_of is None else clean(decision.audit_of),
        None if decision.cache is None else decision.cache.kind,
        dump(levers_of(decision)),
    )
    attempts = tuple(
        _attempt(row[0], seq, attempt, with_text=with_text) for seq, attempt in enumerate(decision.attempts)
    )
    return Rows(decision=row, attempts=attempts)


def _attempt(decision_id: str, seq: int, attempt: Attempt, *, with_text: bool) -> tuple[Any, ...]:
    usage = attempt.usage
    return (
        decision_id,
        seq,
        clean(attempt.tier),
        clean(attempt.model),
        attempt.verdict,
        safe(attempt.reason) if with_text or attempt.verdict != "failed" else WITHHELD,
        real(attempt.confidence),
        real(attempt.threshold),
        *(_NO_USAGE if usage is None else _counts(usage)),
        int(attempt.cost),
        real(attempt.latency),
        int(attempt.calls),
        real(attempt.propensity),
        attempt.stop,
        maybe(attempt.text) if with_text else None,
        maybe(attempt.request_id),
        dump(attempt.signals if with_text else {k: v for k, v in attempt.signals.items() if k not in TELLING}),
    )


def _counts(usage: Usage) -> tuple[int, int, int, int, int]:
    return (
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )


class Unreadable(ValueError):
    """A row that no tierwise wrote, or that was changed since."""


def decode(row: Sequence[Any], attempts: Sequence[Sequence[Any]]) -> Entry:
    """Read back the entry whose rows these are, attempts in order.

    Raises:
        Unreadable: the rows are not as :func:`encode` writes them.
    """
    try:
        return _read_decision(row, attempts)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"decision {row[0]!r} cannot be read back ({type(error).__name__}: {error})") from error


def _read_decision(row: Sequence[Any], attempts: Sequence[Sequence[Any]]) -> Entry:
    it = dict(zip(DECISION_COLUMNS, row, strict=True))
    decision = Decision(
        id=it["id"],
        created=it["created"],
        start=it["start"],
        reason=it["reason"],
        attempts=tuple(_read_attempt(attempt) for attempt in attempts),
        suffices=numbers(it["suffices"]),
        expected_cost=json.loads(it["expected_cost"]),
        tags=json.loads(it["tags"]),
        user=it["user"],
        session=it["session"],
        prompt_hash=it["prompt_hash"],
        propensity=number(it["propensity"]),
        policy_version=it["policy_version"],
        config_version=it["config_version"],
        strong_cost=it["strong_cost_nano"],
        best_single_cost=it["best_single_cost_nano"],
        latency=number(it["latency"]),
        upgraded_from=it["upgraded_from"],
        error=it["error"],
        profile=it["profile"],
        audit=it["audit"],
        audit_of=it["audit_of"],
        **read_levers(it["levers"]),
    )
    return Entry(
        decision=decision,
        request=None if it["request"] is None else from_json(it["request"], decision),
    )


def _read_attempt(row: Sequence[Any]) -> Attempt:
    it = dict(zip(ATTEMPT_COLUMNS, row, strict=True))
    counts = {name: it[name] for name in Usage.__slots__}
    return Attempt(
        tier=it["tier"],
        model=it["model"],
        verdict=it["verdict"],
        reason=it["reason"],
        confidence=it["confidence"],
        threshold=it["threshold"],
        usage=None if it["input_tokens"] is None else Usage(**counts),
        cost=it["cost_nano"],
        latency=number(it["latency"]),
        calls=it["calls"],
        propensity=number(it["propensity"]),
        stop=it["stop"],
        text=it["text"],
        request_id=it["request_id"],
        signals=numbers(it["signals"]),
    )
