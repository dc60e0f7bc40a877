"""The clock of the simulated month."""

from __future__ import annotations

from benchmarks.month.asks import BEGIN


class Clock:
    """Seconds since the month's beginning; ``now`` is set to each ask's arrival, and sleeping moves it on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """As ``time.monotonic``."""
        return self.now

    def wall(self) -> float:
        """As ``time.time``: seconds since the epoch."""
        return BEGIN + self.now

    def sleep(self, seconds: float) -> None:
        """As ``time.sleep``."""
        self.now += seconds
