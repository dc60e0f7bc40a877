"""Budgets, limits, the cache and tiers without a batch API, in a batch as at once."""

from __future__ import annotations

import threading

import pytest

from router.errors import BatchError
from router.providers.clients import Clients
from router.providers.fake import FakeProvider
from tests.batch.conftest import answers, ladder_at, router_at, run
from tests.batch.test_resuming import stopped_at
from tests.kit import Book

BUDGETS = {"scope": [{"name": "all", "limit": 0.001, "window": "month"}]}


def standing(tmp_path):
    from router.budget.accounts import account
    from router.stores.budgeting import store_of

    config = router_at(ladder_at("http://127.0.0.1:1"), budgets=budgets_in(tmp_path)).config
    assert config.budgets is not None
    store = store_of(config.budgets)
    (found,) = store.survey((account(config.budgets.scopes[0], None),)).standings
    store.close()
    return found


def budgets_in(tmp_path):
    return {**BUDGETS, "store": str(tmp_path / "budgets.db")}


def test_a_budget_is_charged_batch_prices_once_however_often_the_run_stops(vendor, write, tmp_path):
    """What is set aside for a call of an earlier process runs out by itself; what it cost is charged once."""
    source = write({"prompt": "hard"}, {"prompt": "easy"})
    for event in ("registered", "results", "registered"):
        stopped_at(vendor, event, 1)
        with pytest.raises(BatchError):
            run(router_at(ladder_at(vendor.url, max_tokens=10), budgets=budgets_in(tmp_path)), source, resume=True)
        vendor.down = []
    vendor.on = lambda _: None
    summary = run(router_at(ladder_at(vendor.url, max_tokens=10), budgets=budgets_in(tmp_path)), source, resume=True)

    assert (summary.answered, summary.cost, vendor.twice) == (2, 3 * 20_000, 0)
    assert standing(tmp_path).spent == 3 * 20_000


def test_a_call_that_was_charged_is_not_charged_again_when_its_decision_was_not_written(vendor, write, tmp_path):
    """The process ended between the two."""

    class Ends(Book):
        def append(self, decision, request):
            raise KeyboardInterrupt

    source = write({"prompt": "easy"})
    with pytest.raises(KeyboardInterrupt):
        run(router_at(ladder_at(vendor.url, max_tokens=10), budgets=budgets_in(tmp_path), book=Ends()), source)
    before = standing(tmp_path)
    run(router_at(ladder_at(vendor.url, max_tokens=10), budgets=budgets_in(tmp_path)), source, resume=True)
    after = standing(tmp_path)

    assert (before.spent, before.held) == (after.spent, after.held) == (20_000, 0)


def test_a_budget_that_does_not_allow_a_request_refuses_it_alone(vendor, write, tmp_path):
    """The worst case of ten calls does not fit into the budget; what was refused cost nothing."""
    source = write(*({"prompt": f"easy {place}"} for place in range(10)))
    budgets = budgets_in(tmp_path) | {"scope": [{"name": "all", "limit": 0.0005, "window": "month"}]}
    summary = run(router_at(ladder_at(vendor.url, max_tokens=100), budgets=budgets), source)

    lines = answers(source.with_name("out.jsonl"))
    refused = [line for line in lines if line.get("error") == "BudgetExceeded"]
    assert 0 < len(refused) < 10
    assert (summary.answered, summary.failed) == (10 - len(refused), len(refused))
    assert summary.cost <= 500_000
    assert vendor.sent.total() == summary.answered


def test_a_limit_on_calls_under_way_makes_several_rounds(vendor, write):
    """Two at a time: the others wait for their turn, and none fails."""
    limits = {"patience": 60, "scope": [{"name": "few", "concurrency": 2}]}
    source = write(*({"prompt": f"easy {place}"} for place in range(5)))
    summary = run(router_at(ladder_at(vendor.url), limits=limits), source)

    assert (summary.answered, vendor.twice) == (5, 0)
    assert max(len(batch.items) for batch in vendor.batches.values()) == 2


def test_a_cached_answer_is_not_sent_again(vendor, write, tmp_path):
    """The second file asks what the first one asked."""
    cache = {"store": str(tmp_path / "cache.db"), "ttl": 3600}
    run(router_at(ladder_at(vendor.url), cache=cache), write({"prompt": "easy"}))
    second = write({"prompt": "easy"}, name="second.jsonl")
    router = router_at(ladder_at(vendor.url), cache=cache)
    summary = router.batch(second, out=tmp_path / "second-out.jsonl")
    router.close()

    assert (summary.answered, summary.cost, vendor.sent.total()) == (1, 0, 1)
    assert answers(tmp_path / "second-out.jsonl")[0]["decision"]["cache"]["kind"] == "exact"


def test_equal_requests_of_one_file_are_paid_once_where_there_is_a_cache(vendor, write, tmp_path):
    """The others wait for the first, however long its batch takes, and have its answer."""
    cache = {"store": str(tmp_path / "cache.db"), "ttl": 3600, "wait": 0}
    source = write(*({"prompt": "hard"} for _ in range(4)), {"prompt": "easy"})
    summary = run(router_at(ladder_at(vendor.url), cache=cache), source)

    assert (summary.answered, vendor.sent.total(), summary.cost) == (5, 3, 3 * 20_000)


def test_equal_requests_try_one_after_the_other_until_there_is_an_answer(vendor, write, tmp_path):
    """A failure is not cached: the second asks anew, and the third has its answer."""
    vendor.fate = lambda _, __, times: "expired" if times <= 2 else None
    cache = {"store": str(tmp_path / "cache.db"), "ttl": 3600}
    source = write(*({"prompt": "easy"} for _ in range(3)))
    summary = run(router_at(ladder_at(vendor.url), cache=cache), source)

    assert (summary.answered, summary.failed) == (2, 1)
    assert vendor.billed == {("m-small", "easy"): 1}


def test_an_answer_that_was_paid_for_is_not_taken_for_a_cached_one_after_a_crash(vendor, write, tmp_path):
    """It went into the cache, and the process ended before its decision was written down."""

    class Once(Book):
        def append(self, decision, request):
            if not self.entries:
                self.entries.append((decision, request))
                raise KeyboardInterrupt
            super().append(decision, request)

    cache = {"store": str(tmp_path / "cache.db"), "ttl": 3600}
    source, book = write({"prompt": "easy"}), Once()
    with pytest.raises(KeyboardInterrupt):
        run(router_at(ladder_at(vendor.url), cache=cache, book=book), source)
    summary = run(router_at(ladder_at(vendor.url), cache=cache, book=book), source, resume=True)

    assert (summary.cost, vendor.twice) == (20_000, 0)
    assert book.last.cache is None
    assert book.last.cost == 20_000


def test_a_tier_without_a_batch_api_is_asked_at_once_few_at_a_time(vendor, write):
    """At the standard price; what it is not sure of goes into a batch of the tier that has one."""
    under_way, most, lock = [0], [0], threading.Lock()

    def on(event):
        if event == "direct":
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            threading.Event().wait(0.02)
            with lock:
                under_way[0] -= 1

    vendor.on = on
    book = Book()
    source = write(*({"prompt": f"{'hard' if place < 2 else 'easy'} {place}"} for place in range(8)))
    batch = {"tiers": ["large"], "concurrency": 3}
    summary = run(router_at(ladder_at(vendor.url), book=book, batch=batch), source)

    assert (summary.answered, summary.batched, summary.batches, vendor.twice) == (8, 2, 1, 0)
    assert 1 <= most[0] <= 3
    hard = next(decision for decision, request in book.entries if request.text == "hard 0")
    assert [attempt.cost for attempt in hard.attempts] == [40_000, 20_000]
    easy = next(decision for decision, request in book.entries if request.text == "easy 2")
    assert (easy.batch, easy.cost) == (False, 40_000)


def test_a_direct_answer_is_kept_when_the_run_stops_later(vendor, write):
    """Only the batch that failed is gone on with."""
    source = write({"prompt": "hard"}, {"prompt": "easy"})
    stopped_at(vendor, "registered", 1)
    batch = {"tiers": ["large"]}
    with pytest.raises(BatchError):
        run(router_at(ladder_at(vendor.url), batch=batch), source)
    vendor.on, vendor.down = lambda _: None, []

    assert run(router_at(ladder_at(vendor.url), batch=batch), source, resume=True).answered == 2
    assert (vendor.twice, vendor.sent.total()) == (0, 3)


def test_a_direct_call_that_nobody_saw_the_end_of_is_made_again_and_the_decision_says_so(vendor, write):
    """There is nothing to look it up by; that it may have been billed twice is told."""

    class Ends(FakeProvider):
        def complete(self, send):
            raise KeyboardInterrupt

    source, book = write({"prompt": "easy"}), Book()
    with pytest.raises(KeyboardInterrupt):
        run(router_at(ladder_at(vendor.url), provider=Ends({}), batch={"tiers": None}), source)
    summary = run(router_at(ladder_at(vendor.url), book=book, batch={"tiers": None}), source, resume=True)

    assert summary.answered == 1
    assert book.last.notes == (
        "small was asked again: a process had ended during the call, which may have been billed.",
    )


def test_the_users_own_check_is_asked_of_batched_answers_too(vendor, write):
    """Its number is a signal of the attempt."""
    from router.config import Config
    from router.engine import Router
    from tests.batch.conftest import FAST, plan_of

    ladder, book = ladder_at(vendor.url), Book()
    config = Config.of(ladder.tiers, batch={**FAST, "tiers": list(ladder.names)})
    router = Router(
        config,
        plan=plan_of(ladder),
        provider=Clients(environ={}),
        ledger=book,  # type: ignore[arg-type]
        verify=lambda _, answer: float(len(answer)),
    )
    run(router, write({"prompt": "easy"}))

    assert book.last.attempts[0].signals["verified"] == len("sure: easy")
