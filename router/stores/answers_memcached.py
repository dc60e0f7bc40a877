"""Cached answers in Memcached, shared by any number of machines."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from router.errors import CacheError
from router.stores.answers import PASSING, Claim, Unreachable

if TYPE_CHECKING:
    from pymemcache.client.base import PooledClient

PORT = 11211

_PAGE = 100
_MONTH = 30 * 86_400
"""Seconds above which Memcached takes a duration for a date."""


class MemcachedAnswers:
    """Answers in a Memcached server, under keys that begin with ``namespace``; the server decides what has to go.

    It counts whole seconds, so an entry or a lease may last up to one longer. Every word with it takes ``timeout``
    seconds at most. ``clock`` counts from the epoch.
    """

    waits = True

    def __init__(self, url: str, *, namespace: str, timeout: float, clock: Callable[[], float]) -> None:
        self._url, self._namespace, self._timeout, self._clock = url, namespace, timeout, clock
        self._by_process: dict[int, PooledClient] = {}

    def get(self, key: str) -> bytes | None:
        """The entry of ``key`` that has not run out."""
        with self._reached() as client:
            found: bytes | None = client.get(self._entry(key))
        return found

    def claim(self, key: str, *, seen: bytes | None, token: str, seconds: float) -> Claim:
        """Lease ``key`` to ``token``, unless its entry is no longer what was ``seen``, or it is leased."""
        with self._reached() as client:
            if not client.add(self._lease(key), token.encode(), expire=self._expire(seconds), noreply=False):
                return Claim(busy=client.get(self._lease(key)) != PASSING)
            value: bytes | None = client.get(self._entry(key))
            if value is None or value == seen:
                return Claim(granted=True)
            self._end(client, key, token)  # it came between the two words
            return Claim(value=value)

    def put(self, key: str, value: bytes, *, ttl: float, token: str | None) -> None:
        """Keep the entry for ``ttl`` seconds, and end the lease of ``token``."""
        with self._reached() as client:
            try:
                client.set(self._entry(key), value, expire=self._expire(ttl), noreply=False)
            finally:
                if token is not None:
                    self._end(client, key, token)

    def release(self, key: str, *, token: str, passing: float) -> None:
        """End the lease of ``token``; where ``passing`` is above 0, nobody gets or waits for one for so long."""
        with self._reached() as client:
            self._end(client, key, token, passing=passing)

    def scan(self) -> Iterator[tuple[str, bytes]]:
        """Every entry, in no order, a page in memory at a time."""
        begin, end = self._entry("\x00").split("\x00")
        names = [name for name in self._names() if name.startswith(begin) and name.endswith(end)]
        for start in range(0, len(names), _PAGE):
            with self._reached() as client:
                found: dict[str, bytes] = client.get_many(names[start : start + _PAGE])
            for name, value in found.items():
                yield name[len(begin) : -len(end)], value

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the entries of ``keys``."""
        with self._reached() as client:
            for key in keys:
                client.delete(self._entry(key), noreply=False)

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        client = self._by_process.pop(os.getpid(), None)
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

    def _names(self) -> list[str]:
        """Every key of the server.

        Raises:
            CacheError: it does not tell.
        """
        # Not by the client, whose `raw_command` keeps only the last piece of a long answer.
        with self._reached(), socket.create_connection(self._address, timeout=self._timeout) as connection:
            connection.sendall(b"lru_crawler metadump all\r\n")
            with connection.makefile("rb") as said:
                lines = []
                while (line := said.readline()) != b"END\r\n":
                    if not line.startswith(b"key="):
                        raise CacheError(f"{self._url} does not tell which keys it has")
                    lines.append(line)
        return [unquote(line.split(b" ", 1)[0].decode("ascii").removeprefix("key=")) for line in lines]

    @contextmanager
    def _reached(self) -> Iterator[PooledClient]:
        from pymemcache.exceptions import MemcacheError, MemcacheServerError, MemcacheUnexpectedCloseError

        pid = os.getpid()
        client = self._by_process.get(pid) or self._by_process.setdefault(pid, self._open())
        try:
            yield client
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
