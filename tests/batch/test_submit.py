"""Submitting requests one by one."""

from __future__ import annotations

from contextlib import closing

import pytest

from router.errors import AllTiersFailed, BatchError, ConfigError, InputError
from tests.batch.conftest import ladder_at, router_at
from tests.kit import Book

LONG = 30.0


@pytest.fixture
def journal(tmp_path):
    return str(tmp_path / "batch.db")


def test_what_is_submitted_goes_out_together_and_each_ticket_has_its_response(vendor, journal):
    """Three requests, one batch; the decision says so."""
    book = Book()
    with closing(
        router_at(ladder_at(vendor.url), book=book, batch={"path": journal, "size": 3, "window": 60})
    ) as router:
        tickets = [router.submit(f"easy {place}", tags={"place": str(place)}) for place in range(3)]
        responses = [ticket.result(LONG) for ticket in tickets]

    assert [response.text for response in responses] == ["sure: easy 0", "sure: easy 1", "sure: easy 2"]
    assert [response.decision.id for response in responses] == [ticket.id for ticket in tickets]
    assert len(vendor.batches) == 1
    assert all(decision.batch for decision, _ in book.entries)


def test_a_window_collects_until_it_ends(vendor, journal):
    """Nobody has to fill it."""
    with closing(router_at(ladder_at(vendor.url), batch={"path": journal, "window": 0.05})) as router:
        ticket = router.submit("easy")

        assert ticket.result(LONG).text == "sure: easy"
        assert ticket.done()


def test_a_ticket_whose_answer_is_not_there_yet_can_be_asked_again(vendor, journal):
    """Waiting ends with TimeoutError; the request goes on."""
    vendor.looks = 30
    with closing(router_at(ladder_at(vendor.url), batch={"path": journal})) as router:
        ticket = router.submit("easy")
        with pytest.raises(TimeoutError):
            ticket.result(0.01)

        assert ticket.result(LONG).text == "sure: easy"


def test_what_a_closed_router_had_not_answered_is_answered_by_the_next(vendor, journal):
    """The ticket says where it is kept; the batch is not created twice."""
    vendor.looks = 10**9
    book = Book()
    router = router_at(ladder_at(vendor.url), book=book, batch={"path": journal})
    created = []
    vendor.on = lambda event: created.append(event) if event == "looked" else None
    ticket = router.submit("hard")
    while not created:
        assert not ticket.done()
    router.close()
    with pytest.raises(BatchError, match=r"the request is kept in .*batch.db"):
        ticket.result(LONG)
    for batch in vendor.batches.values():
        batch.looks = 1
    vendor.looks = 1

    with closing(router_at(ladder_at(vendor.url), book=book, batch={"path": journal})) as router:
        assert router.collect() == 1

    assert vendor.twice == 0
    (decision,) = {decision.id: decision for decision, _ in book.entries}.values()
    assert (decision.id, decision.tier, decision.batch) == (ticket.id, "large", True)


def test_a_request_that_fails_raises_from_its_ticket_alone(vendor, journal):
    """The other has its answer."""
    vendor.fate = lambda _, prompt, __: "expired" if prompt == "b" else None
    with closing(router_at(ladder_at(vendor.url), batch={"path": journal, "size": 2, "window": 60})) as router:
        good, bad = router.submit("a"), router.submit("b")

        assert good.result(LONG).text == "sure: a"
        with pytest.raises(AllTiersFailed):
            bad.result(LONG)


def test_a_run_that_cannot_go_on_tells_every_ticket_and_the_next_submission_begins_anew(vendor, journal):
    """The journal has both."""
    vendor.down = [401]
    with closing(router_at(ladder_at(vendor.url), batch={"path": journal})) as router:
        ticket = router.submit("a")
        with pytest.raises(BatchError, match="refused the key"):
            ticket.result(LONG)

        assert router.submit("b").result(LONG).text == "sure: b"
    assert vendor.billed == {("m-small", "a"): 1, ("m-small", "b"): 1}


def test_another_priority_begins_at_once_at_the_standard_price(vendor):
    """Without any batch, and without a journal."""
    with closing(router_at(ladder_at(vendor.url))) as router:
        response = router.submit("easy", priority="normal").result(LONG)

    assert (response.text, response.decision.batch, response.decision.cost) == ("sure: easy", False, 40_000)
    assert not vendor.batches


def test_a_batch_needs_a_journal_and_has_no_deadline(vendor, journal):
    """Both are told before anything is written."""
    with (
        closing(router_at(ladder_at(vendor.url))) as router,
        pytest.raises(ConfigError, match=r"add \[batch\] with path"),
    ):
        router.submit("a")
    with (
        closing(router_at(ladder_at(vendor.url), batch={"path": journal})) as router,
        pytest.raises(InputError, match="has no deadline"),
    ):
        router.submit("a", deadline=5)


def test_two_routers_do_not_share_a_journal(vendor, journal):
    """The second is told, and the first goes on."""
    vendor.looks = 30
    batch = {"path": journal}
    with closing(router_at(ladder_at(vendor.url), batch=batch)) as one:
        ticket = one.submit("a")
        with (
            closing(router_at(ladder_at(vendor.url), batch=batch)) as other,
            pytest.raises(BatchError, match="another process works on this batch"),
        ):
            other.submit("b")

        assert ticket.result(LONG).text == "sure: a"
