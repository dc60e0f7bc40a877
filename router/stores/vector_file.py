"""An SQLite file of vectors: one connection a process, opened at the first use, for any thread."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from router.errors import CacheError

VERSION = 1
"""Of the tables."""

_TABLES = (
    # AUTOINCREMENT, so that no number comes twice: whoever has read up to one asks for those beyond it.
    """
    CREATE TABLE near (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, shelf TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
        UNIQUE (shelf, key)
    )
    """,
    "CREATE TABLE clears (count INTEGER NOT NULL)",
    "INSERT INTO clears VALUES (0)",
    "CREATE TABLE embedded (hash BLOB PRIMARY KEY, vector BLOB NOT NULL, made INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX embedded_made ON embedded (made)",
)


@dataclass(slots=True)
class _Opened:
    connection: sqlite3.Connection | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class VectorFile:
    """The file at ``path``; a word with it waits ``timeout`` seconds at most for who is writing."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        self.path, self._timeout = path, timeout
        # A process that was forked must not touch its parent's connection, not even to close it.
        self._by_process: dict[int, _Opened] = {}

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, held by this thread.

        Raises:
            CacheError: the file cannot be opened, read or written, with a clause on why.
        """
        opened = self._by_process.setdefault(os.getpid(), _Opened())
        if not opened.lock.acquire(timeout=self._timeout):
            raise CacheError(f"the file {self.path} gave no answer within {self._timeout:g} s")
        try:
            if opened.connection is None:
                opened.connection = self._open()
            yield opened.connection
        except sqlite3.Error as error:
            raise self._fault(error) from error
        finally:
            opened.lock.release()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same, in one transaction."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close this process's connection; the next use opens it again."""
        opened = self._by_process.setdefault(os.getpid(), _Opened())
        with opened.lock:
            if opened.connection is not None:
                opened.connection.close()
                opened.connection = None

    def _open(self) -> sqlite3.Connection:
        try:
            # Only its owner may read it; SQLite gives its side files the same mode.
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise CacheError(f"the file {self.path} cannot be made ({error.strerror})") from None
        connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute("PRAGMA synchronous = normal")
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
                version = VERSION
            connection.execute("COMMIT")
            self._check(version)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, version: int) -> None:
        if version != VERSION:
            raise CacheError(f"the file {self.path} holds no vectors of this version; delete it, or name another")

    def _fault(self, error: sqlite3.Error) -> CacheError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return CacheError(f"the file {self.path} was in use for longer than {self._timeout:g} s")
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return CacheError(f"the file {self.path} is damaged or no SQLite file; delete it, or name another")
        return CacheError(f"the file {self.path}: {error}")
