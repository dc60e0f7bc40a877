"""Streaming: the text of the answer that is returned, and never that of a rejected draft."""

from __future__ import annotations

import asyncio

import pytest

from router.decision import Response
from router.errors import ConnectionFailed, StreamTruncated
from tests.kit import router, said, two_tiers


def test_a_rejected_draft_is_never_shown_and_the_last_tier_streams_as_it_comes():
    made, _, _, _ = router(two_tiers(confidence=0.3), {"small": said("a wrong draft"), "large": said("the right one")})

    pieces = list(stream := made.stream("2 + 2?"))

    assert "".join(pieces) == "the right one"
    assert len(pieces) > 1
    assert stream.response is not None
    assert stream.response.decision.tier == "large"


def test_an_answer_that_may_be_escalated_is_held_back_until_it_is_accepted():
    made, _, _, _ = router(two_tiers(confidence=0.9), {"small": said("all at once")})

    assert list(made.stream("2 + 2?")) == ["all at once"]


def test_a_stream_gives_the_answer_and_the_decision_of_a_plain_call():
    made, _, book, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("four and no more")})
    plain = made.route("2 + 2?")

    text = "".join(stream := made.stream("2 + 2?"))

    assert text == plain.text
    assert stream.response is not None
    assert [a.verdict for a in stream.response.decision.attempts] == [a.verdict for a in plain.decision.attempts]
    assert book.last == stream.response.decision


def test_a_reader_who_leaves_is_written_down():
    made, _, book, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("one two three")})

    with made.stream("2 + 2?") as stream:
        first = next(iter(stream))

    assert first.startswith("one")
    assert book.last.error == "the reader closed the stream before its end"
    assert book.last.cost == 16_000


def test_a_stream_that_breaks_after_text_was_shown_is_not_answered_by_another_tier():
    made, _, book, _ = router(two_tiers(), {"small": said("x"), "large": said("y")})
    broken = StreamTruncated("no finish reason", tier="small")
    broken.shown = True

    def half(_):
        yield "half an "
        raise broken

    made._provider.stream = half
    pieces = iter(made.stream("2 + 2?", ceiling="small"))

    assert next(pieces) == "half an "
    with pytest.raises(StreamTruncated):
        next(pieces)
    assert book.last.error == "no finish reason"
    assert book.last.attempts[-1].verdict == "failed"


def test_a_stream_that_breaks_before_any_text_is_retried():
    made, provider, _, clock = router(
        two_tiers(), {"small": [ConnectionFailed("reset", tier="small"), said("4 it is")]}
    )

    assert "".join(made.stream("2 + 2?", ceiling="small")) == "4 it is"
    assert len(clock.slept) == 1
    assert len(provider.calls) == 2


def test_asyncio_gives_what_the_synchronous_call_gives():
    made, _, _, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("the right one")})
    plain = made.route("2 + 2?")

    async def both():
        response = await made.aroute("2 + 2?")
        items = [item async for item in made.astream("2 + 2?")]
        return response, items

    response, items = asyncio.run(both())

    assert response.text == plain.text
    assert [a.verdict for a in response.decision.attempts] == [a.verdict for a in plain.decision.attempts]
    assert isinstance(items[-1], Response)
    assert "".join(items[:-1]) == "the right one"


def test_a_cancelled_request_is_written_down_with_what_was_spent():
    made, provider, book, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})

    async def go():
        started = asyncio.Event()

        async def hang(send):
            if send.tier.name == "small":
                return provider.complete(send)
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        provider.acomplete = hang  # type: ignore[method-assign]
        task = asyncio.ensure_future(made.aroute("2 + 2?"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())

    assert book.last.error == "CancelledError"
    assert book.last.cost == 16_000


def test_an_abandoned_asynchronous_stream_is_written_down():
    made, _, book, _ = router(two_tiers(), {"small": said("one two three")})

    async def go():
        stream = made.astream("2 + 2?", ceiling="small")
        first = await anext(stream)
        await stream.aclose()
        return first

    assert asyncio.run(go()).startswith("one")
    assert book.last.error == "the reader closed the stream before its end"
