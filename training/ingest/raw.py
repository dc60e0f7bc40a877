"""One row as a file has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training.ingest.rejects import Reject


@dataclass(frozen=True, slots=True)
class Raw:
    """The values of one row by column, and its ``place``: line or row number from 1."""

    place: int
    values: Mapping[str, Any]


Rows = Iterator[Raw | Reject]
