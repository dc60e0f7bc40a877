"""Where answers to label come from, and where their labels go: a file, or the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.ledger import Ledger
from training.label.answer import Given
from training.label.logged import keep_labels, sheet_from
from training.label.sheet import Sheet, check_name, read_sheet, write_sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A ``sheet`` of answers; labels are written to the file ``out`` and into the ``ledger`` that they came from."""

    sheet: Sheet
    out: Path | None
    ledger: Ledger | None

    def keep(self, labels: Mapping[int, Given], *, now: float) -> dict[str, Any]:
        """Write the labels, by row; say where. ``now`` is in seconds since the epoch.

        An unclear label takes nothing away: the row keeps the label that it had.

        Raises:
            InputError, LedgerError: they cannot be written.
        """
        known = {row: given for row, given in labels.items() if given.known}
        kept = 0 if self.ledger is None else keep_labels(self.ledger, self.sheet, known, created=now)
        if self.out is not None:
            write_sheet(self.sheet, known, self.out)
        return {"out": None if self.out is None else str(self.out), "kept_in_ledger": kept}


def source_of(data: Path | None, ledger: Ledger | None, *, out: Path | None) -> Source:
    """Read the answers from the file ``data`` or from the ``ledger``.

    Raises:
        InputError: neither or both are given, a file has nowhere to go, or the answers cannot be read.
        LedgerError: the ledger cannot be read.
    """
    if (data is None) == (ledger is None):
        raise InputError("pass the answers to label with --data FILE, or --ledger for the ledger's")
    if out is not None:
        check_name(out)
    if data is not None:
        if out is None:
            raise InputError("pass --out, the file for the rows with their labels")
        return Source(sheet=read_sheet(data), out=out, ledger=None)
    assert ledger is not None
    return Source(sheet=sheet_from(ledger), out=out, ledger=ledger)
