"""Cached answers in the process's own memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from router.errors import CacheError
from router.stores import listed
from router.stores.answers import PASSING, Claim, Stock
from router.stores.per_process import PerProcess


@dataclass(frozen=True, slots=True)
class _Item:
    value: bytes
    ttl: float


@dataclass(slots=True)
class _Held:
    """What one process holds; ``leases`` are tokens with the time at which they run out."""

    items: Any
    leases: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemoryAnswers:
    """Answers in memory, at most so many entries and bytes of them: the least recently used go first.

    A process that was forked begins with none, since its parent's may have been half written.
    """

    waits = False

    def __init__(self, *, max_entries: int, max_bytes: int, clock: Callable[[], float]) -> None:
        self._max_entries, self._max_bytes, self._clock = max_entries, max_bytes, clock
        self._held = PerProcess(self._fresh)

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out."""
        held = self._held()
        with held.lock:
            item: _Item | None = held.items.get(key)
        return None if item is None else item.value

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        held, now = self._held(), self._clock()
        with held.lock:
            item: _Item | None = held.items.get(key)
            if item is not None and item.value != seen:
                return Claim(value=item.value)
            lease, until = held.leases.get(key, (b"", 0.0))
            if lease and until > now:
                return Claim(busy=lease != PASSING)
            held.leases[key] = (token.encode(), now + seconds)
            return Claim(granted=True)

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        held, now = self._held(), self._clock()
        with held.lock:
            _end(held, key, token, now)
            try:
                held.items[key] = _Item(value, ttl)
            except ValueError:
                raise CacheError(
                    f"the answer has {len(value):,} bytes, and `max_bytes` is {self._max_bytes:,}"
                ) from None
            while len(held.items) > self._max_entries:
                held.items.popitem()

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        held, now = self._held(), self._clock()
        with held.lock:
            ended = _end(held, key, token, now)
            if ended and passing > 0:
                _forget(held, now)
                held.leases[key] = (PASSING, now + passing)

    def clear(self, tag: str | None, value: str | None) -> int:
        """Forget the entries whose request's ``tag`` was ``value``, all without one; how many they were."""
        return listed.clear(self, tag, value)

    def stock(self) -> Stock:
        """What it holds."""
        return listed.stock(self)

    def scan(self) -> Iterator[tuple[str, bytes]]:
        """Every entry, in no order."""
        held = self._held()
        with held.lock:
            found = [(str(key), item.value) for key, item in held.items.items()]
        return iter(found)

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the entries of ``keys``."""
        held = self._held()
        with held.lock:
            for key in keys:
                held.items.pop(key, None)

    def close(self) -> None:
        """Forget everything."""
        self._held.pop()

    def _fresh(self) -> _Held:
        from cachetools import TLRUCache

        return _Held(
            TLRUCache(
                self._max_bytes,
                ttu=lambda _, item, now: now + item.ttl,
                timer=self._clock,
                getsizeof=lambda item: len(item.value),
            )
        )


def _end(held: _Held, key: str, token: str | None, now: float) -> bool:
    """End the lease of ``token``, if it still has it."""
    lease, until = held.leases.get(key, (b"", 0.0))
    if token is None or lease != token.encode() or until <= now:
        return False
    del held.leases[key]
    return True


def _forget(held: _Held, now: float) -> None:
    """Drop leases that ran out, lest those that nobody asks for again add up."""
    if len(held.leases) >= 1000:
        for key in [key for key, (_, until) in held.leases.items() if until <= now]:
            del held.leases[key]
