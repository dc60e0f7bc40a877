"""Cached answers in an SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from router.errors import CacheError
from router.stores import listed
from router.stores.answers import PASSING, Claim, Stock, Unreachable
from router.stores.sqlite_file import Schema, SqliteFile, Why

_PAGE = 200
_SCHEMA = Schema(
    version=1,
    another="is no cache of this version of tierwise",
    script="""
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, made REAL NOT NULL, expires REAL NOT NULL);
CREATE INDEX entries_made ON entries (made);
CREATE INDEX entries_expires ON entries (expires);
CREATE TABLE leases (key TEXT PRIMARY KEY, token BLOB NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE held (entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO held VALUES (0, 0);
CREATE TRIGGER entry_in AFTER INSERT ON entries BEGIN
    UPDATE held SET entries = entries + 1, bytes = bytes + length(NEW.value);
END;
CREATE TRIGGER entry_out AFTER DELETE ON entries BEGIN
    UPDATE held SET entries = entries - 1, bytes = bytes - length(OLD.value);
END;
""",
)


class SqliteAnswers:
    """Answers in a file, at most so many entries and bytes of them: the oldest go first.

    A word with the file waits ``timeout`` seconds at most for who is writing. ``clock`` counts from the epoch.
    """

    waits = True

    def __init__(
        self, path: Path, *, max_entries: int, max_bytes: int, timeout: float, clock: Callable[[], float]
    ) -> None:
        self._path, self._clock = path, clock
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._file = SqliteFile(path, _SCHEMA, timeout=timeout, fault=self._fault)

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out."""
        with self._file.reading() as connection:
            return self._entry(connection, key)

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        with self._file.writing() as connection:
            value = self._entry(connection, key)
            if value is not None and value != seen:
                return Claim(value=value)
            now = self._clock()
            lease = connection.execute("SELECT token FROM leases WHERE key = ? AND expires > ?", (key, now)).fetchone()
            if lease is not None:
                return Claim(busy=lease[0] != PASSING)
            self._lease(connection, key, token.encode(), now + seconds)
            return Claim(granted=True)

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        with self._file.writing() as connection:
            if token is not None:
                connection.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token.encode()))
            now = self._clock()
            connection.execute("DELETE FROM entries WHERE key = ? OR expires <= ?", (key, now))
            connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", (key, value, now, now + ttl))
            self._bound(connection)

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        with self._file.writing() as connection:
            now = self._clock()
            connection.execute("DELETE FROM leases WHERE expires <= ?", (now,))
            mine = (key, token.encode())
            ended = connection.execute("DELETE FROM leases WHERE key = ? AND token = ?", mine).rowcount
            if ended and passing > 0:
                self._lease(connection, key, PASSING, now + passing)

    def clear(self, tag: str | None, value: str | None) -> int:
        """Forget the entries whose request's ``tag`` was ``value``, all without one; how many they were."""
        return listed.clear(self, tag, value)

    def stock(self) -> Stock:
        """What it holds."""
        return listed.stock(self)

    def scan(self) -> Iterator[tuple[str, bytes]]:
        """Every entry, in no order, a page in memory at a time."""
        last = ""
        while True:
            with self._file.reading() as connection:
                page = connection.execute(
                    "SELECT key, value FROM entries WHERE key > ? AND expires > ? ORDER BY key LIMIT ?",
                    (last, self._clock(), _PAGE),
                ).fetchall()
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the entries of ``keys``."""
        with self._file.writing() as connection:
            connection.executemany("DELETE FROM entries WHERE key = ?", [(key,) for key in keys])

    def close(self) -> None:
        """Close this process's connection; the next use opens it again."""
        self._file.close()

    def _entry(self, connection: sqlite3.Connection, key: str) -> bytes | None:
        found = connection.execute(
            "SELECT value FROM entries WHERE key = ? AND expires > ?", (key, self._clock())
        ).fetchone()
        return None if found is None else bytes(found[0])

    @staticmethod
    def _lease(connection: sqlite3.Connection, key: str, token: bytes, until: float) -> None:
        connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (key, token, until))

    def _bound(self, connection: sqlite3.Connection) -> None:
        """Drop the oldest entries until the file holds what it may."""
        while True:
            entries, size = connection.execute("SELECT entries, bytes FROM held").fetchone()
            if entries <= self._max_entries and size <= self._max_bytes:
                return
            some = max(entries - self._max_entries, 1)
            connection.execute(
                "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries ORDER BY made, rowid LIMIT ?)", (some,)
            )

    def _fault(self, why: Why, told: str) -> CacheError:
        if why == "busy":  # not unreachable: the writer is on this machine, and done in a moment
            return CacheError(f"the file {self._path} {told}")
        mend = "; delete it, or name another" if why == "unfit" else ""
        return Unreachable(f"the file {self._path} {told}{mend}")
