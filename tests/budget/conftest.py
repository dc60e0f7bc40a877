"""Stores of budgets that tests turn the time of."""

from __future__ import annotations

import itertools

import pytest

from router.budget.settings import BudgetScope, BudgetSettings
from router.budget.windows import parse
from router.stores.budget_redis import RedisBudgets
from router.stores.budget_sqlite import SqliteBudgets
from tests.servers import own_redis, redis  # noqa: F401

START = 1_795_478_430.0
"""2026-11-24 00:00:30 UTC: half a minute from where windows and buckets end, so that a slow test does not matter."""

_COUNT = itertools.count()


class Timepiece:
    """The time of a store, in seconds since the epoch; it moves only when told to."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def milliseconds(self) -> int:
        """The same, as a server reckons."""
        return int(self.now * 1000)


def scope(name="all", *, limit=1000, window="day", zone="UTC", **changes) -> BudgetScope:
    """A budget; money in nano-dollars."""
    return BudgetScope(name=name, limit=limit, window=parse(window, zone=zone), **changes)


KINDS = ("memory", "sqlite", "redis")


@pytest.fixture(params=KINDS)
def make(request, tmp_path):
    """Makes a store of each kind, by ``make(timepiece)``; two of one test share what they keep, but in memory."""
    yield from making(request.param, request, tmp_path)


@pytest.fixture(params=KINDS[1:])
def make_shared(request, tmp_path):
    """The kinds that processes share."""
    yield from making(request.param, request, tmp_path)


def making(kind, request, tmp_path):
    made = []
    namespace = f"test-{next(_COUNT)}"
    server = request.getfixturevalue("redis") if kind == "redis" else None

    def build(timepiece, *, clock=None, **changes):
        url = {"memory": "memory", "sqlite": f"sqlite:///{tmp_path / 'budgets.db'}"}.get(kind) or server.url
        settings = BudgetSettings(url=url, namespace=namespace, timeout=5.0, **changes)
        if kind == "redis":
            store = RedisBudgets(settings, clock=clock or timepiece, now=timepiece.milliseconds)
        else:
            store = SqliteBudgets(settings, clock=timepiece)
        made.append(store)
        return store

    yield build
    for store in made:
        store.close()
