"""Going on with what an earlier process left, wherever it stopped."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing
from pathlib import Path

import pytest

from router.batch.journal import Journal
from router.batch.running import journal_path
from router.errors import BatchError, InputError
from tests.batch.conftest import answers, ladder_at, router_at, run
from tests.kit import Book

WORKER = Path(__file__).parents[2] / "benchmarks" / "batch_worker.py"


class Stopped(Exception):
    """Stands for the end of the process."""


def stopped_at(vendor, event: str, nth: int) -> None:
    """Break the server's connection at an event, for good: the run then stops."""
    seen = []

    def on(name):
        seen.append(name)
        if seen.count(event) >= nth:
            vendor.down = [401] * 100
            raise ConnectionResetError

    vendor.on = on


@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
@pytest.mark.parametrize(("event", "nth"), [("registered", 1), ("results", 1), ("looked", 1), ("registered", 2)])
def test_a_run_that_stopped_anywhere_is_gone_on_with(vendor, write, api, event, nth):
    """Each request is answered once and written down once, and each call is billed once."""
    source = write(*({"prompt": f"{'hard' if place % 2 else 'easy'} {place}"} for place in range(6)))
    stopped_at(vendor, event, nth)
    book = Book()
    with pytest.raises(BatchError):
        run(router_at(ladder_at(vendor.url, api), book=book), source)
    assert not source.with_name("out.jsonl").exists()
    vendor.on, vendor.down = lambda _: None, []

    summary = run(router_at(ladder_at(vendor.url, api), book=book), source, resume=True)

    assert (summary.answered, vendor.twice, vendor.billed.total()) == (6, 0, 9)
    assert [line["line"] for line in answers(source.with_name("out.jsonl"))] == [1, 2, 3, 4, 5, 6]
    costs = {decision.id: decision.cost for decision, _ in book.entries}
    assert (len(costs), sum(costs.values())) == (6, 9 * 20_000)


def test_a_process_that_is_killed_leaves_nothing_behind_that_is_paid_again(vendor, write, tmp_path):
    """kill -9 while the first batch's creation is not yet confirmed."""
    source = write({"prompt": "hard"}, {"prompt": "easy"})
    out = tmp_path / "out.jsonl"
    plan = tmp_path / "plan.json"
    work = {"url": vendor.url, "api": "openai-chat", "source": str(source), "out": str(out), "grace": 0}
    plan.write_text(json.dumps(work | {"ledger": str(tmp_path / "ledger.db")}))
    running = []
    vendor.on = lambda event: running[-1].kill() if event == "registered" and len(running) == 1 else None

    running.append(subprocess.Popen([sys.executable, WORKER, plan]))
    assert running[-1].wait(60) == -signal.SIGKILL
    running.append(subprocess.Popen([sys.executable, WORKER, plan], stdout=subprocess.DEVNULL))
    assert running[-1].wait(60) == 0

    assert [line["text"] for line in answers(out)] == ["sure: hard", "sure: easy"]
    assert (vendor.twice, vendor.billed.total()) == (0, 3)


def test_a_run_that_is_done_is_not_paid_again(vendor, write):
    """Going on with it writes the same output."""
    source = write({"prompt": "a"})
    first = run(router_at(ladder_at(vendor.url)), source)
    before = source.with_name("out.jsonl").read_text()

    assert run(router_at(ladder_at(vendor.url)), source, resume=True) == first
    assert source.with_name("out.jsonl").read_text() == before
    assert vendor.sent.total() == 1


def test_a_journal_that_is_there_is_not_written_over(vendor, write):
    """Nor is an output; both are told."""
    source = write({"prompt": "a"})
    run(router_at(ladder_at(vendor.url)), source)
    with pytest.raises(InputError, match="is there from an earlier run; pass --resume"):
        run(router_at(ladder_at(vendor.url)), source)

    journal_path(source.with_name("out.jsonl")).unlink()
    with pytest.raises(InputError, match="exists; move it away, or pass another --out"):
        run(router_at(ladder_at(vendor.url)), source)


def test_an_output_without_its_journal_is_not_gone_on_with(vendor, write):
    """The journal may have been deleted when all was done; nothing is paid again, and the output stays."""
    source = write({"prompt": "a"})
    run(router_at(ladder_at(vendor.url)), source)
    journal_path(source.with_name("out.jsonl")).unlink()

    with pytest.raises(InputError, match="exists; move it away, or pass another --out"):
        run(router_at(ladder_at(vendor.url)), source, resume=True)
    assert vendor.sent.total() == 1


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("name", "use"), [("in.jsonl", "is the file to be answered"), ("in.rejected.jsonl", "is for its broken lines")]
)
def test_an_output_in_the_place_of_the_input_is_refused(vendor, write, name, use, resume):
    """Nothing is sent, and the file stays as it was."""
    source = write({"prompt": "a"})
    before = source.read_text()
    with closing(router_at(ladder_at(vendor.url))) as router, pytest.raises(InputError, match=use):
        router.batch(source, out=source.with_name(name), resume=resume)

    assert (source.read_text(), vendor.sent.total()) == (before, 0)


@pytest.mark.parametrize(("source", "out"), [(".", "out.jsonl"), ("..", "out.jsonl"), ("in.jsonl", ".")])
def test_a_folder_is_no_file(vendor, write, tmp_path, source, out):
    """Neither to read nor to write."""
    write({"prompt": "a"})
    router = router_at(ladder_at(vendor.url))
    with chdir(tmp_path), closing(router), pytest.raises(InputError, match="is a folder"):
        router.batch(source, out=out)


@pytest.mark.parametrize("write_of", ["INSERT ON sends", "UPDATE OF raw ON sends"])
def test_a_journal_that_cannot_be_written_stops_the_run_and_fails_no_request(vendor, write, write_of):
    """As on a full disk: before a direct call, and after it. Gone on with, the request is answered."""
    source = write({"prompt": "easy"})
    where = journal_path(source.with_name("out.jsonl"))
    Journal(where).close()
    with closing(sqlite3.connect(where)) as db:
        db.execute(f"CREATE TRIGGER full BEFORE {write_of} BEGIN SELECT RAISE(ABORT, 'full'); END")

    with pytest.raises(BatchError, match=r"the journal cannot be read or written \(full\)"):
        run(router_at(ladder_at(vendor.url), batch={"tiers": []}), source, resume=True)
    with closing(sqlite3.connect(where)) as db:
        db.execute("DROP TRIGGER full")

    summary = run(router_at(ladder_at(vendor.url), batch={"tiers": []}), source, resume=True)
    assert (summary.answered, summary.failed) == (1, 0)


def test_a_file_that_was_changed_is_not_gone_on_with(vendor, write):
    """Its lines would not be those that the journal holds."""
    source = write({"prompt": "a"})
    run(router_at(ladder_at(vendor.url)), source)
    write({"prompt": "b"})

    with pytest.raises(BatchError, match=r"is not the one that .* was begun with"):
        run(router_at(ladder_at(vendor.url)), source, resume=True)
    assert vendor.sent.total() == 1


def test_two_processes_do_not_work_on_one_batch(vendor, write):
    """The second is told so, and sends nothing."""
    source = write({"prompt": "a"})
    journal = Journal(journal_path(source.with_name("out.jsonl")))
    try:
        with pytest.raises(BatchError, match="another process works on this batch"):
            run(router_at(ladder_at(vendor.url)), source, resume=True)
    finally:
        journal.close()
    assert vendor.sent.total() == 0


def test_a_journal_of_another_kind_is_refused(vendor, write):
    """It is not written over."""
    source = write({"prompt": "a"})
    where = journal_path(source.with_name("out.jsonl"))
    where.write_text("this is no database, and long enough not to be taken for an empty one" * 20)

    with pytest.raises(BatchError, match="the journal cannot be opened"):
        run(router_at(ladder_at(vendor.url)), source, resume=True)


def test_a_batch_of_a_tier_that_is_gone_is_told(vendor, write):
    """What is under way was paid for; the configuration that began it is wanted."""
    source = write({"prompt": "a"})
    stopped_at(vendor, "looked", 1)
    with pytest.raises(BatchError):
        run(router_at(ladder_at(vendor.url)), source)
    vendor.on, vendor.down = lambda _: None, []
    ladder = ladder_at(vendor.url)
    other = type(ladder)((ladder.tiers[1],))

    with pytest.raises(BatchError, match="a batch of tier 'small' is under way"):
        run(router_at(other), source, resume=True)
