"""Answering a file through the batch APIs, with the official clients over real HTTP."""

from __future__ import annotations

import pytest

from tests.batch.conftest import answers, ladder_at, router_at, run
from tests.kit import Book

APIS = ("openai-chat", "openai-responses", "anthropic")


@pytest.mark.parametrize("api", APIS)
def test_a_file_is_answered_in_rounds_one_batch_a_tier(vendor, write, api):
    """The second round holds what the small tier was not sure of, and no more."""
    source = write({"prompt": "easy one"}, {"prompt": "hard two", "id": "b"}, {"prompt": "easy three"})
    book = Book()
    summary = run(router_at(ladder_at(vendor.url, api), book=book), source)

    first, second = vendor.batches.values()
    assert [model for model, _, __ in first.items.values()] == ["m-small"] * 3
    assert list(second.items.values()) == [("m-large", "hard two", None)]
    lines = answers(source.with_name("out.jsonl"))
    assert [line["text"] for line in lines] == ["sure: easy one", "sure: hard two", "sure: easy three"]
    assert [(line["line"], line.get("id")) for line in lines] == [(1, None), (2, "b"), (3, None)]
    assert (summary.requests, summary.answered, summary.failed, summary.batches) == (3, 3, 0, 2)


@pytest.mark.parametrize("api", APIS)
def test_batch_prices_are_paid_and_savings_are_against_standard_ones(vendor, write, api):
    """20 tokens in and 10 out: 20 * 0.5 + 10 * 1 microdollars a call in a batch, twice that at once."""
    book = Book()
    summary = run(router_at(ladder_at(vendor.url, api), book=book), write({"prompt": "hard"}))

    decision = book.last
    assert decision.batch
    assert [attempt.cost for attempt in decision.attempts] == [20_000, 20_000]
    assert decision.strong_cost == 40_000
    assert (summary.cost, summary.standard) == (40_000, 80_000)


def test_what_needs_other_headers_goes_into_a_batch_of_its_own(vendor, write):
    """A temperature needs an older version of Anthropic's API, and headers are those of a whole batch."""
    source = write({"prompt": "easy a"}, {"prompt": "easy b", "temperature": 0.5}, {"prompt": "easy c"})
    summary = run(router_at(ladder_at(vendor.url, "anthropic")), source)

    assert summary.answered == 3
    assert [len(batch.items) for batch in vendor.batches.values()] == [2, 1]


def test_defaults_of_the_configuration_hold_but_for_the_deadline(vendor, write):
    """Nobody waits for a batch."""
    router = router_at(
        ladder_at(vendor.url), book=(book := Book()), defaults={"deadline": 0.001, "tags": {"team": "a"}}
    )
    summary = run(router, write({"prompt": "easy"}))

    assert summary.answered == 1
    assert book.last.tags == {"team": "a"}
