"""``cache_lookup_*``: what looking an answer up costs a request, per store, beside a plain read of the same bytes."""

from __future__ import annotations

import math
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from result import SEED, Result, median, quartiles, rounded, say
from servers import Missing, memcached, redis
from timing import settle

from router import Message, Request
from router.cache.entry import encode
from router.cache.key import Scope, key_of
from router.cache.lookup import looked_up
from router.cache.ops import Cached, Keep
from router.cache.settings import CacheSettings
from router.drivers import run
from router.ops import Now, Sleep
from router.pricing import Price, per_million
from router.stores.caching import Caching
from router.tiers import Ladder, Tier
from training.benchmarks.environments import home

NAMES = ("cache_lookup_memory", "cache_lookup_sqlite", "cache_lookup_redis", "cache_lookup_memcached")

_AGAINST = {
    "memory": "dict.get",
    "sqlite": "sqlite3 SELECT by key",
    "redis": "redis-py GET",
    "memcached": "pymemcache GET",
}
_TIMEOUT = 1.0
_ENTRIES = 1_000
_TIER = Tier(name="own", api="fake", model="m", price=Price(rates=per_million(input=1.0, output=2.0)))
_SCOPE = Scope(policy="p", config="c", profile="default", ladder=Ladder((_TIER,)))


def measure(names: list[str], *, quick: bool) -> Iterator[Result]:
    """Fill each store, then look its answers up in random order, a lookup and a plain read of the same key in turn."""
    rounds = 2 if quick else 20
    for name in names:
        kind = name.removeprefix("cache_lookup_")
        try:
            with _store(kind) as (settings, plain):
                yield _measured(name, kind, settings, plain, rounds)
        except Missing as error:
            say(f"{name}: left out, since {error}")


def _measured(
    name: str, kind: str, settings: CacheSettings, plain: Callable[[list[str], list[bytes]], Callable[[str], Any]],
    rounds: int,
) -> Result:  # fmt: skip
    requests = [_request(number) for number in range(_ENTRIES)]
    keys = [key_of(request, _SCOPE, settings) or "" for request in requests]
    caching = Caching(settings)
    shell = {**caching.shell, Now: lambda _: time.monotonic(), Sleep: lambda op: time.sleep(op.seconds)}
    for request, key in zip(requests, keys, strict=True):
        note = caching.shell[Keep](Keep(key, None, request, _answer()))
        assert note is None, note
    read = plain(keys, [encode(_answer(), {})] * _ENTRIES)
    order = list(range(_ENTRIES))
    dice = random.Random(SEED)
    say(f"{name}: {rounds} rounds over {_ENTRIES:,} answers, a lookup and a {_AGAINST[kind]} in turn")
    settle()
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    missed: list[float] = []

    async def miss(request: Request) -> None:
        """What a request pays that finds nothing and hands its answer in."""
        found = await looked_up(request, settings, lambda: _SCOPE, expires=math.inf)
        assert found.found is not None
        assert found.found.lease is not None, "an answer is there"
        await Keep(found.key or "", found.found.lease, request, _answer())

    for turn in range(rounds + 1):
        dice.shuffle(order)
        mine, other, strange = [], [], []
        for at in order:
            hit = looked_up(requests[at], settings, lambda: _SCOPE, expires=math.inf)
            began = time.perf_counter_ns()
            found = run(hit, shell).entry
            mine.append((time.perf_counter_ns() - began) / 1e3)
            began = time.perf_counter_ns()
            plainly = read(keys[at])
            other.append((time.perf_counter_ns() - began) / 1e3)
            assert found is not None
            assert plainly is not None
        for number in range(_ENTRIES // 10):
            request = _request((turn + 2) * _ENTRIES + number)
            began = time.perf_counter_ns()
            run(miss(request), shell)
            strange.append((time.perf_counter_ns() - began) / 1e3)
        if turn:  # the first round connects and warms up
            ours.append(mine)
            theirs.append(other)
            missed.append(median(strange))
    caching.close()
    p50, p99 = ([_percentile(values, at) for values in ours] for at in (50, 99))
    plain50, plain99 = ([_percentile(values, at) for values in theirs] for at in (50, 99))
    return Result(
        name=name,
        value=median(p50),
        unit="us",
        against=_AGAINST[kind],
        ratio=median(plain50) / median(p50),
        n=rounds * _ENTRIES,
        more={
            "p99": rounded(median(p99)),
            "against_value": rounded(median(plain50)),
            "against_p99": rounded(median(plain99)),
            "ratio_p99": rounded(median(plain99) / median(p99)),
            "quartiles": quartiles(p50),
            "p99_quartiles": quartiles(p99),
            "miss_and_keep": rounded(median(missed)),
        },
    )


def _percentile(values: list[float], at: int) -> float:
    return quantiles(values, n=100, method="inclusive")[at - 1]


def _request(number: int) -> Request:
    """A prompt of about 100 words with a system prompt, each its own."""
    question = f"Question {number}: " + " ".join(f"word{(number * 31 + place) % 997}" for place in range(100))
    return Request(
        messages=(Message(role="system", content="Answer in one sentence."), Message(role="user", content=question)),
        max_tokens=200,
        temperature=0.0,
        tags={"feature": "search"},
    )


def _answer() -> Cached:
    return Cached(
        text="An answer of some eighty words. " * 16, stop="end", tier="own", model="m", decision="0" * 32,
        created=time.time(), cost=1_000, confidence=0.9, strong_cost=10_000,
    )  # fmt: skip


@contextmanager
def _store(kind: str) -> Iterator[tuple[CacheSettings, Callable[[list[str], list[bytes]], Callable[[str], Any]]]]:
    """Settings for an empty store of this kind, and what fills and reads the same kind plainly."""
    if kind == "memory":
        yield CacheSettings(), lambda keys, values: dict(zip(keys, values, strict=True)).get
    elif kind == "sqlite":
        within = home()
        within.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="caches-", dir=within) as folder:
            yield CacheSettings(store="sqlite", path=Path(folder) / "cache.db", timeout=_TIMEOUT), _sqlite(folder)
    elif kind == "redis":
        with redis() as port:
            url = f"redis://127.0.0.1:{port}/0"
            yield (
                CacheSettings(store="redis", url=url, timeout=_TIMEOUT),
                lambda keys, values: _redis(url, keys, values),
            )
    else:
        with memcached() as port:
            url = f"memcached://127.0.0.1:{port}"
            yield (
                CacheSettings(store="memcached", url=url, timeout=_TIMEOUT),
                lambda keys, values: _memcached(port, keys, values),
            )


def _sqlite(folder: str) -> Callable[[list[str], list[bytes]], Callable[[str], Any]]:
    def fill(keys: list[str], values: list[bytes]) -> Callable[[str], Any]:
        connection = sqlite3.connect(Path(folder) / "plain.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE plain (key TEXT PRIMARY KEY, value BLOB)")
        connection.executemany("INSERT INTO plain VALUES (?, ?)", zip(keys, values, strict=True))
        return lambda key: connection.execute("SELECT value FROM plain WHERE key = ?", (key,)).fetchone()

    return fill


def _redis(url: str, keys: list[str], values: list[bytes]) -> Callable[[str], Any]:
    from redis import Redis

    client = Redis.from_url(url, socket_timeout=_TIMEOUT)
    for key, value in zip(keys, values, strict=True):
        client.set(f"plain:{key}", value)
    return lambda key: client.get(f"plain:{key}")


def _memcached(port: int, keys: list[str], values: list[bytes]) -> Callable[[str], Any]:
    from pymemcache.client.base import PooledClient

    client = PooledClient(("127.0.0.1", port), timeout=_TIMEOUT, no_delay=True)
    for key, value in zip(keys, values, strict=True):
        client.set(f"plain:{key}", value, noreply=False)
    return lambda key: client.get(f"plain:{key}")
