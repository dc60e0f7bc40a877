"""Going on with what an earlier process left, wherever it stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
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
