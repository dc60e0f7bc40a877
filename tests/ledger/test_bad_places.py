"""Every way in which a ledger cannot be used ends in one sentence that names it and says what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.errors import LedgerError
from router.ledger import Ledger, connecting, faults
from tests.ledger.samples import ask, decision

USES: dict[str, Callable[[Ledger], object]] = {
    "open": lambda ledger: ledger.open(),
    "append": lambda ledger: ledger.append(decision("new"), ask()),
}


@pytest.mark.parametrize("use", USES)
def test_a_missing_directory(tmp_path: Path, use: str) -> None:
    path = tmp_path / "no" / "ledger.db"
    with pytest.raises(LedgerError) as caught:
        USES[use](Ledger(path))
    assert str(caught.value) == f"ledger {path}: the directory {path.parent} does not exist; create it"


def test_reading_makes_no_ledger(path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(path).count()
    assert str(caught.value) == f"there is no ledger at {path}; it is made when the first request is routed"
    assert not path.exists()


def test_reading_an_empty_file(path: Path) -> None:
    path.touch()
    with pytest.raises(LedgerError, match="there is no ledger in"):
        Ledger(path).count()


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be opened; check that you may read and write it"):
        Ledger(tmp_path).open()


@pytest.mark.parametrize("use", USES)
def test_a_file_that_is_no_database(path: Path, use: str) -> None:
    path.write_text("hello, this is a text file and no database at all\n" * 100)
    with Ledger(path) as ledger, pytest.raises(LedgerError, match="it is damaged or no ledger; move it away"):
        USES[use](ledger)
    assert path.read_text().startswith("hello")


@pytest.mark.parametrize("use", ["open", "append", "count"])
def test_a_truncated_file(path: Path, use: str) -> None:
    with Ledger(path) as ledger:
        for place in range(50):
            ledger.append(decision(str(place)), ask())
    os.truncate(path, 5000)
    calls = {**USES, "count": lambda ledger: list(ledger.decisions())}
    with (
        Ledger(path) as ledger,
        pytest.raises(LedgerError, match=r"ledger\.db: it is damaged or no ledger; move it away"),
    ):
        calls[use](ledger)


def test_a_damaged_row_is_named(ledger: Ledger, path: Path) -> None:
    ledger.append(decision(), ask())
    raw = sqlite3.connect(path)
    raw.execute("UPDATE decisions SET tags = '{'")
    raw.commit()
    raw.close()
    with pytest.raises(LedgerError, match=r"ledger\.db: decision 'd1' cannot be read back"):
        list(ledger.decisions())


def test_a_disk_that_fills_up(ledger: Ledger, path: Path) -> None:
    """SQLite's own page limit gives the error of a full disk; nothing half-written stays, and room mends it."""
    ledger.append(decision())
    cursor = ledger._opened().database._writer._cursor  # type: ignore[union-attr]
    limit = cursor.execute("PRAGMA page_count").fetchone()[0] + 2
    cursor.execute(f"PRAGMA max_page_count = {limit}")
    stored = 1

    def fill() -> None:
        nonlocal stored
        for place in range(100):
            ledger.append(decision(f"more-{place}"), ask("long " * 500))
            stored += 1

    with pytest.raises(LedgerError) as caught:
        fill()
    assert str(caught.value) == f"ledger {path}: the disk is full; free some space"
    assert ledger.count() == stored < 100
    cursor.execute("PRAGMA max_page_count = 1000000")
    ledger.append(decision("after"), ask("long " * 500))
    assert ledger.count() == stored + 1


FILE_SIZE = """
import resource, signal, sys
from router.errors import LedgerError
from router.ledger import Ledger
from tests.ledger.samples import ask, decision
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Ledger(sys.argv[1])
ledger.append(decision("before"))
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
stored = 1
try:
    for place in range(1000):
        ledger.append(decision(str(place)), ask("long " * 500))
        stored += 1
except LedgerError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ledger.append(decision("after"), ask("long " * 500))
print(stored + 1 == ledger.count() < 1000)
ledger.close()
"""


def test_a_quota_that_is_used_up(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILE_SIZE, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    said = f"ledger {path}: the disk failed to read or write it; check the disk, its free space and its quota"
    assert (done.stdout, done.stderr) == (f"{said}\nTrue\n", "")


UNPRIVILEGED = """
import os, sys
import sqlalchemy.dialects.sqlite, router.ledger.schema
from router.errors import LedgerError
from router.ledger import Ledger
from tests.ledger.samples import decision
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
ledger = Ledger(sys.argv[1])
for use in (ledger.open, lambda: ledger.append(decision("new"))):
    try:
        use()
    except LedgerError as error:
        print(error)
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that everyone may enter: root may write anywhere, so these tests give root up."""
    folder = Path(tempfile.mkdtemp(prefix="tierwise-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def unprivileged(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_directory_that_may_not_be_written(public: Path) -> None:
    public.chmod(0o555)
    path = public / "ledger.db"
    said = f"ledger {path}: the file cannot be made (Permission denied); make {public} writable"
    assert unprivileged(path) == [said, said]
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o555, 0o755])
def test_a_file_that_may_not_be_written(public: Path, mode: int) -> None:
    path = public / "ledger.db"
    with Ledger(path) as ledger:
        ledger.append(decision())
    path.chmod(0o444)
    public.chmod(mode)
    said = f"ledger {path}: it cannot be written, because the file, its directory or the disk is read-only; "
    lines = unprivileged(path)
    assert [line[: len(said)] for line in lines] == [said, said]
    with Ledger(path) as ledger:
        assert ledger.count() == 1


def test_a_file_that_may_not_be_read(public: Path) -> None:
    path = public / "ledger.db"
    with Ledger(path) as ledger:
        ledger.append(decision())
    assert path.stat().st_mode & 0o777 == 0o600
    if os.geteuid() != 0:
        path.chmod(0)
    lines = unprivileged(path)
    assert len(lines) == 2
    assert set(lines) == {
        f"ledger {path}: the file cannot be opened; check that you may read and write it and its directory"
    }


@pytest.mark.parametrize("use", USES)
def test_another_process_that_never_lets_go(path: Path, monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    monkeypatch.setattr(faults, "BUSY_SECONDS", 0.01)
    with Ledger(path) as ledger:
        ledger.append(decision())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Ledger(path) as ledger, pytest.raises(LedgerError, match=r"other processes kept it locked for 30 s; find out"):
        USES[use](ledger)
    holder.execute("ROLLBACK")
    holder.close()
    with Ledger(path) as ledger:
        ledger.append(decision("free again"))
        assert ledger.count() == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "a ledger in memory would be lost; give it a file, like sqlite:///ledger.db"),
        ("sqlite:///:memory:", "a ledger in memory would be lost; give it a file, like sqlite:///ledger.db"),
        ("mysql://user:hunter2@host/db", "a ledger is kept in SQLite or PostgreSQL, not in mysql; use a"),
        ("://hunter2@", "the ledger's url cannot be read; write it like"),
        ("postgresql://user:hunter2@host:port/db", "the ledger's url cannot be read; write it like"),
    ],
)
def test_a_url_that_is_no_ledger(url: str, said: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(url).open()
    assert str(caught.value).startswith(said)
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"pip install 'tierwise\[postgres\]'"):
        Ledger("postgresql://u:p@127.0.0.1:1/db").open()


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as caught:
        Ledger("postgresql://u:hunter2@127.0.0.1:1/db").append(decision())
    said = str(caught.value)
    assert said.startswith("ledger postgresql://u@127.0.0.1:1/db: the server cannot be reached (")
    assert said.endswith("; start it, or check host and port in the URL")
    assert "hunter2" not in said


def test_the_switch_to_wal_waits_for_others(path: Path) -> None:
    """SQLite does not wait for the lock that this takes, so a first open could fail for no reason."""
    from sqlalchemy.exc import OperationalError

    path.touch()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    tries: list[str] = []

    class Busy:
        """Stands in for SQLAlchemy's connection: locked until its third try."""

        def exec_driver_sql(self, statement: str) -> Busy:
            tries.append(statement)
            if len(tries) == 5:
                holder.execute("ROLLBACK")
            raw = sqlite3.connect(path, timeout=0)
            try:
                self.found = raw.execute(statement).fetchone()[0]
            except sqlite3.OperationalError as error:
                raise OperationalError(statement, None, error) from error
            finally:
                raw.close()
            return self

        def scalar(self) -> object:
            return self.found

    connecting.use_wal(Busy())  # type: ignore[arg-type]
    holder.close()
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()
