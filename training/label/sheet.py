"""A sheet of answers: a file in long format, a row per query and tier, read and written whole."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.ledger.label import SOURCES
from router.types import Message, as_messages
from training.ingest.columns import fields_of
from training.label.answer import Answer, Given

COLUMNS = ("quality", "label_source", "label_judge", "label_weight")
"""What labelling writes."""

_NEEDED = ("query_id", "prompt", "tier", "response")
_SUFFIXES = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """``rows`` as they were read, and the ``answers`` among them; a row whose tier was not asked has none."""

    rows: Sequence[Mapping[str, Any]]
    answers: tuple[Answer, ...]


def read_sheet(path: Path) -> Sheet:
    """Read a .jsonl, .csv or .parquet file with the columns query_id, prompt, tier and response.

    Other names that ``tierwise train ingest`` takes for these are understood too. ``reference`` and labels that are
    there already are used.

    Raises:
        InputError: the file, a column or a value is not what it should be; the message names the row.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; pass the answers to label with --data")
    reader = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: its name ends in none of {', '.join(_SUFFIXES)}, so its format is unknown")
    return sheet_of(reader(path), where=str(path))


def sheet_of(rows: Sequence[Mapping[str, Any]], *, where: str) -> Sheet:
    """Find the answers among ``rows``; ``where`` names the source in errors.

    Raises:
        InputError: there are no rows, a column is missing, or a value is not what it should be.
    """
    if not rows:
        raise InputError(f"{where}: there are no rows to label")
    names = fields_of(dict.fromkeys(name for row in rows for name in row), {})
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(f"{where}: the column {missing[0]!r} is missing; it has {', '.join(rows[0])}")
    answers = []
    for place, row in enumerate(rows):
        try:
            answer = _answer(place, row, names)
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: row {place + 1}: {error}") from None
        if answer is not None:
            answers.append(answer)
    return Sheet(rows=rows, answers=tuple(answers))


def _answer(place: int, row: Mapping[str, Any], names: Mapping[str, str]) -> Answer | None:
    it = {field: row.get(name) for field, name in names.items()}
    if it["response"] is None or row.get("asked") is False:
        return None
    if not isinstance(it["response"], str) or it["query_id"] in (None, "") or not it["tier"]:
        raise InputError("query_id, tier and response must be text")
    reference = row.get("reference")
    return Answer(
        row=place,
        query_id=str(it["query_id"]),
        tier=str(it["tier"]),
        messages=_messages(row.get("request"), it["prompt"]),
        response=it["response"],
        reference=None if reference is None or reference == "" else str(reference),
        given=_given(it),
        fields=row,
    )


def _messages(request: Any, prompt: Any) -> tuple[Message, ...]:
    if isinstance(request, str) and request:
        told = json.loads(request)["messages"]
        known = ("role", "content", "tool_calls", "tool_call_id")
        return as_messages([{name: each[name] for name in known if name in each} for each in told])
    return as_messages(prompt)


def _given(it: Mapping[str, Any]) -> Given:
    quality, source, judge, weight = (it.get(name) for name in ("quality", "source", "judge", "weight"))
    value = math.nan if quality in (None, "") else float(quality)
    if not (math.isnan(value) or 0 <= value <= 1):
        raise InputError(f"quality {value} is outside [0, 1]")
    if source not in (None, "", *SOURCES):
        raise InputError(f"label_source {source!r} is none of {', '.join(SOURCES)}")
    heavy = 1.0 if weight in (None, "") else float(weight)
    if not 0 < heavy < math.inf:
        raise InputError(f"label_weight {heavy} must be above 0")
    return Given(quality=value, source=source or "", judge=str(judge) if judge else None, weight=heavy)


def write_sheet(sheet: Sheet, labels: Mapping[int, Given], path: Path) -> None:
    """Write all rows of ``sheet``, with ``labels`` by row in their columns; other rows keep the label they had.

    The format goes by the name, as in :func:`read_sheet`. The file appears whole or not at all.

    Raises:
        InputError: the name has another ending, or the file cannot be written.
    """
    kept = {answer.row: answer.given for answer in sheet.answers}
    rows = [{**row, **_cells(labels.get(place, kept.get(place)))} for place, row in enumerate(sheet.rows)]
    write_rows(rows, path)


def _cells(given: Given | None) -> dict[str, Any]:
    if given is None:
        return dict.fromkeys(COLUMNS)
    if not given.known:
        # The weight stays: it says with which probability the answer was chosen, whoever labels it later.
        return {**dict.fromkeys(COLUMNS), "label_weight": given.weight}
    return dict(zip(COLUMNS, (given.quality, given.source, given.judge, given.weight), strict=True))


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write ``rows`` as .jsonl, .csv or .parquet, whole or not at all.

    Raises:
        InputError: the name has another ending, or the file cannot be written.
    """
    check_name(path)
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix.lower() == ".parquet":
            from pyarrow import parquet

            parquet.write_table(_table(rows, path), part)
        else:
            part.write_text(_as_text(rows, path.suffix.lower()), encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: it cannot be written ({error.strerror}); pass another --out") from None
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: a text holds a lone surrogate, which no file can ({error.reason})") from None
    finally:
        part.unlink(missing_ok=True)


def check_name(path: Path) -> None:
    """Refuse a file whose format its name does not tell, before work is done for it.

    Raises:
        InputError: the name ends in none of the known suffixes.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: its name must end in one of {', '.join(_SUFFIXES)}")


def _table(rows: Sequence[Mapping[str, Any]], path: Path) -> Any:
    """The rows as Arrow columns: the types that they have, and text for a column in which nothing stands."""
    import pyarrow as pa

    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        try:
            column = pa.array(values, pa.float64() if name in ("quality", "label_weight") else None)
        except pa.ArrowException:
            raise InputError(f"{path}: the column {name!r} mixes types, which Parquet cannot; write .jsonl") from None
        columns[name] = column.cast(pa.string()) if pa.types.is_null(column.type) else column
    return pa.table(columns)


def _as_text(rows: Sequence[Mapping[str, Any]], suffix: str) -> str:
    if suffix == ".jsonl":
        return "".join(json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _jsonl(path: Path) -> list[dict[str, Any]]:
    rows = []
    for place, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {place} is not JSON ({error})") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {place} is not a JSON object")
        rows.append(row)
    return rows


def _csv(path: Path) -> list[dict[str, Any]]:
    # Prompts and answers are fields too, and longer than what the csv module takes for reasonable.
    csv.field_size_limit(1 << 24)
    try:
        return list(csv.DictReader(_lines(path), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: it cannot be read as CSV ({error})") from None


def _lines(path: Path) -> Iterable[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from file
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: it is not UTF-8 ({error.reason}, byte {error.start}); convert it") from None


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (pa.ArrowException, OSError):
        raise InputError(f"{path}: it cannot be read as Parquet") from None
    return rows
