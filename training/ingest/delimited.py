"""CSV: a header, then a record a line, or several lines where a quoted field goes on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from router.errors import InputError
from training.ingest.lines import FIELDS_PER_LINE, Line, lines_of, text_of, too_large
from training.ingest.raw import Raw, Rows
from training.ingest.rejects import RefusedError, Reject

DELIMITERS = ",\t;"


@dataclass(frozen=True, slots=True)
class _Record:
    number: int
    text: bytes
    whole: bool
    open: bool = False


def read_csv(path: Path, *, field_limit: int) -> Rows:
    """Yield each record by the header's names, or why there is none.

    Fields are separated by commas, tabs or semicolons, whichever the header has most of.

    Raises:
        InputError: the header is missing, not UTF-8, or names a column twice; or a quoted field never ends.
    """
    # The module's own limit is for the process, and lower than what we allow.
    csv.field_size_limit(max(csv.field_size_limit(), field_limit * FIELDS_PER_LINE))
    lines = lines_of(path, field_limit=field_limit)
    first = next(lines, None)
    if first is None:
        raise InputError(f"{path}: the file is empty; pass a file with labelled answers")
    names, delimiter = _header(path, first)
    for record in _records(lines, delimiter.encode(), field_limit * FIELDS_PER_LINE):
        if record.open:
            raise InputError(
                f"{path}: line {record.number}: a quoted field begins there that never ends, so the rest of the file "
                "cannot be read; close the quote"
            )
        try:
            if not record.whole:
                raise too_large(_last(record, names, delimiter.encode()), field_limit)
            values = next(csv.reader([text_of(record.text).rstrip("\r\n")], delimiter=delimiter), [])
            if not values:
                continue
            if len(values) == len(names):
                yield Raw(record.number, dict(zip(names, values, strict=True)))
            else:
                reason = f"it has another number of fields than the header's {len(names)}"
                yield Reject(record.number, "line", reason, len(values))
        except RefusedError as refused:
            yield refused.at(record.number)
        except csv.Error as error:
            yield RefusedError("line", f"it is not CSV ({error})").at(record.number)


def _header(path: Path, line: Line) -> tuple[list[str], str]:
    if not line.whole:
        raise InputError(f"{path}: line 1 is too long for a header; is this a CSV, JSONL or Parquet file?")
    try:
        text = text_of(line.bytes).rstrip("\r\n")
    except RefusedError as refused:
        raise InputError(f"{path}: line 1: {refused.reason} ({refused.value})") from None
    delimiter = max(DELIMITERS, key=text.count)
    names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
    twice = [name for name, times in Counter(names).items() if times > 1 and name]
    if twice:
        raise InputError(f"{path}: the header names the column {twice[0]!r} twice; rename one of them")
    return names, delimiter


def _records(lines: Iterator[Line], delimiter: bytes, most: int) -> Iterator[_Record]:
    """Put lines together until no quoted field is open; of a record that is too long, the head."""
    parts: list[bytes] = []
    start, size, whole, inside = 0, 0, True, False
    for line in lines:
        start = start if parts else line.number
        inside = _open_after(line.bytes, delimiter, inside=inside)
        if not line.whole:
            # Inside quotes or not, an odd number of them in what was passed over changes it.
            inside = inside != (line.quotes % 2 == 1)
        size += len(line.bytes)
        parts.append(line.bytes if whole else b"")
        whole = whole and line.whole and size <= most
        if not inside:
            yield _Record(start, b"".join(parts), whole)
            parts, size, whole = [], 0, True
    if parts:
        yield _Record(start, b"", whole, open=True)


def _last(record: _Record, names: list[str], delimiter: bytes) -> str:
    """Return the column that the head of a record which is too long breaks off in."""
    head, place, column = record.text, 0, 0
    while True:
        if head.startswith(b'"', place):
            place = head.find(b'"', place + 1)
            while place >= 0 and head.startswith(b'""', place):
                place = head.find(b'"', place + 2)
        place = head.find(delimiter, place) if place >= 0 else -1
        if place < 0:
            return names[column] if column < len(names) else "line"
        place += 1
        column += 1


def _open_after(line: bytes, delimiter: bytes, *, inside: bool) -> bool:
    """Whether a quoted field is open at the end of ``line``; a quote opens one only where a field begins."""
    place = 0
    if not inside and line.startswith(b'"'):
        inside, place = True, 1
    while True:
        if not inside:
            place = line.find(delimiter + b'"', place)
            if place < 0:
                return False
            place += 2
            inside = True
        close = line.find(b'"', place)
        if close < 0:
            return True
        place = close + 1
        if line[place : place + 1] == b'"':
            place += 1
        else:
            inside = False
