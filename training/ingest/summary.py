"""What became of a log's rows, for people and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How many rows were refused for one reason in one field."""

    field: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of the rows.

    ``rows`` were read, of them ``rejected`` refused, ``skipped`` passed over on purpose (by reason), ``duplicates``
    said what another had said, and of ``estimated`` the tokens were estimated. ``notes`` are sentences that whoever
    uses the data should read.
    """

    rows: int
    rejected: int
    refusals: tuple[Refusals, ...]
    skipped: Mapping[str, int]
    duplicates: int
    estimated: int
    queries: int
    splits: Mapping[str, int]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The summary for JSON."""
        return asdict(self)

    def sentences(self) -> tuple[str, ...]:
        """The summary in sentences, one a line."""
        shares = ", ".join(f"{count:,} {name}" for name, count in self.splits.items())
        lines = [f"{self.rows:,} rows read, {self.queries:,} queries kept ({shares})."]
        if self.duplicates:
            lines.append(f"{self.duplicates:,} rows repeat what another says.")
        lines += [f"{count:,} passed over: {reason}." for reason, count in self.skipped.items()]
        if self.rejected:
            lines.append(f"{self.rejected:,} rows refused ({self.rejected / self.rows:.1%}):")
            lines += [f"  {each.rows:,} for {each.field}: {each.reason}" for each in self.refusals]
        return (*lines, *self.notes)
