"""The public fake."""

from __future__ import annotations

import asyncio
import time

import pytest

from router.errors import RateLimited
from router.providers.fake import FakeProvider
from router.types import Completion, Usage
from tests.providers.examples import ask, gather, send, tier


def test_text_answers_for_ever_with_a_usage_that_counts_words():
    """The simplest script."""
    fake = FakeProvider({"small": "forty two"})
    answers = [fake.complete(send(tier(), ask("what is it"))) for _ in range(2)]
    assert answers[0] == answers[1]
    assert (answers[0].text, answers[0].stop, answers[0].model) == ("forty two", "end", "m-1")
    assert answers[0].usage == Usage(input_tokens=3, output_tokens=2)


def test_a_list_is_used_up_in_turn():
    """Errors, functions and whole completions among it; what was sent is recorded."""
    error = RateLimited("busy", tier="small")
    whole = Completion(text="whole", usage=None, stop="length")
    fake = FakeProvider({"small": [error, lambda request: request.text.upper(), whole]})
    with pytest.raises(RateLimited):
        fake.complete(send(tier()))
    assert fake.complete(send(tier(), ask("hi"))).text == "HI"
    assert fake.complete(send(tier())) == whole
    with pytest.raises(AssertionError, match="no reply"):
        fake.complete(send(tier()))
    assert [call.request.text for call in fake.calls] == ["6*7?", "hi", "6*7?", "6*7?"]


def test_a_tier_that_is_not_in_the_script_fails_the_test():
    """A call that nobody expected."""
    with pytest.raises(AssertionError, match="'small'"):
        FakeProvider({"large": "x"}).complete(send(tier()))


def test_streams_and_asyncio_give_the_same():
    """Word by word, then the whole."""
    fake = FakeProvider({"small": " forty  two "})
    whole = fake.complete(send(tier()))
    parts = list(fake.stream(send(tier())))
    assert parts == [" forty", "  two", " ", whole]

    async def both():
        return await fake.acomplete(send(tier())), await gather(fake.astream(send(tier())))

    assert asyncio.run(both()) == (whole, parts)


def test_a_delay_is_a_latency():
    """For tests of deadlines."""
    fake = FakeProvider({"small": "x"}, delay=0.01)
    began = time.perf_counter()
    assert fake.complete(send(tier())).latency == 0.01
    assert time.perf_counter() - began >= 0.01
