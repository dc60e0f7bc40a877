"""The connection that rows are written on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.decision import ANSWERED
from router.errors import InputError
from router.ledger.codec import Rows
from router.ledger.label import LabelRow

if TYPE_CHECKING:
    from sqlalchemy import Engine, PoolProxiedConnection


Item = Rows | LabelRow
"""What is written in one piece: a decision with its attempts, or a label."""


class Writer:
    """The connection that rows are written on, with its statements compiled.

    It goes below SQLAlchemy's connection, whose work per statement costs more than SQLite's.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        from router.ledger.schema import statements

        self._path = path
        self._file = None if path is None else identity(path)
        self._begin = "BEGIN" if path is None else "BEGIN IMMEDIATE"
        self._sql = statements(engine.dialect)
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

    def transact(self, batch: Sequence[Item]) -> None:
        """Write the items in one transaction, or none of them.

        Raises:
            InputError: a label is for an answer that the ledger does not have.
            Exception: what the driver raised.
        """
        execute = self._cursor.execute
        try:
            execute(self._begin)
            for item in batch:
                if isinstance(item, LabelRow):
                    self._label(item)
                else:
                    self._decision(item)
            execute("COMMIT")
        except BaseException:
            # A lost connection cannot roll back, and need not: the error that lost it is the one to raise.
            with suppress(Exception):
                self._connection.rollback()
            raise

    def _decision(self, rows: Rows) -> None:
        self._cursor.execute(self._sql.decision, rows.decision)
        if self._cursor.rowcount == 1 and rows.attempts:
            self._cursor.executemany(self._sql.attempt, rows.attempts)

    def _label(self, row: LabelRow) -> None:
        decision_id, tier = row.values[:2]
        self._cursor.execute(self._sql.verdicts, (decision_id,))
        verdicts = dict(self._cursor.fetchall())
        if verdicts.get(tier) not in ANSWERED:
            raise InputError(
                _unknown(decision_id, tier, [name for name, verdict in verdicts.items() if verdict in ANSWERED])
            )
        self._cursor.execute(self._sql.label, row.values)

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        with suppress(Exception):
            self._connection.close()


def _unknown(decision_id: str, tier: str, answered: Sequence[str]) -> str:
    """Say why a label cannot be kept; a decision without attempts is as good as none."""
    if not answered:
        return f"the ledger has no decision {decision_id!r} with an answer, so there is nothing to label"
    return f"in decision {decision_id!r} tier {tier!r} gave no answer to label; {', '.join(answered)} did"


def identity(path: Path) -> tuple[int, int] | None:
    """Tell which file lies at ``path``, None when there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino
