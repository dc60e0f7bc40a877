"""Records as a Parquet file in long format, a row per query and tier, and back without loss."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast, get_args

from router.errors import InputError
from router.tiers import Ladder
from router.types import (
    Completion,
    Logprobs,
    Message,
    Request,
    ResponseFormat,
    Stop,
    Tool,
    ToolCall,
    Usage,
    as_messages,
)
from training.records import Outcome, Query, Records, apart, split_named

_FACTS = b"tierwise.facts"

STOPS: tuple[str, ...] = get_args(Stop)

_NEEDED = ("query_id", "prompt", "tier", "quality", "response", "stop", "input_tokens", "output_tokens", "split")
_TEXT = ("query_id", "prompt", "request", "task", "split", "split_key", "logged", "tier", "label_source", "label_judge")
_ANSWER_TEXT = ("response", "stop", "tool_calls", "served_model", "request_id", "signals")


def write_records(records: Records, path: Path) -> None:
    """Write ``records`` so that :func:`read_records` gives equal ones for a ladder of the same tiers.

    A query has a row per tier; ``asked`` says whether the tier was. What a plain text prompt does not say of its
    request is JSON in ``request``. ``logged`` is "full" where every tier was asked on purpose, else "bandit", and then
    ``inclusion`` is the tier's probability of being observed, null where the log does not say. The facts are JSON in
    the file's metadata.

    Raises:
        InputError: the file cannot be written, or a text is no valid Unicode.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema()
    rows = [row for query in records.queries for row in _rows(query, records.tiers)]
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    try:
        table = pa.table(columns, schema=schema.with_metadata({_FACTS: json.dumps(dict(records.facts)).encode()}))
        part = path.with_name(path.name + ".part")
        parquet.write_table(table, part, compression="zstd")
        part.replace(path)
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: a text holds a lone surrogate, which no file can ({error.reason})") from None
    except OSError as error:
        raise InputError(f"{path}: it cannot be written ({error.strerror or error}); choose another place") from None


def _schema() -> Any:
    import pyarrow as pa

    real, text, whole = pa.float64(), pa.string(), pa.int64()
    return pa.schema(
        {
            **dict.fromkeys(_TEXT, text),
            "asked": pa.bool_(),
            "inclusion": real,
            "quality": real,
            "label_weight": real,
            **dict.fromkeys(_ANSWER_TEXT, text),
            **dict.fromkeys(Usage.__slots__, whole),
            "latency": real,
            "tokens": pa.list_(text),
            "logprobs": pa.list_(real),
            "top_logprobs": pa.list_(pa.list_(real)),
        }
    )


def _rows(query: Query, tiers: Sequence[str]) -> list[dict[str, Any]]:
    request = query.request
    plain = request == Request(messages=as_messages(request.text))
    known = {
        "query_id": query.id,
        "prompt": request.text,
        "request": None if plain else json.dumps(asdict(request)),
        "task": query.task,
        "split": query.split,
        "split_key": query.split_key,
        "logged": "full" if query.inclusion == () else "bandit",
    }
    chances = query.inclusion or (None,) * len(tiers)
    return [
        {**known, "tier": tier, "inclusion": None if chance is None else _or_none(chance), **_answer(outcome)}
        for tier, chance, outcome in zip(tiers, chances, query.outcomes, strict=True)
    ]


def _answer(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {"asked": False}
    said = outcome.completion
    signals = said.signals
    values = said.logprobs
    return {
        "asked": True,
        "quality": None if math.isnan(outcome.quality) else outcome.quality,
        "label_source": outcome.source,
        "label_weight": outcome.weight,
        "label_judge": outcome.judge,
        "response": said.text,
        "stop": said.stop,
        "tool_calls": json.dumps([asdict(call) for call in said.tool_calls]) if said.tool_calls else None,
        "served_model": said.model,
        "request_id": said.request_id,
        "signals": None if signals is None else json.dumps({k: _or_none(v) for k, v in signals.items()}),
        **({} if said.usage is None else asdict(said.usage)),
        "latency": said.latency,
        "tokens": None if values is None else values.tokens,
        "logprobs": None if values is None else values.values,
        "top_logprobs": None if values is None else values.top,
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def read_records(path: Path, ladder: Ladder) -> Records:
    """Read a Parquet file in long format: a row per query and tier, as :func:`write_records` writes it or simpler.

    Needs the columns query_id, prompt, tier, quality, response, stop, input_tokens, output_tokens, split; uses
    split_key, task, tokens, logprobs, top_logprobs, latency_ms and the other columns that are written where they are.

    Raises:
        InputError: the file, a column or a tier is missing, or a value is not what its column allows.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise InputError(f"{path}: there is no such file; pass the labelled answers with --data")
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError):
        raise InputError(
            f"{path}: it cannot be read as Parquet; make a log of this file with `tierwise train ingest`"
        ) from None
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise InputError(f"{path}: the column {missing[0]!r} is missing; it has {', '.join(table.column_names)}")
    rows = table.to_pylist()
    same_tiers({row["tier"] for row in rows}, ladder, where=str(path))
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["query_id"], []).append(row)
    facts = json.loads((table.schema.metadata or {}).get(_FACTS, b"{}"))
    queries = tuple(_query(key, group, ladder, path) for key, group in grouped.items())
    records = Records(ladder.names, queries, facts)
    apart(records)
    return records


def same_tiers(found: set[str], ladder: Ladder, *, where: str) -> None:
    """Refuse data whose tiers are not those of the configuration.

    Raises:
        InputError: they differ; the sentence has both lists.
    """
    unknown, absent = found - set(ladder.names), set(ladder.names) - found
    if unknown or absent:
        raise InputError(
            f"{where}: the data and the configuration name different tiers "
            f"(only in the data: {sorted(unknown) or 'none'}; only in the configuration: {sorted(absent) or 'none'}); "
            "rename the tiers in one of them"
        )


def _query(key: str, rows: Sequence[dict[str, Any]], ladder: Ladder, where: Path) -> Query:
    first = rows[0]
    outcomes: list[Outcome | None] = [None] * len(ladder)
    chances: list[float | None] = [None] * len(ladder)
    try:
        request = _request(first)
        split = split_named(first["split"] or "")
        for row in rows:
            rank = ladder.rank(row["tier"], where="tier")
            if outcomes[rank] is not None:
                raise InputError(f"tier {row['tier']!r} has two rows; drop one of them")
            outcomes[rank] = _outcome(row) if row.get("asked", True) else None
            chances[rank] = row.get("inclusion")
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{where}: query {key!r}: {error}") from None
    known = any(chance is not None for chance in chances)
    bandit = first.get("logged") == "bandit" or ("logged" not in first and known)
    inclusion = tuple(math.nan if chance is None else chance for chance in chances) if known else None
    return Query(
        id=key,
        request=request,
        outcomes=tuple(outcomes),
        split=split,
        split_key=first.get("split_key") or request.prompt_hash,
        task=first.get("task") or "",
        inclusion=inclusion if bandit else (),
    )


def _request(row: Mapping[str, Any]) -> Request:
    if row.get("request") is None:
        return Request(messages=as_messages(row["prompt"]))
    told = json.loads(row["request"])
    shape = told["response_format"]
    return Request(
        **{
            **told,
            "messages": tuple(
                Message(**{**message, "tool_calls": tuple(ToolCall(**call) for call in message["tool_calls"])})
                for message in told["messages"]
            ),
            "stop": tuple(told["stop"]),
            "response_format": None if shape is None else ResponseFormat(**shape),
            "tools": tuple(Tool(**tool) for tool in told["tools"]),
        }
    )


def _outcome(row: Mapping[str, Any]) -> Outcome:
    quality = math.nan if row["quality"] is None else float(row["quality"])
    if not (math.isnan(quality) or 0 <= quality <= 1):
        raise InputError(f"tier {row['tier']!r}: quality {quality} is outside [0, 1]")
    stop = row["stop"] or "end"
    if stop not in STOPS:
        raise InputError(f"stop {stop!r} is none of {', '.join(STOPS)}")
    signals = row.get("signals")
    latency = row.get("latency")
    weight = row.get("label_weight")
    return Outcome(
        completion=Completion(
            text=row["response"] or "",
            usage=_usage(row),
            stop=cast("Stop", stop),
            logprobs=_logprobs(row),
            latency=(row.get("latency_ms") or 0.0) / 1000 if latency is None else latency,
            tool_calls=tuple(ToolCall(**call) for call in json.loads(row.get("tool_calls") or "[]")),
            model=row.get("served_model"),
            request_id=row.get("request_id"),
            signals=None if signals is None else _signals(signals),
        ),
        quality=quality,
        source=row.get("label_source") or "",
        weight=1.0 if weight is None else weight,
        judge=row.get("label_judge"),
    )


def _signals(text: str) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in json.loads(text).items()}


def _usage(row: Mapping[str, Any]) -> Usage | None:
    if row["input_tokens"] is None and row["output_tokens"] is None:
        return None
    return Usage(**{name: row[name] for name in Usage.__slots__ if row.get(name) is not None})


def _logprobs(row: Mapping[str, Any]) -> Logprobs | None:
    values = row.get("logprobs")
    # Files that others wrote have an empty list where there were none.
    if values is None or (not values and "asked" not in row):
        return None
    tokens = row.get("tokens")
    return Logprobs(
        tokens=("",) * len(values) if tokens is None else tuple(tokens),
        values=tuple(values),
        top=tuple(map(tuple, row.get("top_logprobs") or ())),
    )
