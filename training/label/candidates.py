"""Requests that may be labelled next, with how near a tie each one's decision is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from router.cascade import cascade
from router.decision import ANSWERED, Attempt
from router.drivers import replay
from router.errors import AllTiersFailed
from router.features import Floats
from router.plan import Birth, Plan
from router.types import Request
from training.embedding import embedded_before
from training.label.answer import Answer
from training.label.choose import Choice
from training.label.sheet import Sheet
from training.records import Query
from training.replay import answers_of, offline


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A request that is not labelled at every tier that answered it.

    ``margin`` is A, the confidence in an answer less the bar it had to reach, where that is nearest to a tie; NaN where
    no answer was judged. ``rows`` are its answers that need a label, as rows of a sheet.
    """

    id: str
    request: Request
    margin: float
    rows: tuple[dict[str, Any], ...]


def margin_of(attempts: Iterable[Attempt]) -> float:
    """Return confidence less threshold of the answer nearest to a tie; NaN without a judged answer."""
    margins = [
        attempt.confidence - attempt.threshold
        for attempt in attempts
        if attempt.verdict in ANSWERED and attempt.confidence is not None and attempt.threshold is not None
    ]
    return min((margin for margin in margins if not math.isnan(margin)), key=abs, default=math.nan)


def of_queries(queries: Sequence[Query], plan: Plan) -> list[Candidate]:
    """Find the queries that some tier's label is missing of, decided anew by ``plan`` from their logged answers.

    Raises:
        EmbedderError: the plan reads embeddings, and some prompt has none.
    """
    bare = [(query, rows) for query in queries if (rows := _bare(query, plan))]
    plan = offline(embedded_before(plan, [query.request for query, _ in bare]))
    return [
        Candidate(id=query.id, request=query.request, margin=_replayed(query, plan), rows=rows) for query, rows in bare
    ]


def _bare(query: Query, plan: Plan) -> tuple[dict[str, Any], ...]:
    """A query's answers that have no label, as rows of a sheet."""
    return tuple(
        {"query_id": query.id, "prompt": query.request.text, "tier": tier.name, "response": outcome.completion.text}
        for tier, outcome in zip(plan.ladder.tiers, query.outcomes, strict=True)
        if outcome is not None and math.isnan(outcome.quality)
    )


def _replayed(query: Query, plan: Plan) -> float:
    try:
        response = replay(cascade(query.request, plan, Birth(query.id, 0.0)), answers_of(query, plan))
    except AllTiersFailed:
        return math.nan
    return margin_of(response.decision.attempts)


def of_sheet(sheet: Sheet) -> list[Candidate]:
    """Find the requests of a sheet of the ledger that some answer's label is missing of, as they were decided then."""
    grouped: dict[str, list[Answer]] = {}
    for answer in sheet.answers:
        grouped.setdefault(answer.query_id, []).append(answer)
    found = []
    for id, answers in grouped.items():
        bare = [dict(answer.fields) for answer in answers if not answer.given.known]
        if bare:
            margins = [margin for margin in map(_judged, answers) if not math.isnan(margin)]
            margin = min(margins, key=abs, default=math.nan)
            request = Request(messages=answers[0].messages)
            found.append(Candidate(id=id, request=request, margin=margin, rows=tuple(bare)))
    return found


def _judged(answer: Answer) -> float:
    confidence, threshold = answer.fields.get("confidence"), answer.fields.get("threshold")
    return math.nan if confidence is None or threshold is None else float(confidence) - float(threshold)


def rows_to_label(candidates: Sequence[Candidate], chosen: Choice, margins: Floats) -> list[dict[str, Any]]:
    """Write out the chosen candidates, a row per answer that needs a label.

    ``label_weight`` is one over ``label_inclusion``, the probability with which the request was chosen, so that
    weighted means stay unbiased; labelling keeps it.
    """
    return [
        {
            **row,
            "label_weight": float(1 / chosen.inclusion[place]),
            "label_inclusion": float(chosen.inclusion[place]),
            "kind": int(chosen.cluster[place]),
            "margin": None if math.isnan(margins[place]) else float(margins[place]),
        }
        for place in chosen.rows.tolist()
        for row in candidates[place].rows
    ]
