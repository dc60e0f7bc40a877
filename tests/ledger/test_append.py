from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from router.errors import LedgerError
from router.ledger import Keep, Ledger
from router.ledger.codec import encode
from tests.ledger.samples import PROMPT, ask, attempt, decision


def sums(path: Path) -> tuple[int, int, int, int]:
    """How many decisions and attempts there are, and what each say they cost."""
    raw = sqlite3.connect(path)
    found = raw.execute(
        "SELECT (SELECT count(*) FROM decisions), (SELECT count(*) FROM attempts),"
        " (SELECT coalesce(sum(cost_nano), 0) FROM decisions), (SELECT coalesce(sum(cost_nano), 0) FROM attempts)"
    ).fetchone()
    raw.close()
    return found


def test_import_is_light() -> None:
    """A router that keeps no ledger must not pay for a database library."""
    done = run("import sys, router.ledger, router.analytics; print({'sqlalchemy', 'psycopg'} & set(sys.modules))")
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_nothing_is_opened_before_the_first_use(path: Path) -> None:
    with Ledger(path) as ledger:
        assert not path.exists()
        ledger.append(decision())
        assert path.exists()


def test_another_connection_sees_an_append_at_once(ledger: Ledger, path: Path) -> None:
    ledger.append(decision(), ask())
    assert sums(path) == (1, 1, 1_250, 1_250)


def test_a_url_and_a_path_are_the_same_ledger(path: Path) -> None:
    with Ledger(f"sqlite:///{path}") as one, Ledger(str(path)) as other, Ledger(path) as third:
        one.append(decision("a"))
        other.append(decision("b"))
        assert third.count() == 2


def test_a_path_may_hold_what_urls_treat_specially(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20d é.db"
    with Ledger(path) as ledger:
        ledger.append(decision())
    assert path.exists()


def test_an_id_that_is_there_already_changes_nothing(ledger: Ledger, path: Path) -> None:
    ledger.append(decision(), ask())
    ledger.append(decision(attempts=(attempt(cost=9), attempt("large", cost=99)), user="u2"), ask("Other?"))
    assert sums(path) == (1, 1, 1_250, 1_250)
    assert ledger.find("d1") == decision()


def test_an_id_twice_in_one_batch_is_stored_once(ledger: Ledger, path: Path) -> None:
    ledger.open()
    rows = encode(decision(), ask(), kept="text")
    assert ledger._opened().database.write([rows, rows]) == [None, None]
    assert sums(path) == (1, 1, 1_250, 1_250)


def test_one_bad_row_fails_alone_in_its_batch(ledger: Ledger, path: Path) -> None:
    ledger.open()
    good, other = (encode(decision(id), None, kept="text") for id in ("a", "b"))
    bad = encode(decision("bad", attempts=(attempt(), attempt("large", cost=2**70))), None, kept="text")
    first, second, third = ledger._opened().database.write([good, bad, other])
    assert (first, third) == (None, None)
    assert isinstance(second, OverflowError)
    assert sums(path) == (2, 2, 2_500, 2_500)


@pytest.mark.parametrize(
    "changes",
    [
        {"attempts": (attempt(), attempt("large", cost=2**70))},
        {"strong_cost": 2**70},
        {"created": float("nan")},
        {"tags": {"a": 1}},
        {"reason": None},
    ],
)
def test_a_decision_that_cannot_be_stored_leaves_nothing_and_the_next_is_stored(
    ledger: Ledger, path: Path, changes: dict[str, object]
) -> None:
    ledger.append(decision("before"))
    with pytest.raises(LedgerError, match=r"^ledger .*ledger\.db: .*") as caught:
        ledger.append(decision("bad", **changes), ask())
    assert PROMPT not in str(caught.value)
    assert sums(path) == (1, 1, 1_250, 1_250)
    ledger.append(decision("after"))
    assert sums(path) == (2, 2, 2_500, 2_500)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_files_are_for_their_owner_only(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with Ledger(path) as ledger:
            ledger.append(decision())
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2)])
def test_durability_sets_how_a_commit_reaches_the_disk(path: Path, durability: str, level: int) -> None:
    with Ledger(path, durability=durability) as ledger:  # type: ignore[arg-type]
        ledger.append(decision())
        cursor = ledger._opened().database._writer._cursor  # type: ignore[union-attr]
        assert cursor.execute("PRAGMA synchronous").fetchone() == (level,)
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_closed_ledger_opens_again(ledger: Ledger) -> None:
    ledger.append(decision("a"))
    ledger.close()
    ledger.append(decision("b"))
    assert ledger.count() == 2


@pytest.mark.parametrize("how", ["deleted", "moved away"])
def test_a_file_that_is_gone_is_made_again(ledger: Ledger, path: Path, how: str) -> None:
    """SQLite alone would go on writing into the deleted file, and lose everything."""
    ledger.append(decision("a"))
    for each in list(path.parent.iterdir()):
        if how == "deleted":
            each.unlink()
        else:
            each.rename(path.parent / each.name.replace("ledger", "old"))
    ledger.append(decision("b"))
    assert [entry.decision.id for entry in ledger.decisions()] == ["b"]
    assert sums(path)[0] == 1


def fill(path: Path, process: int, threads: int, each: int) -> None:
    """Append from many threads, and every decision twice."""
    with Ledger(path, keep=Keep(default="hash")) as ledger:

        def work(thread: int) -> None:
            for place in range(each):
                made = decision(
                    f"{process}-{thread}-{place}", attempts=(attempt(cost=place), attempt("large", cost=thread))
                )
                ledger.append(made, ask())
                if place % 5 == 0:
                    ledger.append(made, ask())

        workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def total(processes: int, threads: int, each: int) -> tuple[int, int, int, int]:
    cost = processes * (threads * sum(range(each)) + each * sum(range(threads)))
    return processes * threads * each, 2 * processes * threads * each, cost, cost


def test_sixteen_threads_lose_and_double_nothing(path: Path) -> None:
    fill(path, 0, 16, 40)
    assert sums(path) == total(1, 16, 40)


def test_processes_that_open_and_write_together_lose_and_double_nothing(path: Path) -> None:
    """They start on a file that is not there, so they also race to create and to migrate it."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=fill, args=(path, process, 4, 25)) for process in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(90)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert sums(path) == total(4, 4, 25)


FORK = """
import os, sys
from router.ledger import Ledger
from tests.ledger.samples import decision
ledger = Ledger(sys.argv[1])
ledger.append(decision("before"))
child = os.fork()
if child == 0:
    for place in range(50):
        ledger.append(decision(f"child-{place}"))
    ledger.close()
    os._exit(0)
for place in range(50):
    ledger.append(decision(f"parent-{place}"))
assert os.waitpid(child, 0)[1] == 0
ledger.append(decision("after"))
print(ledger.count())
ledger.close()
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_a_forked_child_and_its_parent_both_write(path: Path) -> None:
    done = run(FORK, str(path))
    assert (done.stdout, done.stderr) == ("102\n", "")
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


APPEND_FOREVER = """
import itertools, os, sys
from router.ledger import Ledger
from tests.ledger.samples import ask, attempt, decision
ledger = Ledger(sys.argv[1])
for place in range(100_000):
    made = decision(f"{sys.argv[2]}-{place}", attempts=(attempt(verdict="escalated"), attempt("large")))
    ledger.append(made, ask())
    os.write(1, f"{made.id}\\n".encode())
"""


def test_sigkill_loses_nothing_that_append_returned_for(path: Path) -> None:
    chance = random.Random(20261123)
    printed: list[str] = []
    for turn in range(4):
        writer = subprocess.Popen([sys.executable, "-c", APPEND_FOREVER, str(path), str(turn)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        printed += [writer.stdout.readline().decode().strip() for _ in range(chance.randint(1, 300))]
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().decode()
        writer.stdout.close()
        assert writer.wait(30) == -signal.SIGKILL
        printed += [line.strip() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    with Ledger(path) as ledger:
        entries = list(ledger.decisions())
    kept = [entry.decision.id for entry in entries]
    assert len(kept) == len(set(kept))
    assert set(printed) <= set(kept)
    # The one whose append had not returned may be there or not, but never in part.
    assert len(kept) <= len(printed) + 4
    assert {len(entry.decision.attempts) for entry in entries} == {2}
    count, tried, cost, cost_of_attempts = sums(path)
    assert (count, tried, cost) == (len(kept), 2 * len(kept), cost_of_attempts)
