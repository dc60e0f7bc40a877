"""A Redis server as caches use it: one client a process, made at the first use, for any thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from router.errors import CacheError
from router.stores.answers import Unreachable
from router.stores.per_process import PerProcess

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")


class RedisServer(Generic[T]):
    """The Redis at ``url``; what ``use`` makes of the client is handed out.

    ``password_env`` names the environment variable with the password. Every word with it takes ``timeout`` seconds at
    most: it is tried once and no more, for a request waits.
    """

    def __init__(self, url: str, use: Callable[[Redis], T], *, password_env: str | None, timeout: float) -> None:
        self._url, self._use = url, use
        self._password_env, self._timeout = password_env, timeout
        self._opened = PerProcess(self._open)

    @contextmanager
    def reached(self) -> Iterator[T]:
        """What ``use`` made of the client.

        Raises:
            CacheError: Redis answers with an error; Unreachable where it cannot be asked.
            ImportError: the package redis is not installed.
        """
        from redis import exceptions

        _, used = self._opened()
        try:
            yield used
        except exceptions.TimeoutError as error:
            raise Unreachable(f"{self._url} gave no answer within {self._timeout:g} s") from error
        except exceptions.AuthenticationError as error:
            raise Unreachable(f"{self._url} refused the password, or wants one; see `password_env`") from error
        except exceptions.ConnectionError as error:
            raise Unreachable(f"{self._url} cannot be reached ({_reason(error)})") from error
        except exceptions.OutOfMemoryError as error:
            raise CacheError(f"{self._url} is full: it has reached its `maxmemory`") from error
        except exceptions.RedisError as error:
            raise CacheError(f"{self._url} answered: {str(error).partition(chr(10))[0][:200]}") from error

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        opened = self._opened.pop()
        if opened is not None:
            opened[0].close()

    def _open(self) -> tuple[Redis, T]:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client = Redis.from_url(
            self._url,
            password=None if self._password_env is None else os.environ.get(self._password_env),
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 0),
        )
        return client, self._use(client)


def escaped(text: str) -> str:
    """``text`` for a pattern of SCAN."""
    return "".join(f"\\{sign}" if sign in "*?[]^\\" else sign for sign in text)


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    return cause.strerror or type(cause).__name__ if isinstance(cause, OSError) else "the connection was lost"
