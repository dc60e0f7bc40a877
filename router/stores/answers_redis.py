"""Cached answers in Redis, shared by any number of machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.stores import listed
from router.stores.answers import PASSING, Claim, Stock
from router.stores.redis_server import RedisServer, escaped

if TYPE_CHECKING:
    from redis import Redis

_PAGE = 500

# Both keys of one entry have the same part in braces, so that a cluster keeps them together.
_CLAIM = """
local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return {1, value} end
local lease = redis.call('GET', KEYS[2])
if lease == '-' then return {3} end
if lease then return {2} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {0}
"""
_PUT = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
if tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[1], '-', 'PX', ARGV[2]) else redis.call('DEL', KEYS[1]) end
"""


@dataclass(frozen=True, slots=True)
class _Used:
    """A client, which makes its connections when it needs them, and the scripts."""

    client: Redis
    claim: Any
    put: Any
    release: Any


def _used(client: Redis) -> _Used:
    return _Used(client, *map(client.register_script, (_CLAIM, _PUT, _RELEASE)))


class RedisAnswers:
    """Answers in a Redis server, under keys that begin with ``namespace``; the server decides what has to go.

    ``password_env`` names the environment variable with the password. Every word with it takes ``timeout`` seconds
    at most.
    """

    waits = True

    def __init__(self, url: str, *, namespace: str, password_env: str | None, timeout: float) -> None:
        self._namespace = namespace
        self._server = RedisServer(url, _used, password_env=password_env, timeout=timeout)

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out."""
        with self._server.reached() as used:
            found: Any = used.client.get(self._entry(key))
        return None if found is None else bytes(found)

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        with self._server.reached() as used:
            said = used.claim([self._entry(key), self._lease(key)], [seen or b"", token, _milliseconds(seconds)])
        value = bytes(said[1]) if said[0] == 1 else None
        return Claim(granted=said[0] == 0, busy=said[0] == 2, value=value)

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        with self._server.reached() as used:
            used.put([self._entry(key), self._lease(key)], [value, _milliseconds(ttl), token or ""])

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        with self._server.reached() as used:
            used.release([self._lease(key)], [token, _milliseconds(passing) if passing > 0 else 0])

    def clear(self, tag: str | None, value: str | None) -> int:
        """Forget the entries whose request's ``tag`` was ``value``, all without one; how many they were."""
        return listed.clear(self, tag, value)

    def stock(self) -> Stock:
        """What it holds."""
        return listed.stock(self)

    def scan(self) -> Iterator[tuple[str, bytes]]:
        """Every entry, in no order, a page in memory at a time."""
        begin, end = self._entry("\x00").split("\x00")
        cursor = 0
        while True:
            with self._server.reached() as used:
                pattern = f"{escaped(begin)}*{escaped(end)}"
                found: Any = used.client.scan(cursor, match=pattern, count=_PAGE)
                cursor, names = int(found[0]), found[1]
                values: Any = used.client.mget(names) if names else []
            for name, value in zip(names, values, strict=True):
                if value is not None:
                    yield name.decode()[len(begin) : -len(end)], bytes(value)
            if cursor == 0:
                return

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the entries of ``keys``."""
        with self._server.reached() as used:
            for start in range(0, len(keys), _PAGE):
                used.client.unlink(*(self._entry(key) for key in keys[start : start + _PAGE]))

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        self._server.close()

    def _entry(self, key: str) -> str:
        return f"{self._namespace}:{{{key}}}:answer"

    def _lease(self, key: str) -> str:
        return f"{self._namespace}:{{{key}}}:lease"


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)


assert PASSING == b"-"  # the scripts spell it out
