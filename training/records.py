"""Logged answers with quality labels, as training reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.tiers import Ladder
from router.types import Completion, Logprobs, Request, Usage, as_messages

SPLITS = ("fit", "calibrate", "tune", "test")

_NEEDED = ("query_id", "prompt", "tier", "quality", "response", "stop", "input_tokens", "output_tokens", "split")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tier answered, and how good that was: ``quality`` in [0, 1], NaN when nobody labelled it."""

    completion: Completion
    quality: float


@dataclass(frozen=True)
class Query:
    """One prompt with the outcome of each tier, by rank; None where the tier was not asked."""

    id: str
    request: Request
    outcomes: tuple[Outcome | None, ...]
    split: str
    split_key: str
    task: str = ""

    @cached_property
    def qualities(self) -> tuple[float, ...]:
        """Quality per rank, NaN where it is unknown."""
        return tuple(math.nan if outcome is None else outcome.quality for outcome in self.outcomes)


@dataclass(frozen=True)
class Records:
    """Queries for one ladder of tiers."""

    tiers: tuple[str, ...]
    queries: tuple[Query, ...]

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


def apart(records: Records) -> None:
    """Refuse records of which two splits share a prompt.

    Raises:
        InputError: they do.
    """
    seen: dict[str, str] = {}
    for query in records.queries:
        if seen.setdefault(query.split_key, query.split) != query.split:
            raise InputError(
                f"query {query.id!r} stands in split {query.split!r} and, under the same split key, in "
                f"{seen[query.split_key]!r}: a score on one would be flattered; split anew"
            )


def disjoint(first: Records, second: Records) -> None:
    """Refuse two sets of queries that share a prompt.

    Raises:
        InputError: they do; a score on the second would be flattered.
    """
    shared = {query.split_key for query in first.queries} & {query.split_key for query in second.queries}
    if shared:
        raise InputError(f"{len(shared)} prompts stand in two splits, so a score on one would be flattered; split anew")


def read(path: str | Path, ladder: Ladder) -> Records:
    """Read a Parquet file in long format: a row per query and tier.

    Needs the columns query_id, prompt, tier, quality, response, stop, input_tokens, output_tokens, split; uses
    split_key, task, tokens, logprobs, top_logprobs and latency_ms where they are.

    Raises:
        InputError: the file, a column or a tier is missing, or a quality is outside [0, 1].
    """
    import pyarrow.parquet

    where = Path(path)
    if not where.is_file():
        raise InputError(f"{where}: there is no such file; pass the labelled answers with --data")
    try:
        table = pyarrow.parquet.read_table(where)
    except (pyarrow.ArrowException, OSError):
        raise InputError(f"{where}: it cannot be read as Parquet; pass the labelled answers with --data") from None
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise InputError(f"{where}: the column {missing[0]!r} is missing; it has {', '.join(table.column_names)}")
    rows = table.to_pylist()
    unknown = {row["tier"] for row in rows} - set(ladder.names)
    absent = set(ladder.names) - {row["tier"] for row in rows}
    if unknown or absent:
        raise InputError(
            f"{where}: the data and the configuration name different tiers "
            f"(only in the data: {sorted(unknown) or 'none'}; only in the configuration: {sorted(absent) or 'none'})"
        )
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["query_id"], []).append(row)
    records = Records(ladder.names, tuple(_query(key, group, ladder, where) for key, group in grouped.items()))
    apart(records)
    return records


def _query(key: str, rows: Sequence[dict[str, Any]], ladder: Ladder, where: Path) -> Query:
    first = rows[0]
    request = Request(messages=as_messages(first["prompt"]))
    outcomes: list[Outcome | None] = [None] * len(ladder)
    for row in rows:
        outcomes[ladder.rank(row["tier"], where="tier")] = _outcome(row, key, where)
    return Query(
        id=key,
        request=request,
        outcomes=tuple(outcomes),
        split=first["split"],
        split_key=first.get("split_key") or request.prompt_hash,
        task=first.get("task") or "",
    )


def _outcome(row: dict[str, Any], key: str, where: Path) -> Outcome:
    quality = math.nan if row["quality"] is None else float(row["quality"])
    if not (math.isnan(quality) or 0 <= quality <= 1):
        raise InputError(f"{where}: query {key!r}, tier {row['tier']!r}: quality {quality} is outside [0, 1]")
    values = row.get("logprobs")
    logprobs = None
    if values:
        logprobs = Logprobs(
            tokens=tuple(row.get("tokens") or ("",) * len(values)),
            values=tuple(values),
            top=tuple(map(tuple, row.get("top_logprobs") or ())),
        )
    return Outcome(
        completion=Completion(
            text=row["response"] or "",
            usage=Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"]),
            stop=row["stop"] or "end",
            logprobs=logprobs,
            latency=(row.get("latency_ms") or 0.0) / 1000,
        ),
        quality=quality,
    )
