"""What goes wrong at a provider, and what becomes of the requests."""

from __future__ import annotations

import pytest

from router.errors import BatchError
from tests.batch.conftest import answers, ladder_at, router_at, run
from tests.kit import Book

APIS = ("openai-chat", "anthropic")


@pytest.mark.parametrize("fate", ["expired", "errored"])
@pytest.mark.parametrize("api", APIS)
def test_an_item_without_an_answer_is_sent_once_more(vendor, write, api, fate):
    """The second time it has an answer; the others are not sent again."""
    vendor.fate = lambda _, prompt, times: fate if prompt == "b" and times == 1 else None
    source = write({"prompt": "a"}, {"prompt": "b"})
    summary = run(router_at(ladder_at(vendor.url, api)), source)

    assert (summary.answered, summary.failed, vendor.twice) == (2, 0, 0)
    assert vendor.sent == {("m-small", "a"): 1, ("m-small", "b"): 2}


@pytest.mark.parametrize("api", APIS)
def test_an_item_that_never_has_an_answer_fails_alone(vendor, write, api):
    """Each tier is asked twice; the other request has its answer."""
    vendor.fate = lambda _, prompt, __: "expired" if prompt == "b" else None
    source = write({"prompt": "a"}, {"prompt": "b"})
    book = Book()
    summary = run(router_at(ladder_at(vendor.url, api), book=book), source)

    good, bad = answers(source.with_name("out.jsonl"))
    assert good["text"] == "sure: a"
    assert bad["error"] == "AllTiersFailed"
    assert "its batch was expired" in bad["message"]
    assert [attempt["calls"] for attempt in bad["decision"]["attempts"]] == [2, 2]
    assert (summary.answered, summary.failed) == (1, 1)
    assert len(book.entries) == 2


@pytest.mark.parametrize("api", APIS)
def test_a_batch_refused_for_one_of_its_requests_is_split_until_only_that_one_fails(vendor, write, api):
    """A refusal of the whole batch costs nothing, so the others may be sent again."""
    vendor.refuses = "poison"
    source = write(*({"prompt": "poison" if place == 5 else f"q{place}"} for place in range(8)))
    summary = run(router_at(ladder_at(vendor.url, api)), source)

    assert (summary.answered, summary.failed, vendor.twice) == (7, 1, 0)
    bad = answers(source.with_name("out.jsonl"))[5]
    assert bad["error"] == "RejectedRequest"
    assert "no such thing" in bad["message"]


def test_a_batch_that_failed_in_validation_goes_out_again_without_the_line_to_blame(vendor, write):
    """OpenAI names the lines; nothing of such a batch is billed."""
    vendor.blames = "odd"
    source = write({"prompt": "odd"}, {"prompt": "even"})
    summary = run(router_at(ladder_at(vendor.url)), source)

    bad, good = answers(source.with_name("out.jsonl"))
    assert (bad["error"], good["text"]) == ("RejectedRequest", "sure: even")
    assert "not this" in bad["message"]
    assert (summary.answered, vendor.twice) == (1, 0)


@pytest.mark.parametrize("api", APIS)
def test_a_batch_whose_creation_was_not_confirmed_is_looked_for_and_not_created_again(vendor, write, api):
    """The provider took it in and then lost the connection."""
    tells = []

    def on(event):
        if event == "registered" and not tells:
            tells.append(event)
            raise ConnectionResetError

    vendor.on = on
    source = write({"prompt": "a"}, {"prompt": "b"})
    said = []
    summary = run(router_at(ladder_at(vendor.url, api)), source, report=said.append)

    assert tells == ["registered"]
    assert (summary.answered, vendor.twice, len(vendor.batches)) == (2, 0, 1)
    assert any("its batch was found again" in line for line in said)


@pytest.mark.parametrize("api", APIS)
def test_a_batch_that_was_never_created_is_created_anew(vendor, write, api):
    """A server that is down for a while is asked again, after it was looked for."""
    vendor.down = [503, 503]
    source = write({"prompt": "a"})
    said = []
    summary = run(router_at(ladder_at(vendor.url, api)), source, report=said.append)

    assert (summary.answered, vendor.twice) == (1, 0)
    assert any("was never created; it is sent anew" in line for line in said)


def test_a_provider_that_stays_down_stops_the_run_which_can_be_gone_on_with(vendor, write):
    """Nothing is lost, and nothing is paid twice."""
    vendor.down = [503] * 9
    source = write({"prompt": "a"})
    with pytest.raises(BatchError, match=r"failed 9 times in a row .* what was done is kept"):
        run(router_at(ladder_at(vendor.url)), source)

    summary = run(router_at(ladder_at(vendor.url)), source, resume=True)

    assert (summary.answered, vendor.twice) == (1, 0)


def test_an_account_that_is_refused_stops_the_run_before_any_request_fails(vendor, write):
    """A wrong key is put right, and then all is answered."""
    vendor.down = [401]
    source = write({"prompt": "a"})
    with pytest.raises(BatchError, match=r"refused the key or the account .* when that is put right"):
        run(router_at(ladder_at(vendor.url)), source)
    assert not source.with_name("out.jsonl").exists()

    assert run(router_at(ladder_at(vendor.url)), source, resume=True).answered == 1


@pytest.mark.parametrize("api", APIS)
def test_results_that_are_none_are_fetched_again(vendor, write, api):
    """A proxy may send anything; nothing is written down before it can be read."""
    vendor.garbled = 2
    summary = run(router_at(ladder_at(vendor.url, api)), write({"prompt": "a"}))

    assert (summary.answered, vendor.sent.total(), vendor.garbled) == (1, 1, 0)


def test_a_provider_that_takes_no_batch_stops_the_run(vendor, write):
    """Its list can be read, and each creation ends in an error; the run does not go on for ever."""

    def on(event):
        if event == "received":
            raise ConnectionResetError

    vendor.on = on
    source = write({"prompt": "a"})
    with pytest.raises(BatchError, match="took none of 9 batches in a row"):
        run(router_at(ladder_at(vendor.url)), source)
    vendor.on = lambda _: None

    assert run(router_at(ladder_at(vendor.url)), source, resume=True).answered == 1
    assert vendor.twice == 0
