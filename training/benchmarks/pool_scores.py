"""Plain routers of a pool: bars on an answer's own probability, and scores that choose between two of the tiers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.features import Floats
from router.lengths import chars_of
from router.policy import Thresholds
from training.benchmarks.curve_reading import followed
from training.benchmarks.text_neighbours import neighbours
from training.hull import Mean
from training.records import Outcome, Query, Records
from training.replay import qualities_of
from training.table import Table, states

BARS = 40


def plain_points(learned: Records, test: Records, held: Table) -> dict[str, list[Mean]]:
    """What plain routers come to on the rows of ``held``, the table of ``test``, at 40 bars each.

    ``raw_confidence``: one bar for the probabilities of the answers' own tokens, as they came. The others ask the
    strongest tier where a score is above a bar, else the cheapest: ``length`` of the prompt, ``knn``, the gain of the
    100 most similar prompts of ``learned``, and ``weak_threshold``, one minus the cheapest tier's chance before any
    answer. Bars are quantiles of the scores, for which no label is needed.
    """
    known = qualities_of(learned.queries)
    gain = neighbours(_texts(learned.queries), known[:, -1] - known[:, 0], _texts(test.queries))
    return {
        "raw_confidence": _by_confidence(learned, test, held),
        "length": by_score(held, np.array([float(chars_of(query.request)) for query in test.queries])),
        "knn": by_score(held, gain),
        "weak_threshold": by_score(held, 1 - held.chances[0][:, 0]),
    }


def by_score(held: Table, score: Floats) -> list[Mean]:
    """Mean quality and mean nano-dollars of asking the strongest tier where ``score`` (n,) is above each bar."""
    points = []
    for bar in _quantiles(score):
        strong = score > bar
        quality = np.where(strong, held.quality[:, -1], held.quality[:, 0])
        cost = np.where(strong, held.cost[:, -1], held.cost[:, 0])
        points.append(Mean(held.mean(quality), held.mean(cost)))
    return points


def _by_confidence(learned: Records, test: Records, held: Table) -> list[Mean]:
    bars = sorted({round(bar, 6) for bar in _quantiles(_unread(learned).chances[0].ravel())})
    rules = [Thresholds(start=(0.0,) * held.tiers, accept=(bar,) * held.tiers) for bar in bars]
    return followed(replace(_unread(test), cost=held.cost), rules)


def _unread(records: Records) -> Table:
    """A table whose chances are the answers' own probabilities."""
    found = np.array([[_told(one) for one in query.outcomes] for query in records.queries])
    masks = [0, *(sum(1 << rank for rank in run) for run in states(found.shape[1]))]
    return Table(
        quality=np.array([query.qualities for query in records.queries]),
        cost=np.zeros_like(found),
        chances=dict.fromkeys(masks, found),
        expected=dict.fromkeys(masks, np.zeros_like(found)),
        draw=np.zeros(len(found)),
        weight=np.ones(len(found)),
        keys=tuple(query.split_key for query in records.queries),
    )


def _told(outcome: Outcome | None) -> float:
    """An answer's probability by its own tokens, their geometric mean."""
    if outcome is None or outcome.completion.logprobs is None:
        return math.nan
    return float(np.exp(np.mean(outcome.completion.logprobs.values)))


def _quantiles(values: Floats) -> list[float]:
    found: list[float] = np.quantile(values, np.linspace(0.02, 0.98, BARS)).tolist()
    return found


def _texts(queries: Sequence[Query]) -> list[str]:
    return ["\n".join(message.content for message in query.request.messages) for query in queries]
