"""Limits from end to end: through the router, with fake tiers and a clock that moves when somebody waits."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from router.config import Config
from router.engine import Router
from router.errors import RateLimited, Throttled
from router.limits.ops import Enter, Leave
from router.limits.settings import LimitSettings
from router.planning import levers_of
from router.providers.fake import FakeProvider
from router.stores.hold_off import HOLD_OFF
from router.stores.limiting import Limiting
from router.stores.limits_memory import MemoryLimits
from router.stores.limits_redis import RedisLimits
from tests.kit import Book, Clock, ask, ladder, said, tier, two_tiers
from tests.limits.conftest import limit
from tests.servers import redis_server


def made(limits, replies, *, clock=None):
    """A router that is happy with small answers; the limits' clock is its own."""
    clock = clock or Clock()
    config = Config.of(ladder("small", "large").tiers, limits=limits)
    parts = replace(two_tiers(confidence=0.9), **levers_of(config))
    provider = FakeProvider(replies)
    router = Router(config, plan=parts, provider=provider, ledger=Book(), clock=clock, sleep=clock.sleep)
    router._outside._levers._made["limits"]._store = MemoryLimits(clock=clock)
    return router, provider, clock


def limits(**changes):
    return {"scope": [{"name": "all"} | changes]}


def test_a_call_waits_for_its_turn_and_its_decision_says_so():
    router, provider, clock = made(limits(requests_per_minute=2), {"small": said("4")})
    decisions = [router.route("2 + 2?").decision for _ in range(3)]
    assert len(provider.calls) == 3
    assert clock.slept == [pytest.approx(30, abs=0.01)]
    assert [decision.notes for decision in decisions] == [(), (), ("It waited 30.00 s for a turn at small.",)]


def test_a_call_that_would_pass_its_deadline_is_refused_at_once():
    router, provider, clock = made(limits(requests_per_minute=2), {"small": said("4")})
    router.route("2 + 2?"), router.route("2 + 2?")
    with pytest.raises(Throttled, match=r"limit 'all' leaves no room at 'large' for 30\.0 s") as refused:
        router.route("2 + 2?", deadline=20)
    assert refused.value.retry_after == pytest.approx(30, abs=0.01)
    assert refused.value.limit == "all"
    assert (clock.slept, len(provider.calls)) == ([], 2)


def test_a_quota_that_is_used_up_is_refused_until_the_day_is_over():
    router, _, _ = made(limits(requests_per_day=1), {"small": said("4")})
    router.route("2 + 2?")
    with pytest.raises(Throttled, match="the day's quota of limit 'all' is used up; a new day begins in"):
        router.route("2 + 2?")


def test_a_call_larger_than_its_limit_is_told_what_to_do():
    router, _, _ = made(limits(tokens_per_minute=100), {"small": said("4")})
    with pytest.raises(
        Throttled, match="may take 1,025 tokens, and limit 'all' lets at most 100 through at once; lower"
    ):
        router.route("2 + 2?")


def test_tokens_are_put_right_by_what_the_answer_took():
    router, _, clock = made(limits(tokens_per_minute=2000), {"small": said("4")})
    for _ in range(50):  # 13 tokens each, of at least a thousand that it might be
        router.route("2 + 2?")
    assert clock.slept == []


def test_a_full_tier_is_passed_over_for_another():
    router, provider, _ = made(limits(requests_per_minute=1, tier="small"), {"small": said("4"), "large": said("4")})
    tiers = [router.route("2 + 2?", deadline=10).decision.tier for _ in range(2)]
    assert tiers == ["small", "large"]
    assert [call.tier.name for call in provider.calls] == tiers


def test_a_provider_that_says_429_is_left_alone_by_everybody_and_then_asked_less():
    limited = RateLimited("too many", tier="small", retry_after=12.0)
    router, _, clock = made(limits(concurrency=8, tier="small"), {"small": [limited, said("4"), said("4")]})
    decision = router.route("2 + 2?").decision
    assert decision.tier == "small"
    assert clock.slept == [12.0]
    assert decision.notes == ("small said 429, so its limits are at 50% until it has recovered.",)
    clock.now += 60
    assert router.route("2 + 2?").decision.notes == ()


def test_calls_are_under_way_no_more_than_allowed_at_once_and_none_is_dropped():
    config = Config.of(ladder("small", "large").tiers, limits=limits(concurrency=3))
    parts = replace(two_tiers(confidence=0.9), **levers_of(config))
    under_way, most, lock = [0], [0], threading.Lock()

    def answer(_):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        barrier.wait(0.01)
        with lock:
            under_way[0] -= 1
        return said("4")

    barrier = threading.Event()
    router = Router(config, plan=parts, provider=FakeProvider({"small": answer}), ledger=Book())
    found = list(router.route_many(["2 + 2?"] * 20, workers=10))
    assert [each.text for each in found] == ["4"] * 20
    assert 1 < most[0] <= 3


def test_a_task_that_is_cancelled_while_it_waits_leaves_the_queue():
    config = Config.of(ladder("small", "large").tiers, limits=limits(concurrency=1))
    parts = replace(two_tiers(confidence=0.9), **levers_of(config))

    async def both():
        router = Router(config, plan=parts, provider=FakeProvider({"small": said("4")}, delay=0.2), ledger=Book())
        first = asyncio.create_task(router.aroute("2 + 2?"))
        second = asyncio.create_task(router.aroute("3 + 3?"))
        await asyncio.wait((first, second), timeout=0.1)
        (meter,) = router._outside._levers._made["limits"]._store._meters.values()
        waiting = len(meter.queue)
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        return waiting, meter

    waiting, meter = asyncio.run(both())
    assert (waiting, meter.queue, meter.leases) == (1, {}, {})


# the performer alone


def performer(url, clock, **changes):
    return Limiting(LimitSettings(scopes=(limit(concurrency=1),), url=url, timeout=0.2, **changes), clock=clock)


def enter(performer):
    return performer.shell[Enter](Enter(ask(), tier("small"), 10))


def leave(performer, turn):
    performer.shell[Leave](Leave(ask(), tier("small"), turn.ticket, turn.place))


def test_without_a_store_calls_go_on_and_say_so(tmp_path):
    server = redis_server(tmp_path)
    limits = performer(server.url, Clock())
    turns = [enter(limits) for _ in range(3)]
    assert all(turn.ticket is not None for turn in turns)
    assert f"the limits' store {server.url} cannot be used (it cannot be reached" in turns[0].notes[0]
    assert turns[0].notes[0].endswith("so no limit was asked.")
    leave(limits, turns[0])


def test_a_store_that_comes_back_is_asked_again_after_a_while(own_redis):
    clock = Clock()
    limits = performer(own_redis.url, clock)
    own_redis.stop()
    assert enter(limits).notes
    own_redis.start()
    assert enter(limits).notes  # it is left alone for a moment
    clock.now += HOLD_OFF
    turns = [enter(limits), enter(limits)]
    assert [turn.ticket is not None for turn in turns] == [True, False]
    leave(limits, turns[0])
    assert enter(limits).ticket is None  # the one that waits goes first
    leave(limits, turns[1])


def test_a_store_that_hangs_is_waited_for_no_longer_than_its_timeout(own_redis):
    limits = performer(own_redis.url, Clock())
    leave(limits, enter(limits))
    own_redis.freeze()
    turn = enter(limits)
    own_redis.thaw()
    assert turn.ticket is not None
    assert "Timeout" in turn.notes[0]


def test_a_damaged_store_lets_calls_go_on(own_redis):
    import redis

    limits = performer(own_redis.url, Clock())
    leave(limits, enter(limits))
    with redis.Redis.from_url(own_redis.url) as client:
        for key in client.keys("*"):
            client.delete(key)
            client.set(key, "x")
    assert "cannot be used (it answers: WRONGTYPE" in enter(limits).notes[0]


def test_other_settings_keep_what_is_counted():
    limits = performer("memory", Clock())
    turn = enter(limits)
    limits.update(LimitSettings(scopes=(limit(concurrency=2),)))
    assert [enter(limits).ticket is not None for _ in range(2)] == [True, False]
    leave(limits, turn)


def test_two_machines_share_their_limits(own_redis):
    first, second = performer(own_redis.url, Clock()), performer(own_redis.url, Clock())
    turn = enter(first)
    assert enter(second).ticket is None
    leave(first, turn)
    assert isinstance(first._store, RedisLimits)


def test_what_waiting_cannot_help_is_one_sentence_each():
    limits = Limiting(LimitSettings(scopes=(limit(concurrency=1, queue=0),)), clock=Clock())
    turn = enter(limits)
    assert enter(limits).refused == "limit 'all' leaves no room, and its queue of 0 is full"
    limits.shell[Leave](Leave(ask(), tier("small"), turn.ticket, None, 10, throttled=True, retry_after=120.0))
    paused = enter(limits)
    assert paused.limit == "tier small"
    assert "the provider of 'small' asked to be left alone for another 1" in paused.refused
    limits.close()


@pytest.mark.parametrize(("asked", "paused"), [(None, 1), (float("nan"), 1), (-5.0, 1), (1e9, 3600), (7.5, 7.5)])
def test_an_odd_retry_after_is_taken_for_what_it_can_be(asked, paused):
    limits = Limiting(LimitSettings(scopes=(limit(concurrency=9),), patience=86_400.0), clock=Clock())
    turn = enter(limits)
    limits.shell[Leave](Leave(ask(), tier("small"), turn.ticket, None, 10, throttled=True, retry_after=asked))
    assert enter(limits).wait == pytest.approx(paused, abs=0.5)


def test_another_store_is_taken_up_where_the_configuration_names_one(own_redis):
    limits = performer("memory", Clock())
    enter(limits)
    limits.update(LimitSettings(scopes=(limit(concurrency=1),), url=own_redis.url))
    assert limits.waits
    assert enter(limits).ticket is not None
    limits.close()


def test_users_who_have_nothing_under_way_are_forgotten_in_time():
    clock = Clock()
    store = MemoryLimits(clock=clock, most=10)
    limits = Limiting(LimitSettings(scopes=(limit(per="user", requests_per_minute=60),)), store=lambda _: store)
    for place in range(30):
        turn = limits.shell[Enter](Enter(ask(user=f"u{place}"), tier("small"), 1))
        limits.shell[Leave](Leave(ask(user=f"u{place}"), tier("small"), turn.ticket))
        clock.now += 86_400
    assert len(store._meters) <= 11
