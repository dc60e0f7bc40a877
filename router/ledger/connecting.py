"""How to reach SQLite and PostgreSQL, and how to set them up."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from router.errors import LedgerError
from router.ledger import faults
from router.ledger.location import Location

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Durability = Literal["process", "power"]

# Fewer, larger checkpoints (16 MB of log instead of 4) take a quarter off the mean cost of an append.
_CHECKPOINT_PAGES = 4000


def connect(location: Location, durability: Durability) -> Engine:
    """Make the engine for ``location``, whose connections leave transactions to us; nothing is opened yet.

    Raises:
        LedgerError: the database's driver is not installed.
    """
    from sqlalchemy import NullPool, create_engine, event

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
        settings = ["SET synchronous_commit = on"] if durability == "power" else []
    else:
        engine = create_engine(
            location.url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            # A pooled connection would go on reading a file that has been replaced.
            poolclass=NullPool,
            connect_args={"timeout": faults.BUSY_SECONDS, "check_same_thread": False},
        )
        settings = [
            f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}",
            f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        ]

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for setting in settings:
            cursor.execute(setting)
        cursor.close()

    return engine


def create_file(path: Path) -> None:
    """Make an empty file that only its owner may read; SQLite gives its side files the same mode.

    Raises:
        LedgerError: the directory is missing or not writable.
    """
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


def use_wal(connection: Connection) -> None:
    """Switch a new file to write-ahead logging, in which readers and the writer do not wait for each other."""
    from sqlalchemy.exc import OperationalError

    until = time.monotonic() + faults.BUSY_SECONDS
    while True:
        try:
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                connection.exec_driver_sql("PRAGMA journal_mode = wal")
        except OperationalError as error:
            # SQLite does not wait for this lock by itself.
            if not faults.is_shared(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return
