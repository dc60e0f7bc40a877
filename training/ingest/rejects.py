"""Rows that were refused: what, where and why, in a file of one JSON object a line."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO

from router.errors import InputError
from router.ledger.redact import redact

Unit = Literal["line", "row", "decision"]

_SHOWN, _LOOKED_AT = 80, 4096


@dataclass(frozen=True, slots=True)
class Reject:
    """One refused row: its ``place`` (line or row number from 1, or decision), the field, the reason and the value.

    The reason names no value, so that equal reasons can be counted.
    """

    place: int | str
    field: str
    reason: str
    value: object = None

    def as_dict(self, unit: Unit) -> dict[str, Any]:
        """The reject for JSON; the value is shortened, and keys in it are redacted."""
        return {unit: self.place, "field": self.field, "reason": self.reason, "value": shown(self.value)}


class RefusedError(ValueError):
    """A field that a row cannot be taken with; caught by whoever knows the row."""

    def __init__(self, field: str, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.field, self.reason, self.value = field, reason, value

    def at(self, place: int | str) -> Reject:
        """Return the reject for the row at ``place``."""
        return Reject(place, self.field, self.reason, self.value)


def shown(value: object) -> str | float | None:
    """``value`` as a person may see it: at most 80 characters, without what looks like a key."""
    if value is None or isinstance(value, bool | int | float):
        return value if value is None or abs(value) < 1e300 else repr(value)
    text = value if isinstance(value, str) else f"a {type(value).__name__}"
    text = redact(text[:_LOOKED_AT])
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class Rejects:
    """Counts refused rows by field and reason, and writes them to ``path``, if any; no reject leaves no file there."""

    def __init__(self, path: Path | None, *, unit: Unit) -> None:
        self.path = path
        self.unit: Unit = unit
        self.counts: Counter[tuple[str, str]] = Counter()
        self._file: TextIO | None = None

    @property
    def total(self) -> int:
        """How many were refused."""
        return self.counts.total()

    def add(self, reject: Reject) -> None:
        """Count and write one.

        Raises:
            InputError: the file cannot be written.
        """
        self.counts[reject.field, reject.reason] += 1
        if self.path is None:
            return
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8")
            self._file.write(json.dumps(reject.as_dict(self.unit)) + "\n")
        except OSError as error:
            raise InputError(
                f"{self.path}: refused rows cannot be written there ({error.strerror}); choose another place"
            ) from None

    def __enter__(self) -> Self:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
