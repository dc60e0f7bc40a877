"""The ledger's answers as a sheet to label, and labels back into the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from router.decision import ANSWERED, Attempt
from router.errors import InputError
from router.ledger import Entry, Label, Ledger
from router.ledger.label import SOURCES
from router.types import Request, Usage, as_messages
from training.label.answer import Given
from training.label.sheet import COLUMNS, Sheet, sheet_of


def sheet_from(ledger: Ledger, *, since: float | None = None, until: float | None = None) -> Sheet:
    """Read every answer whose prompt and text were kept, a row per decision and tier, with the labels it has.

    Of several labels the most trusted counts (gold, test, human, judge, silver), and of those the newest. Times are in
    seconds since the epoch and select decisions.

    Raises:
        InputError: there is no request, or no text was kept of any answer.
        LedgerError: the ledger cannot be read.
    """
    labels: dict[tuple[str, str], Label] = {}
    for label in ledger.labels():
        key = (label.decision_id, label.tier)
        if key not in labels or SOURCES.index(label.source) <= SOURCES.index(labels[key].source):
            labels[key] = label
    rows = [
        _row(entry, attempt, labels.get((entry.decision.id, attempt.tier)))
        for entry in ledger.decisions(since, until)
        if entry.request is not None
        for attempt in entry.decision.attempts
        if attempt.verdict in ANSWERED and attempt.text is not None
    ]
    if not rows:
        if next(iter(ledger.decisions(since, until)), None) is None:
            raise InputError("the ledger has no request whose answers could be labelled; route some first")
        raise InputError('the ledger kept no text of any answer, so there is nothing to label; set `keep = "text"`')
    return sheet_of(rows, where="the ledger")


def _row(entry: Entry, attempt: Attempt, label: Label | None) -> dict[str, Any]:
    request = entry.request
    assert request is not None
    plain = request.messages == as_messages(request.text)
    usage = attempt.usage
    given = (None,) * 4 if label is None else (label.quality, label.source, label.judge, label.weight)
    return {
        "query_id": entry.decision.id,
        "prompt": request.text,
        "request": None if plain else json.dumps(asdict(Request(messages=request.messages))),
        "tier": attempt.tier,
        "model": attempt.model,
        "response": attempt.text,
        "stop": attempt.stop,
        "verdict": attempt.verdict,
        "confidence": attempt.confidence,
        "threshold": attempt.threshold,
        "latency": attempt.latency,
        **{name: None if usage is None else getattr(usage, name) for name in Usage.__slots__},
        **dict(zip(COLUMNS, given, strict=True)),
    }


def keep_labels(ledger: Ledger, sheet: Sheet, labels: Mapping[int, Given], *, created: float) -> int:
    """Write the known ones of ``labels`` (by row of a sheet of this ledger) into it; say how many.

    Raises:
        InputError: the ledger has no such answer.
        LedgerError: it cannot be written; labels before that one are.
    """
    kept = 0
    for answer in sheet.answers:
        given = labels.get(answer.row)
        if given is None or not given.known or given.source == "":
            continue
        ledger.label(
            Label(
                decision_id=answer.query_id,
                tier=answer.tier,
                quality=given.quality,
                source=given.source,
                judge=given.judge,
                weight=given.weight,
                created=created,
            )
        )
        kept += 1
    return kept
