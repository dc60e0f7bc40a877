"""The connection that rows are written on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.ledger.codec import Rows

if TYPE_CHECKING:
    from sqlalchemy import Engine, PoolProxiedConnection


class Writer:
    """The connection that rows are written on, with its statements compiled.

    It goes below SQLAlchemy's connection, whose work per statement costs more than SQLite's.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        from router.ledger.schema import inserts

        self._path = path
        self._file = None if path is None else identity(path)
        self._begin = "BEGIN" if path is None else "BEGIN IMMEDIATE"
        self._sql = inserts(engine.dialect)
        self._dialect = engine.dialect
        self._connection: PoolProxiedConnection = engine.raw_connection()
        self._cursor: Any = self._connection.cursor()

    def is_current(self) -> bool:
        """Whether the file is still the one that was opened; rows written to a deleted file would be lost."""
        return self._path is None or identity(self._path) == self._file

    def is_lost(self, error: Exception) -> bool:
        """Whether ``error`` says that the server closed the connection."""
        driver: Any = self._dialect.loaded_dbapi
        return isinstance(error, driver.Error) and self._dialect.is_disconnect(
            error, self._connection.driver_connection, self._cursor
        )

    def transact(self, batch: Sequence[Rows]) -> None:
        """Write the rows in one transaction, or none of them."""
        execute = self._cursor.execute
        try:
            execute(self._begin)
            for rows in batch:
                execute(self._sql.decision, rows.decision)
                if self._cursor.rowcount == 1 and rows.attempts:
                    self._cursor.executemany(self._sql.attempt, rows.attempts)
            execute("COMMIT")
        except BaseException:
            # A lost connection cannot roll back, and need not: the error that lost it is the one to raise.
            with suppress(Exception):
                self._connection.rollback()
            raise

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        with suppress(Exception):
            self._connection.close()


def identity(path: Path) -> tuple[int, int] | None:
    """Tell which file lies at ``path``, None when there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino
