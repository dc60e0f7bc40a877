"""Budgets in Redis: one script, atomic on the server and by the server's clock, for any number of machines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from router.budget.accounting import Alert, Reading, Standing, bar
from router.budget.accounts import Account
from router.budget.settings import BudgetSettings
from router.budget.windows import Span, span
from router.errors import BudgetError
from router.stores.budget_script import SCRIPT
from router.stores.budget_store import REMEMBERED, Holding, Kept, StoreAway, kept
from router.stores.redis_script import RedisAway, RedisFault, RedisScript

if TYPE_CHECKING:
    from redis import Redis

_TRIES = 3  # a window may end between two of them, and another clock be wrong, but not thrice


class RedisBudgets:
    """Budgets of ``settings`` in the Redis that its `url` names; connects on first use.

    ``clock`` guesses the server's time, in seconds since the epoch, and is put right by its answers: which window it is
    is the server's to say. ``now`` takes the place of the server's clock, in tests.

    Keys share one hash tag, so that they lie in one slot of a cluster.
    """

    def __init__(
        self, settings: BudgetSettings, *, clock: Callable[[], float] = time.time, now: Callable[[], int] | None = None
    ) -> None:
        self.name = settings.url
        self._settings = settings
        self._clock = clock
        self._now = now
        self._offset = 0  # milliseconds by which the server is before us
        self._script = RedisScript(
            settings.url, password_env=settings.password_env, timeout=settings.timeout, script=SCRIPT
        )

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

        found: list[Kept] = self._asked(lambda: self._script.ask(read))
        return found

    def close(self) -> None:
        """Let go of connections."""
        self._script.close()

    def _run(self, mode: str, accounts: Sequence[Account], holding: Holding, cost: int) -> Reading:
        keys = [self._key("index"), self._key(f"settled:{holding.id}")]
        for account in accounts:
            keys += [self._key(account.id), self._key(f"holds:{account.id}")]
        ttl = int(holding.ttl * 1000)
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
                "" if self._now is None else self._now(),
            ]
            for account, time_of in zip(accounts, spans, strict=True):
                arguments += _described(account, time_of)
            status, now, refused, figures, fired = self._asked(partial(self._script.run, keys, arguments))
            if status != "again":
                return self._reading(accounts, int(now), int(refused), figures, fired)
            self._offset += int(now) - guess
        raise BudgetError(f"the budgets' store {self.name} has a clock that jumps; see to its time")

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """What ``ask`` gives, and any fault as a budget's.

        Raises:
            BudgetError: it failed; StoreAway where Redis cannot be reached.
        """
        try:
            return ask()
        except RedisAway as error:
            raise StoreAway(f"the budgets' store {self.name} cannot be used ({error})") from error
        except (RedisFault, ValueError, TypeError, IndexError) as error:
            raise BudgetError(f"the budgets' store {self.name} cannot be used ({error})") from error

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
