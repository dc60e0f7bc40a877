"""What all stores in SQLite files do alike: set a file up together, refuse what is not theirs, and tell of faults."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from router.budget.accounts import account
from router.budget.settings import BudgetScope, BudgetSettings
from router.budget.windows import Window
from router.errors import BudgetError, CacheError
from router.stores.answers_sqlite import SqliteAnswers
from router.stores.budget_sqlite import SqliteBudgets
from router.stores.budget_store import Holding, StoreAway
from router.stores.sqlite_file import Schema, SqliteFile, Why
from router.stores.vector_file import vector_file

TIMEOUT = 10.0
SCHEMA = Schema(
    version=3, another="is another", script="CREATE TABLE a (\n    b INTEGER\n);\nINSERT INTO a VALUES (1);"
)


def answers(path: Path) -> Callable[[], object]:
    """Looks into a file of answers."""
    store = SqliteAnswers(path, max_entries=9, max_bytes=999, timeout=TIMEOUT, clock=time.time)
    return partial(store.get, "k")


def budgets(path: Path) -> Callable[[], object]:
    """Looks into a file of budgets."""
    return SqliteBudgets(BudgetSettings(url=f"sqlite:///{path}", scopes=(), timeout=TIMEOUT)).known


def vectors(path: Path) -> Callable[[], object]:
    """Looks into a file of vectors."""
    file = vector_file(path, timeout=TIMEOUT)

    def look() -> object:
        with file.reading() as connection:
            return connection.execute("SELECT count(*) FROM near").fetchone()

    return look


@pytest.fixture(params=[answers, budgets, vectors])
def look(request: pytest.FixtureRequest) -> Callable[[Path], Callable[[], object]]:
    """Makes what opens a file and looks into it, for each store."""
    made: Callable[[Path], Callable[[], object]] = request.param
    return made


class Told(Exception):
    """What a file says is wrong."""


def fault(why: Why, told: str) -> Told:
    """The error of a file."""
    return Told(why, told)


def write(file: SqliteFile, *statements: str) -> None:
    """Execute them in one transaction."""
    with file.writing() as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteFile]:
    """A file of one table with one row."""
    made = SqliteFile(tmp_path / "a.db", SCHEMA, timeout=TIMEOUT, fault=fault)
    yield made
    made.close()


def test_a_new_file_that_another_process_is_setting_up_is_waited_for(
    tmp_path: Path, look: Callable[[Path], Callable[[], object]]
) -> None:
    """SQLite itself would give up at once: the switch to write-ahead logging does not wait for a lock."""
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        end.start()
        look(path)()
        end.join()


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(
    tmp_path: Path, look: Callable[[Path], Callable[[], object]]
) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE mine (a)")
    with pytest.raises((CacheError, BudgetError), match="version"):
        look(path)()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_only_its_owner_may_read_a_new_file(tmp_path: Path, look: Callable[[Path], Callable[[], object]]) -> None:
    look(tmp_path / "new.db")()
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


def test_a_budgets_file_that_is_damaged_is_not_taken_for_one_that_is_away(tmp_path: Path) -> None:
    """Nor is it to be deleted: it knows what was spent."""
    path = tmp_path / "budgets.db"
    path.write_text("no database " * 100)
    with pytest.raises(BudgetError, match="is damaged or no SQLite file; move it away, or name another") as caught:
        budgets(path)()
    assert not isinstance(caught.value, StoreAway)


def test_how_budgets_stand_is_seen_while_somebody_writes(tmp_path: Path) -> None:
    """Every request asks, and must not wait in line for it."""
    store = SqliteBudgets(BudgetSettings(url=f"sqlite:///{tmp_path / 'budgets.db'}"))
    one = account(BudgetScope(name="all", limit=100, window=Window(kind="day")), None)
    store.settle(Holding(id="a", most=5, accounts=(one,)), 3)
    with closing(sqlite3.connect(tmp_path / "budgets.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE bucket SET spent = 99")
        assert [each.spent for each in store.survey((one,)).standings] == [3]
        assert len(store.known()) == 1
        writer.execute("COMMIT")
    assert [each.spent for each in store.survey((one,)).standings] == [99]
    store.close()


def test_what_fails_is_undone(file: SqliteFile) -> None:
    with pytest.raises(Told, match="no such table: c") as caught:
        write(file, "INSERT INTO a VALUES (2)", "INSERT INTO c VALUES (3)")
    assert caught.value.args[0] == "away"
    with file.reading() as connection:
        assert connection.execute("SELECT b FROM a").fetchall() == [(1,)]


def test_a_full_file_says_that_it_is_full(file: SqliteFile) -> None:
    """SQLite may have undone the transaction by itself, and undoing it again would be an error that hides the first."""
    with file.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(Told, match="database or disk is full"):
        write(file, "INSERT INTO a VALUES (zeroblob(100000))")


def test_a_forked_process_makes_a_connection_of_its_own_and_leaves_its_parents_open(file: SqliteFile) -> None:
    with file.reading() as connection:
        mine = id(connection)
    child = os.fork()
    if child == 0:
        with file.reading() as connection:
            other = id(connection) != mine and connection.execute("SELECT b FROM a").fetchall() == [(1,)]
        file.close()
        os._exit(0 if other else 1)
    assert os.waitpid(child, 0)[1] == 0
    with file.writing() as connection:
        assert id(connection) == mine
        connection.execute("INSERT INTO a VALUES (2)")


def test_in_memory_every_file_is_its_own() -> None:
    one, other = (SqliteFile(None, SCHEMA, timeout=TIMEOUT, fault=fault) for _ in range(2))
    write(one, "INSERT INTO a VALUES (2)")
    with other.reading() as connection:
        assert connection.execute("SELECT b FROM a").fetchall() == [(1,)]
    one.close()
    with one.reading() as connection:
        assert connection.execute("SELECT b FROM a").fetchall() == [(1,)]
    one.close()
    other.close()
