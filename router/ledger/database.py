"""One process's connections to the ledger's database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from router.errors import LedgerError
from router.ledger import faults, migrations
from router.ledger.codec import Rows
from router.ledger.location import Location

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, PoolProxiedConnection

Durability = Literal["process", "power"]

# Any number will do as long as every process takes the same; it spells "tierwise".
_MIGRATION_LOCK = int.from_bytes(b"tierwise", "big") >> 1


class Database:
    """Opens, migrates and checks the database, and writes rows in transactions.

    ``write`` is called by one thread at a time (the leader of the group commit); the rest is safe from any.
    """

    def __init__(self, location: Location, *, durability: Durability) -> None:
        self.location = location
        self.durability = durability
        self._lock = threading.RLock()
        self._engine: Engine | None = None
        self._writer: _Writer | None = None
        self._checked = False

    def open(self) -> None:
        """Create, migrate and check the ledger, and see that it can be written.

        Raises:
            LedgerError: it cannot be opened or written, or a newer tierwise wrote it.
            Exception: what the driver raised.
        """
        with self._lock:
            if self._writer is not None:
                return
            if self.location.path is not None:
                _create(self.location.path)
            engine = self._connectable()
            with engine.connect() as connection:
                if self.location.path is not None:
                    _use_wal(connection)
                self._migrate(connection)
            self._writer = _Writer(engine, self.location.path)
            self._checked = True

    def write(self, batch: Sequence[Rows]) -> list[Exception | None]:
        """Commit the batch in one transaction; for each item, None or why that one was not committed.

        A decision whose id is there already is left as it is.

        Raises:
            LedgerError: as :meth:`open`.
            Exception: what the driver raised, and no item was committed.
        """
        try:
            self._ready().transact(batch)
        except Exception as error:
            if self._lost(error):
                self.close()
                self._ready().transact(batch)
            elif len(batch) == 1 or faults.is_shared(error):
                raise
            else:
                return [self._alone(rows) for rows in batch]
        return [None] * len(batch)

    def _alone(self, rows: Rows) -> Exception | None:
        try:
            self._ready().transact((rows,))
        except Exception as error:  # noqa: BLE001 - the caller whose row this is raises it
            return error
        return None

    def _ready(self) -> _Writer:
        writer = self._writer
        if writer is not None and writer.is_current():
            return writer
        self.close()
        self.open()
        assert self._writer is not None
        return self._writer

    def _lost(self, error: Exception) -> bool:
        """Whether the server closed the connection, which a new one may mend."""
        return self._writer is not None and self.location.path is None and self._writer.is_lost(error)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Lend a connection that sees one state of the ledger throughout, and changes nothing.

        Raises:
            LedgerError: there is no ledger, or a newer tierwise wrote it.
            Exception: what the driver raised.
        """
        if self.location.path is not None and not self.location.path.exists():
            raise LedgerError(
                f"there is no ledger at {self.location.name}; it is made when the first request is routed"
            )
        with self._lock:
            engine = self._connectable()
        with engine.connect() as connection:
            if not self._checked:
                self._check(connection)
            snapshot = "BEGIN" if self.location.path else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            connection.exec_driver_sql(snapshot)
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        with self._lock:
            writer, self._writer = self._writer, None
            engine, self._engine = self._engine, None
            self._checked = False
        if writer is not None:
            writer.close()
        if engine is not None:
            engine.dispose()

    def _connectable(self) -> Engine:
        if self._engine is None:
            self._engine = _engine(self.location, self.durability)
        return self._engine

    def _check(self, connection: Connection) -> None:
        at = self._version(connection)
        if at is None:
            raise LedgerError(
                f"there is no ledger in {self.location.name}; it is made when the first request is routed"
            )
        if at < len(migrations.MIGRATIONS):
            self.open()
        self._checked = True

    def _version(self, connection: Connection) -> int | None:
        try:
            at = migrations.version(connection)
        except ValueError as error:
            raise LedgerError(
                f"ledger {self.location.name}: this database is not a ledger, because {error}; choose another"
            ) from None
        known = len(migrations.MIGRATIONS)
        if at is not None and at > known:
            raise LedgerError(
                f"ledger {self.location.name}: a newer tierwise wrote it (schema {at}, this one knows {known}); "
                "upgrade tierwise"
            )
        return at

    def _migrate(self, connection: Connection) -> None:
        """Bring the schema up to date, in a transaction that processes enter one at a time.

        It is begun even where nothing is to do, because that shows whether the ledger can be written.
        """
        connection.exec_driver_sql("BEGIN IMMEDIATE" if self.location.path else "BEGIN READ WRITE")
        try:
            if self.location.path is None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            at = self._version(connection)
            if at is None or at < len(migrations.MIGRATIONS):
                migrations.migrate(connection, at=at)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(Exception):
                connection.exec_driver_sql("ROLLBACK")
            raise


class _Writer:
    """The connection that rows are written on, with its statements compiled.

    It goes below SQLAlchemy's connection, whose work per statement costs more than SQLite's.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        from router.ledger.schema import inserts

        self._path = path
        self._file = None if path is None else _identity(path)
        self._begin = "BEGIN" if path is None else "BEGIN IMMEDIATE"
        self._sql = inserts(engine.dialect)
        self._dialect = engine.dialect
        self._connection: PoolProxiedConnection = engine.raw_connection()
        self._cursor: Any = self._connection.cursor()

    def is_current(self) -> bool:
        """Whether the file is still the one that was opened; rows written to a deleted file would be lost."""
        return self._path is None or _identity(self._path) == self._file

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
        with suppress(Exception):
            self._connection.close()


def _engine(location: Location, durability: Durability) -> Engine:
    from sqlalchemy import create_engine, event

    if location.path is None:
        try:
            engine = create_engine(
                location.url,
                isolation_level="AUTOCOMMIT",
                hide_parameters=True,
                paramstyle="format",
                pool_pre_ping=True,
            )
        except ModuleNotFoundError:
            raise LedgerError(
                f"ledger {location.name}: the PostgreSQL driver is missing; pip install 'tierwise[postgres]'"
            ) from None
        setting = "SET synchronous_commit = on" if durability == "power" else None
    else:
        engine = create_engine(
            location.url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"timeout": faults.BUSY_SECONDS, "check_same_thread": False},
        )
        setting = f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}"

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        if setting is not None:
            cursor = connection.cursor()
            cursor.execute(setting)
            cursor.close()

    return engine


def _create(path: Path) -> None:
    """Make an empty file that only its owner may read; SQLite gives its side files the same mode."""
    if not path.parent.is_dir():
        raise LedgerError(f"ledger {path}: the directory {path.parent} does not exist; create it")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise LedgerError(
            f"ledger {path}: the file cannot be made ({error.strerror}); make {path.parent} writable"
        ) from None


def _use_wal(connection: Connection) -> None:
    """Switch a new file to write-ahead logging, in which readers and the writer do not wait for each other."""
    from sqlalchemy.exc import OperationalError

    until = time.monotonic() + faults.BUSY_SECONDS
    while connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = wal")
        except OperationalError as error:
            # SQLite does not wait for this lock by itself.
            if not faults.is_shared(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino
