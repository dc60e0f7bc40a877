"""Performs what the pipeline asks of rate limits and quotas."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from router.drivers import Shell
from router.limits.gauges import Asking, Leaving, gauges_of
from router.limits.ops import Enter, Leave, Turn
from router.limits.sentences import refusal, slowed
from router.limits.settings import LimitSettings
from router.stores.hold_off import HoldOff
from router.stores.limits_memory import MemoryLimits
from router.stores.limits_redis import RedisLimits
from router.stores.limits_store import LimitsAway, LimitStore
from router.types import PRIORITIES

T = TypeVar("T")

_SPARE = 60.0

PAUSE, LONGEST_PAUSE = 1.0, 3600.0
"""Seconds for which a tier is left alone whose provider said 429 and not for how long, and the most that it may say."""


def store_of(settings: LimitSettings) -> LimitStore:
    """The store of ``settings``, not yet connected."""
    return MemoryLimits() if settings.url == "memory" else RedisLimits(settings)


class Limiting:
    """Performs what the pipeline asks of rate limits, from any thread. While the store is away, calls go on without.

    ``clock`` is monotonic.
    """

    def __init__(
        self,
        settings: LimitSettings,
        *,
        store: Callable[[LimitSettings], LimitStore] = store_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._make = store
        self._store = store(settings)
        self._hold_off = HoldOff(LimitsAway, clock=clock)

    @property
    def waits(self) -> bool:
        """Whether an operation waits for a network."""
        return self._settings.url != "memory"

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {Enter: self._enter, Leave: self._leave}

    def update(self, settings: LimitSettings) -> None:
        """Go on with other settings; what is counted stays, as long as the store does."""
        before, self._settings = self._settings, settings
        if _place(before) != _place(settings):
            old, self._store = self._store, self._make(settings)
            self._hold_off.end()
            old.close()

    def close(self) -> None:
        """Let go of connections."""
        self._store.close()

    def _enter(self, op: Enter) -> Turn:
        settings = self._settings
        id, order = (os.urandom(12).hex(), None) if op.place is None else _read(op.place)[:2]
        asking = Asking(
            id=id,
            tier=op.tier.name,
            gauges=gauges_of(op.request, op.tier, settings.scopes),
            tokens=op.tokens,
            rank=PRIORITIES.index(op.request.priority),
            order=order,
            left=op.left * 1000,
            patience=int(settings.patience * 1000),
            lease=int(max(settings.lease, op.tier.timeout + _SPARE) * 1000),
        )
        try:
            verdict = self._asked(lambda store: store.enter(asking))
        except LimitsAway as error:
            return Turn(ticket="", notes=(f"{error}, so no limit was asked.",))
        notes = (slowed(verdict, asking),) if verdict.pace < 1 else ()
        wait = verdict.wait / 1000
        limit = f"tier {op.tier.name}" if verdict.gauge is None else verdict.gauge.scope.name
        if verdict.status == "go":
            return Turn(ticket=f"{id}:{op.tokens}:{verdict.day}", notes=notes)
        if verdict.status == "wait":
            return Turn(wait=wait, place=f"{id}:{verdict.order}:{op.tokens}", limit=limit)
        return Turn(wait=wait, limit=limit, refused=refusal(verdict, asking), notes=notes)

    def _leave(self, op: Leave) -> None:
        if op.ticket == "":
            return  # it was let go without a turn
        gauges = gauges_of(op.request, op.tier, self._settings.scopes)
        throttled = None
        if op.throttled:
            asked = op.retry_after
            asked = PAUSE if asked is None or not math.isfinite(asked) or asked < 0 else min(asked, LONGEST_PAUSE)
            throttled = int(asked * 1000)
        leaving = Leaving(
            id="", tier=op.tier.name, gauges=gauges, tokens=0, day=None, spent=op.tokens, throttled=throttled
        )
        if op.ticket is not None:
            id, tokens, day = op.ticket.split(":")
            leaving = replace(leaving, id=id, tokens=int(tokens), day=int(day))
        elif op.place is not None:
            id, _, count = _read(op.place)
            leaving = replace(leaving, id=id, tokens=count)
        try:
            self._asked(lambda store: store.leave(leaving))
        except LimitsAway:
            return  # its lease runs out by itself

    def _asked(self, ask: Callable[[LimitStore], T]) -> T:
        """What the store says.

        Raises:
            LimitsAway: it cannot say.
        """
        return self._hold_off.ask(lambda: ask(self._store))


def _read(place: str) -> tuple[str, int, int]:
    """The id, the order and the tokens of one that waits."""
    id, order, tokens = place.split(":")
    return id, int(order), int(tokens)


def _place(settings: LimitSettings) -> tuple[object, ...]:
    """What a store is made of: with anything else changed it need not be made anew, and what is in memory stays."""
    if settings.url == "memory":
        return (settings.url,)
    return (settings.url, settings.password_env, settings.namespace, settings.timeout)
