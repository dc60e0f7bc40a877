"""Limits in Redis: one script, atomic on the server and by the server's clock, for any number of machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from router.limits.gauges import Asking, Gauge, Leaving, Verdict
from router.limits.settings import LimitSettings
from router.stores.limits_script import SCRIPT
from router.stores.limits_store import LimitsAway
from router.stores.redis_script import RedisFault, RedisScript

_FOREVER = 10**13


class RedisLimits:
    """Limits in the Redis that ``settings`` name; connects on first use.

    ``now`` takes the place of the server's clock, in milliseconds, in tests. Keys share one hash tag, so that they lie
    in one slot of a cluster.
    """

    def __init__(self, settings: LimitSettings, *, now: Callable[[], int] | None = None) -> None:
        self.name = settings.url
        self._settings = settings
        self._now = now
        self._script = RedisScript(
            settings.url, password_env=settings.password_env, timeout=settings.timeout, script=SCRIPT
        )

    def enter(self, asking: Asking) -> Verdict:
        """Let a call go at all its gauges, or at none."""
        left = _FOREVER if asking.left > _FOREVER else int(asking.left)
        order = -1 if asking.order is None else asking.order
        head: list[str | int] = [
            "enter",
            asking.id,
            asking.tokens,
            asking.rank,
            order,
            left,
            asking.patience,
            asking.lease,
            -1,
            0,
            -1,
        ]
        status, wait, place, order, day, pace = self._run(asking.tier, asking.gauges, head)
        return Verdict(
            status=status,
            wait=float(wait),
            gauge=asking.gauges[int(place) - 1] if int(place) else None,
            order=int(order),
            day=int(day),
            pace=float(pace),
        )

    def leave(self, leaving: Leaving) -> None:
        """End a call, or its wait."""
        more = 0 if leaving.spent is None else leaving.spent - leaving.tokens
        day = -1 if leaving.day is None else leaving.day
        pause = -1 if leaving.throttled is None else leaving.throttled
        self._run(leaving.tier, leaving.gauges, ["leave", leaving.id, leaving.tokens, 0, 0, 0, 0, 0, day, more, pause])

    def close(self) -> None:
        """Let go of connections."""
        self._script.close()

    def _run(self, tier: str, gauges: tuple[Gauge, ...], head: list[str | int]) -> Any:
        """The script's answer.

        Raises:
            LimitsAway: Redis cannot be reached in time, or answers with an error.
        """
        keys = [self._key(f"tier:{tier.encode('utf-8', 'surrogatepass').hex()}")]
        arguments: list[str | int | float] = [*head, "" if self._now is None else self._now()]
        for gauge in gauges:
            scope = gauge.scope
            keys += [self._key(f"{kind}:{gauge.id}") for kind in ("gauge", "leases", "queue", "due")]
            arguments += [
                scope.requests_per_minute or 0,
                scope.tokens_per_minute or 0,
                scope.requests_per_day or 0,
                scope.tokens_per_day or 0,
                scope.concurrency or 0,
                int(scope.burst * 1000),
                scope.queue,
                int(gauge.tiered),
            ]
        try:
            return self._script.run(keys, arguments)
        except RedisFault as error:
            raise LimitsAway(f"the limits' store {self.name} cannot be used ({error})") from error

    def _key(self, rest: str) -> str:
        return f"{{{self._settings.namespace}:limits}}:{rest}"
