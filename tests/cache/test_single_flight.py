"""One call for concurrent identical requests: among threads, tasks and processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import pytest

from router.cache.lookup import OPEN, kept, looked_up, settled
from router.cache.ops import Fetch, Fetched, Keep
from router.cache.settings import CacheSettings
from router.decision import Response
from router.drivers import run
from router.errors import BudgetExceeded, RejectedRequest
from router.ops import Now, Op, Send, Sleep
from router.providers.fake import FakeProvider
from router.types import Completion, Request
from tests.cache.conftest import Make
from tests.cache.kit import SCOPE, Gated, made
from tests.kit import Clock, ask, said

PROMPT = "What is 2 + 2?"
REPLIES = {"small": said("4")}


def test_of_many_threads_one_asks_and_all_are_answered(make: Make) -> None:
    provider = Gated(REPLIES)
    cache = made(make(), provider=provider)
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(cache.router.route, PROMPT) for _ in range(16)]
        assert provider.begun.wait(20)
        provider.gate.set()
        answers = [each.result(20) for each in waiting]
    assert len(provider.calls) == 1
    assert {answer.text for answer in answers} == {"4"}
    assert sum(answer.decision.cache is not None for answer in answers) == 15
    cache.router.close()


class Slow(FakeProvider):
    """Answers on the event loop when it is told to."""

    def __init__(self) -> None:
        super().__init__(REPLIES)
        self.gate, self.begun = asyncio.Event(), asyncio.Event()

    async def acomplete(self, send: Send) -> Completion:
        """Wait, then answer."""
        self.begun.set()
        await self.gate.wait()
        return await super().acomplete(send)


def test_of_many_tasks_one_asks_and_all_are_answered(make: Make) -> None:
    async def act() -> list[Response]:
        provider = Slow()
        cache = made(make(), provider=provider)
        tasks = [asyncio.create_task(cache.router.aroute(PROMPT)) for _ in range(8)]
        await provider.begun.wait()
        provider.gate.set()
        answers = await asyncio.gather(*tasks)
        assert len(provider.calls) == 1
        await cache.router.aclose()
        return list(answers)

    assert {answer.text for answer in asyncio.run(act())} == {"4"}


def test_a_cancelled_leader_makes_room_for_the_next() -> None:
    async def act() -> None:
        provider = Slow()
        cache = made(CacheSettings(), provider=provider)
        leader = asyncio.create_task(cache.router.aroute(PROMPT))
        await provider.begun.wait()
        follower = asyncio.create_task(cache.router.aroute(PROMPT))
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        provider.gate.set()
        assert (await follower).text == "4"
        assert len(provider.calls) == 1

    asyncio.run(act())


def _routes(settings: CacheSettings, gate: Any, began: Any, said_so: Connection) -> None:
    """Route once in a process of its own; tell whether a tier was asked."""
    provider = Gated(REPLIES)
    cache = made(settings, provider=provider)
    threading.Thread(target=lambda: (gate.wait(30), provider.gate.set()), daemon=True).start()
    threading.Thread(target=lambda: provider.begun.wait(30) and began.set(), daemon=True).start()
    answer = cache.router.route(PROMPT)
    said_so.send((answer.text, len(provider.calls)))
    cache.router.close()


@pytest.mark.parametrize("make", ["sqlite", "redis", "memcached"], indirect=True)
def test_of_many_processes_one_asks_and_all_are_answered(make: Make) -> None:
    context = multiprocessing.get_context("fork")
    gate, began = context.Event(), context.Event()
    receive, send = context.Pipe()
    others = [context.Process(target=_routes, args=(make(), gate, began, send)) for _ in range(4)]
    for other in others:
        other.start()
    assert began.wait(30)
    gate.set()
    told = [receive.recv() for _ in others if receive.poll(30)]
    for other in others:
        other.join(30)
    assert [text for text, _ in told] == ["4"] * 4
    assert sum(calls for _, calls in told) == 1


@pytest.mark.parametrize("make", ["sqlite", "redis", "memcached"], indirect=True)
def test_a_leader_that_is_killed_is_waited_for_no_longer_than_its_lease(make: Make) -> None:
    """A real process, killed in the middle of its call; its lease is made to run out by asking for a short one."""
    settings = make(lease=1.0)
    context = multiprocessing.get_context("fork")
    gate, began = context.Event(), context.Event()
    _, send = context.Pipe()
    leader = context.Process(target=_routes, args=(settings, gate, began, send))
    leader.start()
    assert began.wait(30)
    assert leader.pid is not None
    os.kill(leader.pid, signal.SIGKILL)
    leader.join(30)
    cache = made(settings, REPLIES)
    assert cache.router.route(PROMPT).text == "4"
    assert len(cache.asked) == 1
    cache.router.close()


def test_when_the_leader_fails_a_follower_leads() -> None:
    script = [RejectedRequest("no", tier="small"), said("4")]
    provider = Gated({"small": script})
    cache = made(CacheSettings(), provider=provider)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(cache.router.route, PROMPT)
        assert provider.begun.wait(20)
        follower = pool.submit(cache.router.route, PROMPT)
        provider.gate.set()
        with pytest.raises(RejectedRequest):
            leader.result(20)
        assert follower.result(20).text == "4"
    assert len(provider.calls) == 2


def test_after_an_answer_that_may_not_be_kept_nobody_waits(make: Make) -> None:
    """Or a hundred refusals would be asked for one after the other."""
    cache = made(make(), {"small": said("I will not.", stop="refusal")})
    began = time.monotonic()
    for _ in range(3):
        assert cache.router.route(PROMPT).decision.notes == ()
    assert time.monotonic() - began < OPEN / 2
    assert len(cache.asked) == 3
    cache.router.close()


def test_an_answer_that_may_be_kept_is_kept_though_nobody_leads() -> None:
    cache = made(CacheSettings(), {"small": [said("I will not.", stop="refusal"), said("4")]})
    answers = [cache.router.route(PROMPT) for _ in range(3)]
    assert [answer.text for answer in answers] == ["I will not.", "4", "4"]
    assert answers[2].decision.cache is not None


class Desk:
    """A cache that says what it is told to, on a clock that only sleeping moves."""

    def __init__(self, *said: Fetched) -> None:
        self.clock, self.said, self.kept = Clock(), list(said), list[Keep]()
        self.shell: dict[type[Op[Any]], Callable[[Any], Any]] = {
            Now: lambda _: self.clock(),
            Sleep: lambda op: self.clock.sleep(op.seconds),
            Fetch: lambda _: self.said.pop(0) if len(self.said) > 1 else self.said[0],
            Keep: self.kept.append,
        }

    def look(self, request: Request, *, within: float, settings: CacheSettings | None = None) -> Any:
        core = looked_up(request, settings or CacheSettings(), lambda: SCOPE, expires=self.clock.now + within)
        return run(core, self.shell)


def test_a_waiting_request_keeps_half_of_its_time_to_make_the_answer_itself() -> None:
    desk = Desk(Fetched(busy=True))
    found = desk.look(ask(), within=8.0)
    assert sum(desk.clock.slept) == pytest.approx(4.0)
    assert found.entry is None
    assert found.key is not None
    note = "It waited 4.00 s for the same request, which is being answered, and then went on."
    assert found.notes == (note,)


def test_a_request_without_a_deadline_waits_as_long_as_the_configuration_says() -> None:
    desk = Desk(Fetched(busy=True))
    desk.look(ask(), within=float("inf"), settings=CacheSettings(wait=3.0))
    assert sum(desk.clock.slept) == pytest.approx(3.0)


def test_the_pauses_grow_up_to_a_quarter_of_a_second() -> None:
    desk = Desk(*[Fetched(busy=True)] * 12, Fetched(lease="t"))
    run(settled(lambda: Fetch("k", ask())), desk.shell)
    assert desk.clock.slept == [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, *[0.25] * 6]


def test_a_follower_that_gets_the_lease_leads_and_gives_it_back() -> None:
    desk = Desk(Fetched(busy=True), Fetched(lease="t"))
    request = ask()
    found = desk.look(request, within=8.0)
    run(kept(found, request, CacheSettings(), None), desk.shell)
    assert [(keep.lease, keep.entry, keep.open) for keep in desk.kept] == [("t", None, 0.0)]


def test_an_answer_to_a_request_that_a_budget_changed_is_not_kept_for_the_one_that_was_asked() -> None:
    desk = Desk(Fetched(lease="t"))
    request = ask()
    found = desk.look(request, within=8.0)
    answer = made(CacheSettings()).router.route("What is 2 + 2?")
    run(kept(found, replace(request, ceiling="small"), CacheSettings(), answer), desk.shell)
    run(kept(found, request, CacheSettings(), answer), desk.shell)
    assert [keep.entry is None for keep in desk.kept] == [True, False]


@pytest.mark.parametrize(
    "error", [RejectedRequest("no", tier="small"), BudgetExceeded("no", budget="b"), ValueError("x")]
)
def test_whatever_ends_a_request_gives_its_lease_back(error: Exception) -> None:
    def fail(_: Request) -> Completion:
        raise error

    cache = made(CacheSettings(), {"small": fail, "large": fail})
    for _ in range(2):
        with pytest.raises(Exception, match=r"no tier answered|no|x"):
            cache.router.route(PROMPT, deadline=60)
    assert all(not decision.notes for decision, _ in cache.book.entries)


def test_a_reader_who_leaves_a_stream_makes_room_for_the_next() -> None:
    cache = made(CacheSettings(), {"large": said("two and two are four")})
    stream = cache.router.stream(PROMPT, floor="large")
    assert next(iter(stream)) == "two"
    stream.close()
    assert "".join(cache.router.stream(PROMPT, floor="large")) == "two and two are four"
    assert len(cache.asked) == 2
    assert cache.book.last.notes == ()
