"""The lines of a text file, one at a time, whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from training.ingest.rejects import RefusedError

_BOM = b"\xef\xbb\xbf"
_CHUNK = 2**16

FIELDS_PER_LINE = 8
"""A line may be as long as so many of the largest fields; beyond that it is passed over without being held."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end, by number from 1. ``whole`` is false when it was too long and ``bytes`` is its head."""

    number: int
    bytes: bytes
    whole: bool
    quotes: int
    """How many double quotes stand in what was passed over."""


def lines_of(path: Path, *, field_limit: int) -> Iterator[Line]:
    """Yield the lines of a file; of a line that is too long, only its head is ever in memory."""
    most = field_limit * FIELDS_PER_LINE
    with path.open("rb") as file:
        number = 0
        while head := file.readline(most + 1):
            number += 1
            whole = len(head) <= most or head.endswith(b"\n")
            quotes = 0 if whole else _pass_over(file)
            if number == 1:
                head = head.removeprefix(_BOM)
            yield Line(number, head, whole, quotes)


def _pass_over(file: BinaryIO) -> int:
    quotes = 0
    while chunk := file.readline(_CHUNK):
        quotes += chunk.count(b'"')
        if chunk.endswith(b"\n"):
            break
    return quotes


def text_of(line: bytes) -> str:
    """Decode UTF-8.

    Raises:
        RefusedError: it is not; names the byte, counted from 1.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} of the line is 0x{line[error.start]:02x}"
        raise RefusedError("line", "it is not UTF-8; convert the file", found) from None


def too_large(field: str, limit: int) -> RefusedError:
    """Return the refusal of a field of more than ``limit`` bytes."""
    return RefusedError(field, f"it is larger than the limit of {limit:,} bytes")
