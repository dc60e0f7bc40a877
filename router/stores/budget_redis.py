"""Budgets in Redis: one script, atomic on the server and by the server's clock, for any number of machines."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from router.budget.accounting import Alert, Reading, Standing, bar
from router.budget.accounts import Account
from router.budget.settings import BudgetSettings
from router.budget.windows import Span, span
from router.errors import BudgetError
from router.stores.budget_script import SCRIPT
from router.stores.budget_store import REMEMBERED, Holding, Kept, StoreAway, kept

if TYPE_CHECKING:
    from redis import Redis

_TRIES = 3  # a window may end between two of them, and another clock be wrong, but not thrice


class RedisBudgets:
    """Budgets of ``settings`` in the Redis that its `url` names; connects on first use.

    ``clock`` guesses the server's time, in seconds since the epoch, and is put right by its answers: which window it is
    is the server's to say. ``ahead`` milliseconds are added to the server's clock, for tests.

    Keys share one hash tag, so that they lie in one slot of a cluster.
    """

    def __init__(
        self, settings: BudgetSettings, *, clock: Callable[[], float] = time.time, ahead: Callable[[], int] = lambda: 0
    ) -> None:
        self.name = settings.url
        self._settings = settings
        self._clock = clock
        self._ahead = ahead
        self._offset = 0  # milliseconds by which the server is before us
        self._client: Redis | None = None
        self._script: Any = None

    def survey(self, accounts: Sequence[Account]) -> Reading:
        """How ``accounts`` stand; nothing is written."""
        return self._run("survey", accounts, Holding(id="", most=0, accounts=()), 0)

    def reserve(self, holding: Holding) -> Reading:
        """Set aside in all accounts or in none."""
        return self._run("reserve", holding.accounts, holding, 0)

    def settle(self, holding: Holding, cost: int) -> Reading:
        """Charge ``cost`` in place of what was set aside, once."""
        return self._run("settle", holding.accounts, holding, cost)

    def reset(self, accounts: Sequence[Account]) -> Reading:
        """Forget what was spent."""
        return self._run("reset", accounts, Holding(id="", most=0, accounts=()), 0)

    def known(self) -> list[Kept]:
        """The accounts that have something in them."""

        def read(client: Redis) -> list[Kept]:
            ids: Any = client.zrange(self._key("index"), 0, -1)
            labels: list[Any] = [client.hget(self._key(id), "label") for id in ids]
            return [Kept(**json.loads(label)) for label in labels if label is not None]

        found: list[Kept] = self._performed(read)
        return found

    def close(self) -> None:
        """Let go of connections."""
        client, self._client, self._script = self._client, None, None
        if client is not None:
            client.close()

    def _run(self, mode: str, accounts: Sequence[Account], holding: Holding, cost: int) -> Reading:
        keys = [self._key("index"), self._key(f"settled:{holding.id}")]
        for account in accounts:
            keys += [self._key(account.id), self._key(f"holds:{account.id}")]
        ttl = int(self._settings.ttl * 1000)
        for _ in range(_TRIES):
            guess = int(self._clock() * 1000) + self._offset
            spans = [span(account.scope.window, guess) for account in accounts]
            arguments: list[str | int] = [
                mode,
                holding.id,
                holding.most,
                cost,
                ttl,
                max(ttl, int(REMEMBERED * 1000)),
                self._ahead(),
            ]
            for account, time_of in zip(accounts, spans, strict=True):
                arguments += _described(account, time_of)
            status, now, refused, figures, fired = self._call(keys, arguments)
            if status != "again":
                return self._reading(accounts, int(now), int(refused), figures, fired)
            self._offset += int(now) - guess
        raise BudgetError(f"the budgets' store {self.name} has a clock that jumps; see to its time")

    def _call(self, keys: list[str], arguments: list[str | int]) -> Any:
        return self._performed(lambda _: self._script(keys=keys, args=arguments))

    def _performed(self, act: Callable[[Redis], Any]) -> Any:
        """What ``act`` gives, and any fault as our own.

        Raises:
            StoreAway: Redis cannot be reached, or not in time.
            BudgetError: it answers with an error, or with what a budget cannot be.
        """
        client = self._connected()
        from redis.exceptions import ConnectionError as Disconnected
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as TimedOut

        try:
            return act(client)
        except (Disconnected, TimedOut, OSError) as error:
            raise StoreAway(f"the budgets' store {self.name} cannot be reached ({error})") from error
        except (RedisError, ValueError, TypeError, IndexError) as error:
            raise BudgetError(f"the budgets' store {self.name} cannot be used ({error})") from error

    def _connected(self) -> Redis:
        if self._client is not None:
            return self._client
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.exceptions import ConnectionError as Disconnected
            from redis.retry import Retry
        except ImportError:
            raise BudgetError(
                f"the budgets' store {self.name} needs the package redis; run `pip install 'tierwise[redis]'`"
            ) from None
        settings, password = self._settings, None
        if settings.password_env is not None:
            password = os.environ.get(settings.password_env)
            if not password:
                raise BudgetError(f"the budgets' store {self.name} needs a password; set {settings.password_env}")
        client = Redis.from_url(
            settings.url,
            password=password,
            decode_responses=True,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            retry=Retry(
                NoBackoff(), 1, supported_errors=(Disconnected,)
            ),  # a server that was restarted; all is repeatable
        )
        self._script = client.register_script(SCRIPT)
        self._client = client
        return client

    def _reading(
        self, accounts: Sequence[Account], now: int, refused: int, figures: list[str], fired: list[str]
    ) -> Reading:
        standings = []
        for place, account in enumerate(accounts):
            stop = span(account.scope.window, now).stop
            spent, held = int(figures[2 * place]), int(figures[2 * place + 1])
            resets = None if stop is None else stop / 1000
            standings.append(Standing(account=account, spent=spent, held=held, resets=resets))
        alerts = tuple(
            Alert(standing=standings[int(place) - 1], share=float(share))
            for place, share in zip(fired[::2], fired[1::2], strict=True)
        )
        return Reading(standings=tuple(standings), refused=standings[refused - 1] if refused else None, alerts=alerts)

    def _key(self, rest: str) -> str:
        return f"{{{self._settings.namespace}:budgets}}:{rest}"


def _described(account: Account, time_of: Span) -> list[str | int]:
    """The arguments that tell the script of one account."""
    scope = account.scope
    return [
        scope.limit,
        time_of.start,
        time_of.stop or 0,
        0 if time_of.stop is not None else scope.window.seconds * 1000,
        time_of.width,
        kept(account).label,
        " ".join(f"{share!r}={bar(account, share)}" for share in scope.alerts),
    ]
