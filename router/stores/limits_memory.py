"""Limits of one process, in memory."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from router.limits.gauges import Asking, Gauge, Leaving, Verdict
from router.limits.meter import GRACE, ORDER, Meter, Pace, Place, Wait, judged
from router.stores.per_process import PerProcess


class MemoryLimits:
    """Limits in memory; ``clock`` is in seconds since the epoch.

    From ``most`` gauges on, those that have nothing more to tell, such as users' who are gone, are forgotten.
    """

    name = "memory"

    def __init__(self, *, clock: Callable[[], float] = time.time, most: int = 10_000) -> None:
        self._clock = clock
        self._most = most
        self._lock = PerProcess(threading.Lock)
        self._last = 0
        self._meters: defaultdict[str, Meter] = defaultdict(Meter)
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    def enter(self, asking: Asking) -> Verdict:
        """Let a call go at all its gauges, or at none."""
        with self._lock():
            now = int(self._clock() * 1000)
            order = asking.rank * ORDER + self._arrival(now) if asking.order is None else asking.order
            pace = self._paces[asking.tier]
            share, pause = pace.at(now), max(pace.until - now, 0.0)
            waits = [self._wait(gauge, asking, order, now, share) for gauge in asking.gauges]
            verdict = judged(asking, waits, order=order, now=now, pace=share, pause=pause)
            if verdict.status == "wait":
                full = self._queued(asking, waits, order, now + verdict.wait + GRACE)
                if full is not None:
                    verdict = replace(verdict, status="full", gauge=full)
            if verdict.status == "go":
                for gauge in asking.gauges:
                    self._meters[gauge.id].take(gauge, asking, now, share)
            elif verdict.status != "wait":
                for gauge in asking.gauges:
                    self._meters[gauge.id].queue.pop(asking.id, None)
            return verdict

    def leave(self, leaving: Leaving) -> None:
        """End a call, or its wait."""
        with self._lock():
            now = int(self._clock() * 1000)
            for gauge in leaving.gauges:
                meter = self._meters[gauge.id]
                meter.queue.pop(leaving.id, None)
                if leaving.day is not None:
                    more = 0 if leaving.spent is None else leaving.spent - leaving.tokens
                    meter.give_back(gauge, leaving.id, more, leaving.day)
            if leaving.throttled is not None:
                self._paces[leaving.tier].slow(now, leaving.throttled)
            if len(self._meters) > self._most:
                self._forget(now)

    def close(self) -> None:
        """Nothing is open."""

    def _arrival(self, now: int) -> int:
        """The time in microseconds, and never the same twice."""
        self._last = max(now * 1000, self._last + 1)
        return self._last

    def _wait(self, gauge: Gauge, asking: Asking, order: int, now: int, share: float) -> Wait:
        meter = self._meters[gauge.id]
        meter.tidy(now)
        return meter.wait(gauge, asking, order, now, share)

    def _queued(self, asking: Asking, waits: list[Wait], order: int, due: float) -> Gauge | None:
        """Queue the call where it has to wait and nowhere else; the gauge whose queue is full, None where none is."""
        for gauge, wait in zip(asking.gauges, waits, strict=True):
            queue = self._meters[gauge.id].queue
            if wait.time and asking.id not in queue and len(queue) >= gauge.scope.queue:
                return gauge
        for gauge, wait in zip(asking.gauges, waits, strict=True):
            queue = self._meters[gauge.id].queue
            if wait.time:
                queue[asking.id] = Place(order, due, asking.tokens)
            else:
                queue.pop(asking.id, None)
        return None

    def _forget(self, now: int) -> None:
        """Drop gauges that know nothing that is still of use."""
        for id, meter in list(self._meters.items()):
            meter.tidy(now)
            if not (meter.leases or meter.queue or meter.day_requests or max(meter.requests, meter.tokens) > now):
                del self._meters[id]
