"""One process's connections to the ledger's database."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from router.errors import LedgerError
from router.ledger import faults, migrations
from router.ledger.connecting import Durability, connect, create_file, use_wal
from router.ledger.location import Location
from router.ledger.writer import Item, Writer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

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
        self._writing = threading.RLock()
        self._engine: Engine | None = None
        self._writer: Writer | None = None
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
                create_file(self.location.path)
            engine = self._connectable()
            with engine.connect() as connection:
                if self.location.path is not None:
                    use_wal(connection)
                self._migrate(connection)
            self._writer = Writer(engine, self.location.path)
            self._checked = True

    def write(self, batch: Sequence[Item]) -> list[Exception | None]:
        """Commit the batch in one transaction; for each item, None or why that one was not committed.

        A decision whose id is there already is left as it is, a label whose key is there already is replaced.

        Raises:
            LedgerError: as :meth:`open`.
            Exception: what the driver raised, and no item was committed.
        """
        with self._writing:
            try:
                self._ready().transact(batch)
            except Exception as error:
                if self._lost(error):
                    self.close()
                    self._ready().transact(batch)
                elif len(batch) == 1 or faults.is_shared(error):
                    raise
                else:
                    return [self._alone(item) for item in batch]
        return [None] * len(batch)

    def _alone(self, item: Item) -> Exception | None:
        try:
            self._ready().transact((item,))
        except Exception as error:  # noqa: BLE001 - the caller whose item this is raises it
            return error
        return None

    def _ready(self) -> Writer:
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
        with self._writing:
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
            self._engine = connect(self.location, self.durability)
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

        Where nothing is to do, it still shows whether the ledger can be written.
        """
        connection.exec_driver_sql("BEGIN IMMEDIATE" if self.location.path else "BEGIN")
        try:
            if self.location.path is None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            at = self._version(connection)
            if at is None or at < len(migrations.MIGRATIONS):
                migrations.migrate(connection, at=at)
            for table in ("decisions", "attempts", "labels"):
                connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0")  # noqa: S608
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(Exception):
                connection.exec_driver_sql("ROLLBACK")
            raise
