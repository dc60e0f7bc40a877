"""An SQLite file of one store: one connection a process, opened at the first use, for any thread."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from router.stores.per_process import PerProcess

Why = Literal["busy", "away", "unfit", "failed"]
"""Somebody else is writing for too long; it cannot be made, opened or written; what it holds is none of ours; other."""

_PAUSE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The tables of a file: the ``script`` that makes them, its ``version``, and what a file with others "is"."""

    version: int
    script: str
    another: str


@dataclass(slots=True)
class _Opened:
    """One process's connection, None before the first use."""

    connection: sqlite3.Connection | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class SqliteFile:
    """The file at ``path`` with the tables of ``schema``, or tables in each process's memory where ``path`` is None.

    A word with it waits ``timeout`` seconds at most for who is writing. ``synchronous`` is SQLite's: with "full" what
    was written outlives a power cut. ``fault`` makes the error that is raised, from what kind it is and a clause that
    follows upon the file's name.
    """

    def __init__(
        self,
        path: Path | None,
        schema: Schema,
        *,
        timeout: float,
        fault: Callable[[Why, str], Exception],
        synchronous: Literal["normal", "full"] = "normal",
    ) -> None:
        self._path, self._schema, self._timeout = path, schema, timeout
        self._fault, self._synchronous = fault, synchronous
        self._opened = PerProcess(_Opened)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, held by this thread; raises what ``fault`` makes."""
        opened = self._opened()
        if not opened.lock.acquire(timeout=self._timeout):
            raise self._busy()
        try:
            if opened.connection is None:
                opened.connection = self._open()
            yield opened.connection
        except sqlite3.Error as error:
            raise self._told(error) from error
        finally:
            opened.lock.release()

    def snapshot(self) -> AbstractContextManager[sqlite3.Connection]:
        """The same, which sees one state of the file throughout and waits for nobody who writes."""
        return self._transaction("BEGIN")

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """The same in one transaction, which nobody else writes at the same time as."""
        return self._transaction("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close this process's connection; the next use opens it again. What is in memory is lost."""
        opened = self._opened()
        with opened.lock:
            if opened.connection is not None:
                opened.connection.close()
                opened.connection = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.reading() as connection:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk ends it by itself
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._path is not None:
            self._make(self._path)
        connection = sqlite3.connect(
            self._path or ":memory:", timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        self._use_wal(connection)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _statements(self._schema.script):
                connection.execute(statement)
            version = self._schema.version
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
        if version != self._schema.version:
            raise self._fault("unfit", self._schema.another)

    def _make(self, path: Path) -> None:
        """Make an empty file that only its owner may read; SQLite gives its side files the same mode."""
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise self._fault("away", f"cannot be made ({error.strerror})") from None

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        until = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = wal")
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself for who is setting up the same new file.
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def _busy(self) -> Exception:
        return self._fault("busy", f"was in use for longer than {self._timeout:g} s")

    def _told(self, error: sqlite3.Error) -> Exception:
        if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self._busy()
        if _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return self._fault("unfit", "is damaged or no SQLite file")
        away = isinstance(error, sqlite3.OperationalError)
        return self._fault("away" if away else "failed", f"cannot be used ({error})")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _statements(script: str) -> Iterator[str]:
    """The statements one by one, since a script would end the transaction."""
    statement = ""
    for line in script.strip().splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
