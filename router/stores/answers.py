"""Where cached answers lie: one protocol, and which store a configuration names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from router.cache.settings import CacheSettings
from router.errors import CacheError

PASSING = b"-"
"""In the place of a lease: nobody has to be waited for."""


class Unreachable(CacheError):
    """The store cannot be reached, or does not answer in time, so that the next word with it would not do better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What claiming a key came to: ``granted``, somebody else is ``busy`` with it, or a ``value`` that came meanwhile.

    None of them where nobody has to be waited for.
    """

    granted: bool = False
    busy: bool = False
    value: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a store holds: ``entries``, of ``bytes`` in all, made between ``oldest`` and ``newest`` (seconds since the
    epoch, None where that is not known). ``shared``: a server that cannot say which of them are ours counts them all.
    """

    entries: int
    bytes: int
    oldest: float | None = None
    newest: float | None = None
    shared: bool = False


class Answers(Protocol):
    """Entries by key, and leases on keys whose entry is being made; for any number of threads, also after a fork.

    Every method raises :class:`router.errors.CacheError` with a clause on what went wrong. Times are in seconds.
    ``waits``: it speaks to a disk or a network.
    """

    waits: bool

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out."""
        ...

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        ...

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        ...

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        ...

    def clear(self, tag: str | None, value: str | None) -> int | None:
        """Forget the entries whose request's ``tag`` was ``value``, all without one; how many, None if it is not known.

        For a person who asks and not for a request: it may read all entries.
        """
        ...

    def stock(self) -> Stock:
        """What it holds; likewise."""
        ...

    def close(self) -> None:
        """Let go of connections; the next use makes them anew."""
        ...


def answers_in(settings: CacheSettings, *, clock: Callable[[], float], wall: Callable[[], float]) -> Answers:
    """The store that ``settings`` name, not yet connected; ``clock`` is monotonic, ``wall`` counts from the epoch."""
    if settings.store == "memory":
        from router.stores.answers_memory import MemoryAnswers

        return MemoryAnswers(max_entries=settings.max_entries, max_bytes=settings.max_bytes, clock=clock)
    if settings.store == "sqlite":
        from router.stores.answers_sqlite import SqliteAnswers

        assert settings.path is not None
        return SqliteAnswers(
            settings.path,
            max_entries=settings.max_entries,
            max_bytes=settings.max_bytes,
            timeout=settings.timeout,
            clock=wall,
        )
    assert settings.url is not None
    if settings.store == "redis":
        from router.stores.answers_redis import RedisAnswers

        return RedisAnswers(
            settings.url, namespace=settings.namespace, password_env=settings.password_env, timeout=settings.timeout
        )
    from router.stores.answers_memcached import MemcachedAnswers

    return MemcachedAnswers(settings.url, namespace=settings.namespace, timeout=settings.timeout, clock=wall)
