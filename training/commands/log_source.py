"""What ``--data`` names: a log, or a ledger."""

from __future__ import annotations

from pathlib import Path

from router.config import Config
from router.errors import InputError
from router.ledger import Ledger
from router.planning import ledger_of

_SQLITE = b"SQLite format 3\0"


def source_of(data: str | None, settings: Config) -> Path | Ledger:
    """The path of a log, or the ledger that ``data``, a file or a URL, or else the configuration names; not opened.

    Raises:
        InputError: nothing is named, and the configuration switches the ledger off.
    """
    if data is None:
        ledger = ledger_of(settings)
        if ledger is None:
            raise InputError("the ledger is switched off in the configuration; pass the labelled logs with --data")
        return ledger
    return Ledger(data) if "://" in data or _is_sqlite(Path(data)) else Path(data)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False
