"""Logged answers with quality labels, as training reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.tiers import Ladder
from router.types import Completion, Request

SPLITS = ("train", "certify", "test")
"""What rows are for: ``train`` is fitted and tuned on, ``certify`` only certifies, ``test`` is opened once."""

_ALIASES = {
    "fit": "train",
    "tune": "train",
    "train": "train",
    "validation": "train",
    "calibrate": "certify",
    "calibration": "certify",
    "certify": "certify",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tier answered, and how good that was: ``quality`` in [0, 1], NaN when nobody labelled it.

    ``source`` says who labelled it (gold, test, human, judge, silver, "" unknown), ``judge`` which one, and ``weight``
    how much the label counts beside others.
    """

    completion: Completion
    quality: float
    source: str = ""
    weight: float = 1.0
    judge: str | None = None


@dataclass(frozen=True)
class Query:
    """One prompt with the outcome of each tier, by rank; None where the tier was not asked.

    ``inclusion`` is, by rank, the probability with which the logging policy would have observed that tier's outcome
    for this request: () where every tier was asked on purpose, None where the log does not say, NaN for a tier (one
    that was not asked) of which it does not say.
    """

    id: str
    request: Request
    outcomes: tuple[Outcome | None, ...]
    split: str
    split_key: str
    task: str = ""
    inclusion: tuple[float, ...] | None = ()

    @cached_property
    def qualities(self) -> tuple[float, ...]:
        """Quality per rank, NaN where it is unknown."""
        return tuple(math.nan if outcome is None else outcome.quality for outcome in self.outcomes)

    @property
    def weight(self) -> float:
        """How many requests this one stands for when labelled at every tier: 1 / its least inclusion probability.

        1 with full information; NaN where the log does not say, or says that some tier is never observed.
        A tier seen on a path was seen with at most the probability of the tiers before it on that path, so the least
        one is the probability of having seen them all.
        """
        if self.inclusion is None or any(map(math.isnan, self.inclusion)):
            return math.nan
        least = min(self.inclusion, default=1.0)
        return 1 / least if least > 0 else math.nan


@dataclass(frozen=True)
class Records:
    """Queries for one ladder of tiers.

    ``facts``, JSON values, travel with them: what the log can support (``kind``), what its licence allows (``use``).
    """

    tiers: tuple[str, ...]
    queries: tuple[Query, ...]
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def split(self, name: str) -> Records:
        """The queries of one split.

        Raises:
            InputError: there is no such split, or it is empty.
        """
        if name not in SPLITS:
            raise InputError(f"split={name!r} is none of {', '.join(SPLITS)}")
        chosen = tuple(query for query in self.queries if query.split == name)
        if not chosen:
            raise InputError(f"the data has no rows of split {name!r}")
        return replace(self, queries=chosen)

    def labelled(self) -> Records:
        """The queries for which every tier has a label."""
        return replace(
            self, queries=tuple(query for query in self.queries if not any(map(math.isnan, query.qualities)))
        )

    def __len__(self) -> int:
        return len(self.queries)


def label_weight(query: Query) -> float:
    """How many requests a query's labels stand for: the largest of its labels' weights, 1 where it has none.

    Labels are bought by request, each with the weight of one over the probability that the request was chosen, so
    they agree; where they do not, the label that was least likely to be there decides.
    """
    return max((o.weight for o in query.outcomes if o is not None and not math.isnan(o.quality)), default=1.0)


def row_weight(query: Query) -> float:
    """How many requests a query with every label stands for in a mean: what observed its answers, and its labels.

    NaN where the log does not say with which probability the answers were observed.
    """
    return query.weight * label_weight(query)


def split_named(name: str) -> str:
    """Return the split that a file's word for it means: "fit", "tune" and "validation" are for training.

    Raises:
        InputError: it is no known word.
    """
    split = _ALIASES.get(name.strip().lower())
    if split is None:
        raise InputError(f"split {name!r} is none of {', '.join(_ALIASES)}")
    return split


def apart(records: Records) -> None:
    """Refuse records of which two splits share a split key or, whatever their keys say, a prompt.

    Raises:
        InputError: they do.
    """
    seen: dict[str, str] = {}
    for query in records.queries:
        for key, what in (
            (query.split_key, "under the same split key"),
            (query.request.prompt_hash, "the same prompt"),
        ):
            if seen.setdefault(key, query.split) != query.split:
                raise InputError(
                    f"query {query.id!r} stands in split {query.split!r} and, {what}, in {seen[key]!r}: a score on one "
                    "would be flattered; split anew"
                )


def disjoint(first: Records, second: Records) -> None:
    """Refuse two sets of queries that share a prompt.

    Raises:
        InputError: they do; a score on the second would be flattered.
    """
    keys = {query.split_key for query in first.queries}
    prompts = {query.request.prompt_hash for query in first.queries}
    shared = sum(query.split_key in keys or query.request.prompt_hash in prompts for query in second.queries)
    if shared:
        raise InputError(f"{shared} prompts stand in two splits, so a score on one would be flattered; split anew")


def read(path: str | Path, ladder: Ladder) -> Records:
    """Read a Parquet file in long format, a row per query and tier: see :mod:`training.long_format`.

    Raises:
        InputError: the file, a column or a tier is missing, or a value is not what its column allows.
    """
    from training.long_format import read_records

    return read_records(Path(path), ladder)
