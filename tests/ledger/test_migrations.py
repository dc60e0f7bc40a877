from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from router.errors import LedgerError
from router.ledger import Ledger, migrations
from router.ledger.codec import ATTEMPT_COLUMNS, DECISION_COLUMNS
from tests.ledger.samples import decision


def execute(path: Path, *statements: str) -> list[tuple[object, ...]]:
    raw = sqlite3.connect(path)
    found: list[tuple[object, ...]] = []
    for statement in statements:
        found = raw.execute(statement).fetchall()
    raw.commit()
    raw.close()
    return found


def columns(path: Path, table: str) -> tuple[object, ...]:
    return tuple(row[1] for row in execute(path, f"PRAGMA table_info({table})"))


def test_the_migrated_schema_is_what_the_codec_writes(ledger: Ledger, path: Path) -> None:
    ledger.open()
    assert columns(path, "decisions") == DECISION_COLUMNS
    assert columns(path, "attempts") == ATTEMPT_COLUMNS
    version = execute(path, "SELECT value FROM tierwise_meta WHERE key = 'schema_version'")
    assert version == [(str(len(migrations.MIGRATIONS)),)]


def test_an_older_ledger_is_migrated_in_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step of a later release runs once, and keeps what is there."""
    with Ledger(path) as old:
        old.append(decision())
    runs = []

    def later(connection: object) -> None:
        runs.append(1)
        connection.exec_driver_sql("CREATE TABLE later (x INTEGER)")  # type: ignore[attr-defined]

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, later))
    for _ in range(2):
        with Ledger(path) as new:
            assert new.find("d1") == decision()
    assert runs == [1]
    assert execute(path, "SELECT count(*) FROM later") == [(0,)]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(path) as old:
        old.append(decision())

    def broken(connection: object) -> None:
        connection.exec_driver_sql("CREATE TABLE later (x INTEGER)")  # type: ignore[attr-defined]
        connection.exec_driver_sql("CREATE TABLE later (x INTEGER)")  # type: ignore[attr-defined]

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
        with Ledger(path) as new, pytest.raises(LedgerError, match="later already exists"):
            new.open()
    with Ledger(path) as again:
        assert again.find("d1") == decision()
    assert execute(path, "SELECT name FROM sqlite_master WHERE name = 'later'") == []


@pytest.mark.parametrize("use", ["open", "append", "count"])
def test_a_newer_ledger_is_refused_and_left_alone(path: Path, use: str) -> None:
    with Ledger(path) as ledger:
        ledger.append(decision())
    execute(path, "UPDATE tierwise_meta SET value = '99'")
    calls = {
        "open": Ledger.open,
        "append": lambda ledger: ledger.append(decision("x")),
        "count": Ledger.count,
    }
    with (
        Ledger(path) as ledger,
        pytest.raises(
            LedgerError, match=rf"schema 99, this one knows {len(migrations.MIGRATIONS)}\); upgrade tierwise"
        ),
    ):
        calls[use](ledger)
    assert execute(path, "SELECT count(*) FROM decisions") == [(1,)]


def test_a_database_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    execute(path, "CREATE TABLE decisions (mine TEXT)")
    with Ledger(path) as ledger, pytest.raises(LedgerError, match="this database is not a ledger"):
        ledger.open()
    assert columns(path, "decisions") == ("mine",)


@pytest.mark.parametrize("damage", ["DROP TABLE attempts", "ALTER TABLE decisions DROP COLUMN session"])
def test_a_ledger_that_lacks_something_is_refused(path: Path, damage: str) -> None:
    with Ledger(path) as ledger:
        ledger.open()
    execute(path, damage)
    with Ledger(path) as ledger, pytest.raises(LedgerError, match="the database says: "):
        ledger.append(decision())


@pytest.mark.parametrize("damage", ["DELETE FROM tierwise_meta", "UPDATE tierwise_meta SET value = 'x'"])
def test_a_ledger_without_a_version_is_refused(path: Path, damage: str) -> None:
    with Ledger(path) as ledger:
        ledger.open()
    execute(path, damage)
    with Ledger(path) as ledger, pytest.raises(LedgerError, match="not a ledger"):
        ledger.open()
