"""Which limits a call counts for, and what a store is asked and answers about them. Times in milliseconds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from router.limits.settings import LimitScope
from router.tiers import Tier
from router.types import Request

Status = Literal["go", "wait", "oversize", "quota", "full", "late"]
"""What becomes of a call: it may *go* or has to *wait*; or it asks for more than may come at once (*oversize*), the
day's *quota* is used up, the queue is *full*, or it would be too *late*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The limits of one ``scope`` for one ``value`` of what they are per. ``tiered``: they are those of one tier."""

    id: str
    scope: LimitScope
    value: str | None
    tiered: bool

    @property
    def name(self) -> str:
        """The limit's name in sentences."""
        return self.scope.name if self.scope.per is None else f"{self.scope.name} of {self.scope.per} {self.value!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A call that asks for its turn.

    ``id`` is its own, ``order`` what an earlier asking was given, None the first time. ``left`` is how long its
    deadline is off, ``patience`` how long it may wait at all, ``lease`` how long its place is kept once it goes.
    """

    id: str
    tier: str
    gauges: tuple[Gauge, ...]
    tokens: int
    rank: int
    order: int | None
    left: float
    patience: int
    lease: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A call that is over, or no longer waits. ``spent`` tokens were used, None where that is not known.

    ``tokens`` are those it asked for, ``day`` is that of its turn, None where it had none. ``throttled`` is for how
    long the provider asks to be left alone, None where it does not.
    """

    id: str
    tier: str
    gauges: tuple[Gauge, ...]
    tokens: int
    day: int | None
    spent: int | None
    throttled: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A store's answer: what becomes of the call, and because of which gauge; None stands for the tier itself.

    ``wait`` is how long until it is worth asking again, ``order`` its place among those who wait, ``day`` the day it
    counts for. ``pace`` is the share of its rate at which the tier is asked since its provider was overloaded.
    """

    status: Status
    wait: float
    gauge: Gauge | None
    order: int
    day: int
    pace: float


def gauges_of(request: Request, tier: Tier, scopes: tuple[LimitScope, ...]) -> tuple[Gauge, ...]:
    """The gauges that a call of ``request`` to ``tier`` counts for, in the order of ``scopes``.

    Requests that do not say what a limit is per share one.
    """
    found = []
    for scope in scopes:
        if scope.tier not in (None, tier.name) or request.priority not in scope.priorities:
            continue
        if scope.tag is not None and (request.said(scope.tag) or "") != scope.value:
            continue
        value = None if scope.per is None else tier.name if scope.per == "tier" else request.said(scope.per) or ""
        what = json.dumps([scope.name, scope.per, value])
        found.append(
            Gauge(
                id=hashlib.blake2b(what.encode(), digest_size=16).hexdigest(),
                scope=scope,
                value=value,
                tiered=scope.tier is not None or scope.per == "tier",
            )
        )
    return tuple(found)
