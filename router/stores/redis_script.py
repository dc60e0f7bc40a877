"""One script on a Redis server: everything that budgets and limits ask of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis


class RedisFault(Exception):
    """Redis answers with an error, or cannot be asked; the words say why, and never a password."""


class RedisAway(RedisFault):
    """Redis cannot be reached, or not in time."""


class RedisScript:
    """``script``, run on the server at ``url``; connects on first use, and again after a fork or a restart.

    ``password_env`` names the environment variable with the password. An answer is waited for ``timeout`` seconds at
    most. Where a connection was lost, the script is run once more: it must be harmless to run twice.
    """

    def __init__(self, url: str, *, password_env: str | None, timeout: float, script: str) -> None:
        self._url, self._password_env, self._timeout = url, password_env, timeout
        self._text = script
        self._client: Redis | None = None
        self._script: Any = None

    def run(self, keys: Sequence[str], arguments: Sequence[str | int | float]) -> Any:
        """What the script answers.

        Raises:
            RedisFault: it did not.
        """
        return self.ask(lambda _: self._script(keys=keys, args=arguments))

    def ask(self, act: Callable[[Redis], Any]) -> Any:
        """What ``act`` gives, called with the client.

        Raises:
            RedisFault: it failed.
        """
        client = self._connected()
        from redis.exceptions import ConnectionError as Disconnected
        from redis.exceptions import OutOfMemoryError, RedisError
        from redis.exceptions import TimeoutError as TimedOut

        try:
            return act(client)
        except (Disconnected, TimedOut, OSError) as error:
            raise RedisAway(f"it cannot be reached: {error}") from error
        except OutOfMemoryError as error:
            raise RedisFault("it is out of memory") from error
        except (RedisError, ValueError) as error:
            raise RedisFault(f"it answers: {str(error).partition(' script: ')[0]}") from error

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Redis:
        if self._client is not None:
            return self._client
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.exceptions import ConnectionError as Disconnected
            from redis.retry import Retry
        except ImportError:
            raise RedisFault("it needs the package redis; run `pip install 'tierwise[redis]'`") from None
        password = None
        if self._password_env is not None:
            password = os.environ.get(self._password_env)
            if not password:
                raise RedisFault(f"it needs a password; set {self._password_env}")
        client = Redis.from_url(
            self._url,
            password=password,
            decode_responses=True,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
        )
        self._script = client.register_script(self._text)
        self._client = client
        return client
