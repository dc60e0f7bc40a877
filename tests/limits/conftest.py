"""Stores of limits that tests turn the time of."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from router.limits.gauges import Asking, Leaving, gauges_of
from router.limits.settings import LimitScope, LimitSettings
from router.stores.limits_memory import MemoryLimits
from router.stores.limits_redis import RedisLimits
from tests.budget.conftest import Timepiece
from tests.kit import ask, tier
from tests.servers import own_redis, redis  # noqa: F401

SMALL, LARGE = tier("small"), tier("large")
RANKS = {"high": 0, "normal": 1, "low": 2}
_COUNT = itertools.count()


class Gate:
    """A store of limits with a time of its own, and calls that come to it by name."""

    def __init__(self, store, time, *scopes):
        self.store, self.time, self.scopes = store, time, scopes
        self.orders = {}
        self.turns = {}

    def enter(self, id, *, tokens=1, priority="normal", left=1e9, patience=3600, at=SMALL, lease=60.0, **request):
        """Ask for a turn, again if the call has asked before."""
        asking = Asking(
            id=id,
            tier=at.name,
            gauges=gauges_of(ask(priority=priority, **request), at, self.scopes),
            tokens=tokens,
            rank=RANKS[priority],
            order=self.orders.get(id),
            left=left * 1000,
            patience=patience * 1000,
            lease=int(lease * 1000),
        )
        verdict = self.store.enter(asking)
        self.orders[id] = verdict.order
        self.turns[id] = (asking, verdict)
        return verdict

    def goes(self, id, **options):
        """Whether the call may go now."""
        return self.enter(id, **options).status == "go"

    def leave(self, id, *, spent=None, throttled=None):
        """End the call, or its wait."""
        asking, verdict = self.turns[id]
        leaving = Leaving(
            id=id,
            tier=asking.tier,
            gauges=asking.gauges,
            tokens=asking.tokens,
            day=verdict.day if verdict.status == "go" else None,
            spent=spent,
            throttled=throttled,
        )
        self.store.leave(leaving)
        return leaving


@pytest.fixture(params=("memory", "redis"))
def gate(request):
    """Makes a gate of each kind of store, by ``gate(scope, ...)``."""
    made = []

    def build(*scopes):
        time = Timepiece()
        if request.param == "memory":
            store = MemoryLimits(clock=time)
        else:
            server = request.getfixturevalue("redis")
            settings = LimitSettings(url=server.url, namespace=f"limits-{next(_COUNT)}", timeout=5.0)
            store = RedisLimits(settings, now=time.milliseconds)
        made.append(store)
        return Gate(store, time, *scopes)

    yield build
    for store in made:
        store.close()


def limit(name="all", **changes) -> LimitScope:
    """A limit."""
    return replace(LimitScope(name=name), **changes)
