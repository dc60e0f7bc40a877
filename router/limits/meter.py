"""How limits are kept: the rules, over what one gauge and one tier have in memory. Times in milliseconds.

Rates are kept by the generic cell rate algorithm (ITU-T I.371): one time a rate, at which all that was let through
would have come had it come evenly. Those who wait keep their order, by priority and then by arrival: a call goes when
there is room for it and for all before it, so that nobody is overtaken, nor kept by somebody whom another limit holds
up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from router.limits.gauges import Asking, Gauge, Status, Verdict

MINUTE, DAY = 60_000, 86_400_000
POLL, LONGEST_POLL = 50, 1000
"""Who waits for a call to end asks again after so long for each place in the queue, at most the second."""

GRACE = 2000
"""Who does not ask again this long after it should have has given up."""

ORDER = 2**51
"""Arrivals, in microseconds since the epoch, are below, until 2041; a priority's rank is multiplied by it."""

HALF, LEAST, STEP, STEP_TIME = 0.5, 0.1, 0.1, 10_000
"""A tier whose provider is overloaded is asked at half its rate, at least a tenth; ten seconds later a tenth more."""

_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a call has to wait at one gauge, 0 where it may go, and why it may not at all."""

    time: float
    status: Status = "wait"


@dataclass(slots=True)
class Place:
    """One call in a queue; ``due`` is when it has given up unless it asks again."""

    order: int
    due: float
    tokens: int


@dataclass(slots=True)
class Meter:
    """What one gauge knows: when each rate's next call would come evenly, today's counts, who goes and who waits."""

    requests: float = 0.0
    tokens: float = 0.0
    day: int = 0
    day_requests: int = 0
    day_tokens: int = 0
    leases: dict[str, float] = field(default_factory=dict)
    queue: dict[str, Place] = field(default_factory=dict)

    def tidy(self, now: float) -> None:
        """Forget calls that never ended, those that gave up waiting, and yesterday."""
        self.leases = {id: until for id, until in self.leases.items() if until > now}
        self.queue = {id: place for id, place in self.queue.items() if place.due > now}
        today = int(now // DAY)
        if self.day != today:
            self.day, self.day_requests, self.day_tokens = today, 0, 0

    def wait(self, gauge: Gauge, asking: Asking, order: int, now: float, pace: float) -> Wait:
        """How long ``asking`` has to wait, when all before it go first."""
        scope = gauge.scope
        pace = pace if gauge.tiered else 1.0
        ahead = [p for id, p in self.queue.items() if id != asking.id and (p.order, id) < (order, asking.id)]
        count, tokens = len(ahead), sum(place.tokens for place in ahead)
        if scope.tokens_per_minute is not None and asking.tokens > scope.tokens_per_minute * scope.burst / 60:
            return Wait(0.0, "oversize")
        if scope.requests_per_day is not None and self.day_requests + 1 > scope.requests_per_day:
            return Wait(DAY - now % DAY, "quota")
        if scope.tokens_per_day is not None and self.day_tokens + asking.tokens > scope.tokens_per_day:
            return Wait(DAY - now % DAY, "quota")
        waits = [0.0]
        if scope.requests_per_minute is not None:
            waits.append(_until(self.requests, scope.requests_per_minute * pace, count, 1, scope.burst, now))
        if scope.tokens_per_minute is not None:
            waits.append(_until(self.tokens, scope.tokens_per_minute * pace, tokens, asking.tokens, scope.burst, now))
        if scope.concurrency is not None:
            free = max(int(scope.concurrency * pace), 1) - len(self.leases)
            if count >= free:
                waits.append(min(POLL * (count - free + 1), LONGEST_POLL))
        return Wait(max(waits))

    def take(self, gauge: Gauge, asking: Asking, now: float, pace: float) -> None:
        """Let ``asking`` go."""
        scope = gauge.scope
        pace = pace if gauge.tiered else 1.0
        self.queue.pop(asking.id, None)
        self.leases[asking.id] = now + asking.lease
        if scope.requests_per_minute is not None:
            self.requests = max(self.requests, now) + MINUTE / (scope.requests_per_minute * pace)
        if scope.tokens_per_minute is not None:
            self.tokens = max(self.tokens, now) + asking.tokens * MINUTE / (scope.tokens_per_minute * pace)
        self.day_requests += 1
        self.day_tokens += asking.tokens

    def give_back(self, gauge: Gauge, id: str, more: int, day: int) -> None:
        """End a call that used so many tokens ``more`` than were taken; the second time it is none of ours."""
        if self.leases.pop(id, None) is None:
            return
        if gauge.scope.tokens_per_minute is not None:
            self.tokens += more * MINUTE / gauge.scope.tokens_per_minute
        if day == self.day:
            self.day_tokens = max(self.day_tokens + more, 0)


def _until(even: float, rate: float, ahead: int, own: int, burst: float, now: float) -> float:
    """How long until there is room in a ``rate`` a minute for ``own`` and all ``ahead`` of it."""
    each = MINUTE / rate
    room = max(burst * 1000, own * each)
    wait = max(even, now) + (ahead + own) * each - room - now
    return wait if wait > _EPSILON else 0.0


@dataclass(slots=True)
class Pace:
    """At what share of its rate a tier is asked: halved when its provider says 429, and recovering step by step."""

    share: float = 1.0
    until: float = 0.0

    def at(self, now: float) -> float:
        """The share in force."""
        return min(self.share + STEP * max((now - self.until) // STEP_TIME, 0), 1.0)

    def slow(self, now: float, pause: float) -> None:
        """Ask nothing for ``pause``, then at half the rate; calls that were under way count once together."""
        if now >= self.until:
            self.share = max(self.at(now) * HALF, LEAST)
        self.until = max(self.until, now + pause)


def judged(asking: Asking, waits: Sequence[Wait], *, order: int, now: int, pace: float, pause: float) -> Verdict:
    """What becomes of a call that has so long to wait at each of its gauges, and for ``pause`` at its tier."""
    wait, gauge = pause, None
    for each, found in zip(asking.gauges, waits, strict=True):
        if found.status != "wait":
            return Verdict(status=found.status, wait=found.time, gauge=each, order=order, day=now // DAY, pace=pace)
        if found.time > wait:
            wait, gauge = found.time, each
    status: Status = "go"
    if wait > 0:
        waited = now - order % ORDER // 1000
        status = "late" if waited + wait > asking.patience or wait >= asking.left else "wait"
    return Verdict(status=status, wait=wait, gauge=gauge, order=order, day=now // DAY, pace=pace)
