from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from router.errors import InputError, TierwiseError
from router.ops import Send
from router.planner.timing import timed
from router.providers.clients import Clients
from router.tiers import Tier
from router.types import Completion, Usage
from tests.kit import Clock, tier


class Simulated:
    """Simulated: reads and writes so many tokens a second, one call after the other, and moves the clock."""

    def __init__(self, clock: Clock, *, read: float, write: float, cached: int = 0) -> None:
        self.clock, self.read, self.write, self.cached = clock, read, write, cached
        self.prompts: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, send: Send) -> Completion:
        text = send.request.messages[0].content
        tokens, written = len(text.split()), send.request.max_tokens or 0
        with self._lock:
            self.prompts.append(text)
            self.clock.now += tokens / self.read + written / self.write
        usage = Usage(input_tokens=tokens, cached_input_tokens=self.cached, output_tokens=written)
        return Completion(text="1", usage=usage, stop="length")


def test_both_speeds_are_found_whatever_they_are() -> None:
    clock = Clock()
    found = timed(tier("own"), Simulated(clock, read=2000, write=75), concurrency=3, clock=clock)
    assert found.read_per_second == pytest.approx(2000)
    assert found.write_per_second == pytest.approx(75)
    assert found.read_range == pytest.approx((2000, 2000))
    assert [len(pair) for pair in found.rounds] == [2, 2, 2]
    assert all(pair[0].calls == 3 for pair in found.rounds)


def test_cached_tokens_are_not_counted_as_read() -> None:
    clock = Clock()
    found = timed(tier("own"), Simulated(clock, read=2000, write=75, cached=5000), clock=clock)
    assert found.read_per_second == pytest.approx(2000)


def test_no_two_prompts_begin_alike_not_even_in_two_measurements() -> None:
    clock = Clock()
    simulated = Simulated(clock, read=2000, write=75)
    for _ in range(2):
        timed(tier("own"), simulated, concurrency=4, clock=clock)
    beginnings = [prompt.split()[0] for prompt in simulated.prompts]
    assert len(set(beginnings)) == len(beginnings) == 56


def test_a_tier_that_reports_no_tokens_is_told() -> None:
    def silent(_: Send) -> Completion:
        return Completion(text="1", usage=None, stop="length")

    with pytest.raises(TierwiseError, match="does not report how many tokens"):
        timed(tier("own"), silent)


def test_times_that_make_no_sense_are_told() -> None:
    clock = Clock()

    def instant(send: Send) -> Completion:
        return Simulated(Clock(), read=1, write=1)(send)

    with pytest.raises(TierwiseError, match="cannot be told apart"):
        timed(tier("own"), instant, clock=clock)


def test_a_round_that_other_work_disturbed_is_timed_again() -> None:
    """Simulated: the first long prompt takes minutes."""
    clock, told = Clock(), []
    simulated = Simulated(clock, read=2000, write=75)

    def disturbed(send: Send) -> Completion:
        if len(simulated.prompts) == 1:
            clock.now += 100
        return simulated(send)

    found = timed(tier("own"), disturbed, concurrency=1, clock=clock, report=told.append)

    assert (found.read_per_second, found.write_per_second) == (pytest.approx(2000), pytest.approx(75))
    assert told[0] == "a round made no sense, so it is timed again"
    assert len(found.rounds) == 3


def test_absurd_workloads_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 1,024 calls"):
        timed(tier("own"), Simulated(Clock(), read=1, write=1), concurrency=0)


@pytest.mark.local_models
def test_a_real_server_is_timed(llama: str) -> None:
    own = replace(tier("own"), api="openai-chat", model="smollm2", base_url=llama, context=2048)
    assert isinstance(own, Tier)
    clients = Clients(environ={})
    try:
        found = timed(own, clients.complete, concurrency=1, prompt_words=80, max_tokens=24)
    finally:
        clients.close()
    assert min(found.read_per_second, found.write_per_second) > 1
    for reading, writing in found.rounds:
        assert reading.read > 80
        assert reading.written == 1
        assert 1 < writing.written <= 24
