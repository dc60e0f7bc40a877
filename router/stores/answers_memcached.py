"""Cached answers in Memcached, shared by any number of machines."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from router.errors import CacheError
from router.stores.answers import PASSING, Claim, Stock, Unreachable
from router.stores.clears import Clears, read_clears
from router.stores.per_process import PerProcess

if TYPE_CHECKING:
    from pymemcache.client.base import PooledClient

PORT = 11211

_TRIES = 5
_MONTH = 30 * 86_400
"""Seconds above which Memcached takes a duration for a date."""


class MemcachedAnswers:
    """Answers in a Memcached server, under keys that begin with ``namespace``; the server decides what has to go.

    It cannot list what it has, so clearing is a record of what was cleared, read with every entry; it is read so often
    that it is the last to go, and without it no entry counts. It counts whole seconds, so an entry or a lease may last
    up to one longer. Every word with it takes ``timeout`` seconds at most. ``clock`` counts from the epoch.
    """

    waits = True

    def __init__(self, url: str, *, namespace: str, timeout: float, clock: Callable[[], float]) -> None:
        self._url, self._namespace, self._timeout, self._clock = url, namespace, timeout, clock
        self._opened = PerProcess(self._open)

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out and was not cleared."""
        with self._reached() as client:
            return self._current(client, key)

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        with self._reached() as client:
            if not client.add(self._lease(key), token.encode(), expire=self._expire(seconds), noreply=False):
                return Claim(busy=client.get(self._lease(key)) != PASSING)
            value = self._current(client, key)
            if value is None or value == seen:
                return Claim(granted=True)
            self._end(client, key, token)  # it came between the two words
            return Claim(value=value)

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        with self._reached() as client:
            try:
                mark = self._clears(client).mark
                client.set(self._entry(key), mark + value, expire=self._expire(ttl), noreply=False)
            finally:
                if token is not None:
                    self._end(client, key, token)

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        with self._reached() as client:
            self._end(client, key, token, passing=passing)

    def clear(self, tag: str | None, value: str | None) -> None:
        """Forget the entries whose request's ``tag`` was ``value``, all without one; how many is not known."""
        with self._reached() as client:
            for _ in range(_TRIES):
                self._clears(client)
                found, unique = client.gets(self._name)
                if found is None:
                    continue
                later = read_clears(found).with_one(tag, value)
                if client.cas(self._name, later.dump(), unique, noreply=False):
                    return
        raise CacheError(f"{self._url} was cleared by others at the same time; try again")

    def stock(self) -> Stock:
        """What the whole server holds, since it does not tell whose entries they are."""
        with self._reached() as client:
            told = client.stats()
        return Stock(entries=int(told[b"curr_items"]), bytes=int(told[b"bytes"]), shared=True)

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        client = self._opened.pop()
        if client is not None:
            client.close()

    def _entry(self, key: str) -> str:
        return f"{self._namespace}:{key}:answer"

    def _lease(self, key: str) -> str:
        return f"{self._namespace}:{key}:lease"

    def _end(self, client: PooledClient, key: str, token: str, *, passing: float = 0.0) -> None:
        """End the lease of ``token``, if it still has it; nobody else's that comes in between."""
        name = self._lease(key)
        found, mark = client.gets(name)
        if found == token.encode():
            expire = self._expire(passing) if passing > 0 else -1
            client.cas(name, PASSING, mark, expire=expire, noreply=False)

    def _expire(self, seconds: float) -> int:
        whole = max(math.ceil(seconds), 1)
        return whole if whole <= _MONTH else int(self._clock()) + whole

    def _current(self, client: PooledClient, key: str) -> bytes | None:
        """The entry of ``key``, unless it was cleared after it came; what was cleared is asked in the same word."""
        found: dict[str, bytes] = client.get_many([self._entry(key), self._name])
        blob = found.get(self._entry(key))
        if blob is None or self._name not in found:
            return None
        return read_clears(found[self._name]).current(blob)

    def _clears(self, client: PooledClient) -> Clears:
        """What was cleared so far; written down anew where the server has lost it, which loses every entry too."""
        for _ in range(_TRIES):
            found: bytes | None = client.get(self._name)
            if found is not None:
                return read_clears(found)
            client.add(self._name, Clears(epoch=os.urandom(8).hex()).dump(), noreply=False)
        raise CacheError(f"{self._url} keeps nothing")

    @property
    def _name(self) -> str:
        return f"{self._namespace}:cleared"

    @contextmanager
    def _reached(self) -> Iterator[PooledClient]:
        from pymemcache.exceptions import MemcacheError, MemcacheServerError, MemcacheUnexpectedCloseError

        try:
            yield self._opened()
        except TimeoutError as error:
            raise Unreachable(f"{self._url} gave no answer within {self._timeout:g} s") from error
        except MemcacheUnexpectedCloseError as error:
            raise Unreachable(f"{self._url} cannot be reached (the connection was lost)") from error
        except OSError as error:
            raise Unreachable(f"{self._url} cannot be reached ({error.strerror or type(error).__name__})") from error
        except MemcacheServerError as error:
            raise CacheError(f"{self._url} answered: {_said(error)}") from error
        except MemcacheError as error:
            raise CacheError(f"{self._url} answered: {_said(error)}") from error

    @property
    def _address(self) -> tuple[str, int]:
        parts = urlsplit(self._url)
        return parts.hostname or "127.0.0.1", parts.port or PORT

    def _open(self) -> PooledClient:
        from pymemcache.client.base import PooledClient

        return PooledClient(
            self._address,
            connect_timeout=self._timeout,
            timeout=self._timeout,
            no_delay=True,
            default_noreply=False,
        )


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else b""
    return said.decode("ascii", "replace") if isinstance(said, bytes) else str(said) or type(error).__name__
