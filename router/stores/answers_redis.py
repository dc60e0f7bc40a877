"""Cached answers in Redis, shared by any number of machines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.errors import CacheError
from router.stores import listed
from router.stores.answers import PASSING, Claim, Stock, Unreachable

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
class _Opened:
    """A client, which makes its connections when it needs them, and the scripts."""

    client: Redis
    claim: Any
    put: Any
    release: Any


class RedisAnswers:
    """Answers in a Redis server, under keys that begin with ``namespace``; the server decides what has to go.

    ``password_env`` names the environment variable with the password. Every word with it takes ``timeout`` seconds
    at most.
    """

    waits = True

    def __init__(self, url: str, *, namespace: str, password_env: str | None, timeout: float) -> None:
        self._url, self._namespace, self._timeout = url, namespace, timeout
        self._password_env = password_env
        self._by_process: dict[int, _Opened] = {}

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out."""
        with self._reached() as opened:
            found: Any = opened.client.get(self._entry(key))
        return None if found is None else bytes(found)

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        with self._reached() as opened:
            said = opened.claim([self._entry(key), self._lease(key)], [seen or b"", token, _milliseconds(seconds)])
        value = bytes(said[1]) if said[0] == 1 else None
        return Claim(granted=said[0] == 0, busy=said[0] == 2, value=value)

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        with self._reached() as opened:
            opened.put([self._entry(key), self._lease(key)], [value, _milliseconds(ttl), token or ""])

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        with self._reached() as opened:
            opened.release([self._lease(key)], [token, _milliseconds(passing) if passing > 0 else 0])

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
            with self._reached() as opened:
                pattern = f"{_escaped(begin)}*{_escaped(end)}"
                found: Any = opened.client.scan(cursor, match=pattern, count=_PAGE)
                cursor, names = int(found[0]), found[1]
                values: Any = opened.client.mget(names) if names else []
            for name, value in zip(names, values, strict=True):
                if value is not None:
                    yield name.decode()[len(begin) : -len(end)], bytes(value)
            if cursor == 0:
                return

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the entries of ``keys``."""
        with self._reached() as opened:
            for start in range(0, len(keys), _PAGE):
                opened.client.unlink(*(self._entry(key) for key in keys[start : start + _PAGE]))

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        opened = self._by_process.pop(os.getpid(), None)
        if opened is not None:
            opened.client.close()

    def _entry(self, key: str) -> str:
        return f"{self._namespace}:{{{key}}}:answer"

    def _lease(self, key: str) -> str:
        return f"{self._namespace}:{{{key}}}:lease"

    @contextmanager
    def _reached(self) -> Iterator[_Opened]:
        from redis import exceptions

        pid = os.getpid()
        opened = self._by_process.get(pid) or self._by_process.setdefault(pid, self._open())
        try:
            yield opened
        except exceptions.TimeoutError as error:
            raise Unreachable(f"{self._url} gave no answer within {self._timeout:g} s") from error
        except exceptions.AuthenticationError as error:
            raise Unreachable(f"{self._url} refused the password, or wants one; see `password_env`") from error
        except exceptions.ConnectionError as error:
            raise Unreachable(f"{self._url} cannot be reached ({_reason(error)})") from error
        except exceptions.OutOfMemoryError as error:
            raise CacheError(f"{self._url} is full: it has reached its `maxmemory`") from error
        except exceptions.RedisError as error:
            raise CacheError(f"{self._url} answered: {_short(error)}") from error

    def _open(self) -> _Opened:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        password = None if self._password_env is None else os.environ.get(self._password_env)
        client = Redis.from_url(
            self._url,
            password=password,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 0),  # a request waits for one try and no more
        )
        return _Opened(
            client, client.register_script(_CLAIM), client.register_script(_PUT), client.register_script(_RELEASE)
        )


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)


def _escaped(text: str) -> str:
    """``text`` for a pattern of SCAN."""
    return "".join(f"\\{sign}" if sign in "*?[]^\\" else sign for sign in text)


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    return cause.strerror or type(cause).__name__ if isinstance(cause, OSError) else "the connection was lost"


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


assert PASSING == b"-"  # the scripts spell it out
