"""Memory and Redis side by side: the same calls at the same time are told the same, and no limit is ever passed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.limits.settings import LimitSettings
from router.stores.limits_memory import MemoryLimits
from router.stores.limits_redis import RedisLimits
from tests.budget.conftest import Timepiece
from tests.limits.conftest import LARGE, SMALL, Gate, limit

SCOPES = (
    limit("all", requests_per_minute=12, burst=20.0, queue=3),
    limit("tokens", tokens_per_minute=300, tokens_per_day=900, queue=4),
    limit("user", per="user", concurrency=2, requests_per_day=4, queue=2),
    limit("small", tier="small", concurrency=3),
)
CALLS = tuple("abcdefghijkl")
_COUNT = itertools.count()

enters = st.tuples(
    st.just("enter"),
    st.sampled_from(CALLS),
    st.fixed_dictionaries(
        {
            "tokens": st.sampled_from((1, 20, 20, 60, 110, 110, 301)),
            "priority": st.sampled_from(("high", "normal", "low")),
            "user": st.sampled_from(("ann", "bob")),
            "at": st.sampled_from((SMALL, LARGE)),
            "left": st.sampled_from((1e9, 1e9, 5.0)),
            "patience": st.sampled_from((3600, 3600, 30)),
        }
    ),
)
leaves = st.tuples(
    st.just("leave"),
    st.sampled_from(CALLS),
    st.fixed_dictionaries(
        {"spent": st.sampled_from((None, 1, 150)), "throttled": st.sampled_from((None, None, None, 4000))}
    ),
)
waits = st.tuples(st.just("wait"), st.sampled_from((0.001, 0.3, 0.3, 2.0, 2.0, 7.0, 61.0, 86_400.0)), st.none())


@pytest.fixture(scope="module")
def url(redis):
    return redis.url


@given(st.lists(st.one_of(enters, enters, enters, leaves, waits), min_size=25, max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_memory_and_redis_say_the_same_and_hold_every_limit(url, steps):
    time = Timepiece()
    namespace = f"both-{next(_COUNT)}"
    redis = RedisLimits(LimitSettings(url=url, namespace=namespace, timeout=5.0), now=time.milliseconds)
    ours, theirs = Gate(MemoryLimits(clock=time), time, *SCOPES), Gate(redis, time, *SCOPES)
    going: dict[str, tuple[dict, float]] = {}
    asked: dict[str, dict] = {}
    went: list[float] = []
    for kind, what, options in steps:
        if kind == "wait":
            time.now += what
        elif kind == "enter" and what not in going:
            time.now += 0.002  # who comes in one moment comes in no order
            call = asked.setdefault(what, options)  # who asks again asks for the same
            first, second = ours.enter(what, **call), theirs.enter(what, **call)
            assert (first.status, first.gauge, first.order, first.day) == (
                second.status,
                second.gauge,
                second.order,
                second.day,
            )
            assert (first.wait, first.pace) == pytest.approx((second.wait, second.pace), abs=0.01)
            if first.status == "go":
                going[what] = (call, time.now + 60.0)
                went.append(time.now)
        elif kind == "leave" and what in asked:
            ours.leave(what, **options)
            theirs.leave(what, **options)
            going.pop(what, None)
            del asked[what], ours.orders[what], theirs.orders[what]
        alive = [options for options, until in going.values() if until > time.now]
        for user in ("ann", "bob"):
            assert sum(options["user"] == user for options in alive) <= 2
        assert sum(options["at"] is SMALL for options in alive) <= 3
        assert sum(moment > time.now - 60 for moment in went) <= 12 + 12 * 20 // 60  # a minute's and a burst
    redis.close()
