"""The labelled answers of one tier, the handful that a new tier begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from router.errors import InputError
from router.features import Floats, PromptFeatures, prompt_features
from router.signals import NAMES, answer_signals
from router.tiers import Ladder
from training.errors import NotEnoughLabels
from training.records import Query, Records, read

FEWEST = 15
"""Labelled answers of the new tier, on prompts apart, below which nothing is added."""


def read_answers_of(name: str, path: Path, ladder: Ladder) -> Records:
    """Read a Parquet file that holds the answers of tier ``name``, and perhaps of other tiers of ``ladder``.

    Raises:
        InputError: the file, or the tier in it or in the ladder, is missing, or it names tiers that the ladder lacks.
    """
    rank = ladder.rank(name, where="NAME")
    there = _tiers_in(path)
    if name not in there:
        raise InputError(f"{path}: it has no answers of tier {name!r}; it has {', '.join(sorted(there)) or 'none'}")
    part = Ladder(tuple(tier for tier in ladder.tiers if tier.name in there))
    found = read(path, part)  # which refuses tiers that the ladder lacks
    if found.tiers == ladder.names:
        return found
    own = part.names.index(name)
    empty = (None,) * len(ladder)
    queries = tuple(
        replace(
            query,
            outcomes=(*empty[:rank], query.outcomes[own], *empty[rank + 1 :]),
            inclusion=query.inclusion and tuple(query.inclusion[own] for _ in empty),
        )
        for query in found.queries
    )
    return replace(found, tiers=ladder.names, queries=queries)


def _tiers_in(path: Path) -> set[str]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return set(parquet.read_table(path, columns=["tier"])["tier"].to_pylist())
    except (pa.ArrowException, OSError):
        raise InputError(f"{path}: it cannot be read as labelled answers; pass a Parquet file with --data") from None


@dataclass(frozen=True)
class TierLabels:
    """The labelled answers of the new tier: n ``queries`` with their ``features``, ``quality``, ``weight`` and the
    mean logit ``surety`` of their answers' tokens, NaN where there is none, (n,) each.
    """

    queries: tuple[Query, ...]
    features: tuple[PromptFeatures, ...]
    quality: Floats
    weight: Floats
    surety: Floats
    rank: int


def labels_of(records: Records, rank: int, *, name: str) -> TierLabels:
    """The labelled answers of the tier of ``rank``, called ``name``, in all splits of ``records``.

    Raises:
        NotEnoughLabels: fewer than FEWEST prompts have one.
        InputError: the log does not say with which probability the answers were observed.
    """
    queries = tuple(query for query in records.queries if not np.isnan(query.qualities[rank]))
    apart = len({query.split_key for query in queries})
    if apart < FEWEST:
        raise NotEnoughLabels(
            f"tier {name!r} has labelled answers to {apart} prompts; adding it to a bundle needs at least {FEWEST}: "
            "ask it some more of the logged prompts, and label what it says",
            needed=FEWEST,
        )
    if any(query.inclusion is None for query in queries):
        raise InputError(
            "the log does not say with which probability each answer was observed; log propensities, or ask the new "
            "tier on purpose (and pass --logged full to `tierwise train ingest`)"
        )
    outcomes = [outcome for query in queries if (outcome := query.outcomes[rank]) is not None]
    chance = np.array([query.inclusion[rank] if query.inclusion else 1.0 for query in queries])
    weight = np.array([outcome.weight for outcome in outcomes]) / chance
    where = NAMES.index("logit_mean")
    signals = [answer_signals(query.request, found.completion) for query, found in zip(queries, outcomes, strict=True)]
    return TierLabels(
        queries=queries,
        features=tuple(prompt_features(query.request) for query in queries),
        quality=np.array([outcome.quality for outcome in outcomes]),
        weight=weight / weight.mean(),  # so many labels say as much as they are, however rare they were
        surety=np.array([found[where] for found in signals]),
        rank=rank,
    )
