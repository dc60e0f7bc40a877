"""What went wrong with a database, in one sentence that says what to do."""

from __future__ import annotations

import sqlite3

from router.ledger.codec import Unreadable

BUSY_SECONDS = 30.0
"""How long a writer waits for other processes to finish theirs."""

_READ_ONLY = "it cannot be written, because the file, its directory or the disk is read-only; make them writable"
_FULL = "the disk is full; free some space"
_DAMAGED = (
    "it is damaged or no ledger; move it away to start a new one, or restore it from a backup or `sqlite3 .recover`"
)
_REFUSED = "the server refuses this user; check the name and the password in the URL"

_SQLITE = {
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that you may read and write it and its directory",
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: f"other processes kept it locked for {BUSY_SECONDS:.0f} s; find out which one holds it open",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write it; check the disk, its free space and its quota",
    sqlite3.SQLITE_TOOBIG: 'the decision is too large to store; keep less of it with `keep = "hash"`',
}

_POSTGRES = {
    "28P01": _REFUSED,
    "28000": _REFUSED,
    "3D000": "the server has no such database; create it with `createdb`",
    "42501": "this user may not create or write its tables; grant it CREATE on the schema",
    "25006": "the server is read-only, perhaps a standby; give the primary's URL",
    "53100": _FULL,
    "53300": "the server has no connection left; raise its max_connections",
    "55P03": "other processes kept it locked; find out which one holds it",
}


def sentence(error: BaseException) -> str:
    """Name the cause of ``error`` and the remedy, without the ledger's name and without the data that was written."""
    if isinstance(error, Unreadable):
        return f"{error}; restore it from a backup, or delete that row"
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _SQLITE:
        return _SQLITE[code & 0xFF]
    state = getattr(cause, "sqlstate", None)
    if state in _POSTGRES:
        return _POSTGRES[state]
    said = next(iter(str(cause).strip().splitlines()), "") or type(cause).__name__
    if type(cause).__module__.startswith("psycopg") and state is None:
        return f"the server cannot be reached ({said}); start it, or check host and port in the URL"
    if isinstance(cause, sqlite3.Error) or state is not None:
        return f"the database says: {said}"
    return f"this decision cannot be stored ({type(cause).__name__}: {said})"


def is_shared(error: BaseException) -> bool:
    """Whether every other row would fail the same way, so that trying them one by one is no use."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
            sqlite3.SQLITE_READONLY,
        )
    return type(cause).__module__.startswith("psycopg") and getattr(cause, "sqlstate", None) is None
