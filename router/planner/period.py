"""From what a ledger saw in its time to a month, with an interval where its days allow one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from router.pricing import usd

DAY = 86_400
MONTH = 2_629_800
"""Seconds in a twelfth of 365.25 days."""

ENOUGH_DAYS = 7
"""With fewer days there is no interval: what a week does cannot be told."""

_DRAWS = 2_000
_SEED = 20_261_123


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Nano-dollars a month, and the 95 % interval of what another month of such days would give; None without one."""

    monthly: int
    low: int | None = None
    high: int | None = None

    def less(self, fixed: int) -> Estimate:
        """The estimate less ``fixed`` nano-dollars a month."""
        return Estimate(
            monthly=self.monthly - fixed,
            low=None if self.low is None else self.low - fixed,
            high=None if self.high is None else self.high - fixed,
        )

    def as_dict(self) -> dict[str, float | None]:
        """The same for JSON, in USD."""
        return {
            "monthly": usd(self.monthly),
            "low": None if self.low is None else usd(self.low),
            "high": None if self.high is None else usd(self.high),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time that was looked at, in seconds since the epoch. Less than a day counts as a whole one.

    A few minutes of traffic say nothing of a month; taken for a day's they promise too little rather than too much.
    """

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is, at least a day."""
        return max(self.end - self.start, float(DAY))

    @property
    def days(self) -> float:
        """The same in days."""
        return self.seconds / DAY

    def monthly(self, nano: int) -> int:
        """So many nano-dollars (or requests, or tokens) in this time, as those of a month; rounded half to even."""
        return round(Fraction(nano) * MONTH / Fraction(self.seconds))

    @property
    def _count(self) -> int:
        return max(int(self.seconds // DAY), 1)

    def day_of(self, created: float) -> int:
        """Which day of the period a moment is on, from 0; its days are all of one length, a day or little more."""
        place = int((created - self.start) / self.seconds * self._count)
        return min(max(place, 0), self._count - 1)

    def estimate(self, by_day: Mapping[int, int]) -> Estimate:
        """What a month costs (or saves), from the nano-dollars of each :meth:`day_of`; days that lack had none.

        The interval resamples whole days (percentile bootstrap, 2,000 draws of a fixed seed), so it takes days for
        alike and independent: it holds for months like the period, and knows no growth.
        """
        monthly = self.monthly(sum(by_day.values()))
        if self._count < ENOUGH_DAYS:
            return Estimate(monthly=monthly)
        days = np.zeros(self._count)
        for day, nano in by_day.items():
            days[day] += nano
        draws = np.random.default_rng(_SEED).integers(0, len(days), size=(_DRAWS, len(days)))
        sums = days[draws].sum(axis=1)
        low, high = np.quantile(sums, [0.025, 0.975])
        return Estimate(monthly=monthly, low=self.monthly(round(float(low))), high=self.monthly(round(float(high))))

    def notes(self) -> tuple[str, ...]:
        """What a reader must know about a month reckoned from this period."""
        if self.end - self.start < DAY:
            return ("The ledger has less than a day of this traffic; it is taken for a whole day's.",)
        if self.days < ENOUGH_DAYS:
            days = f"{self.days:.1f} days"
            return (f"The ledger has {days} of this traffic: no interval, and nothing of the rhythm of a week.",)
        return ()

    def as_dict(self) -> dict[str, float]:
        """The same for JSON."""
        return {"start": self.start, "end": self.end, "days": self.days}


@dataclass(slots=True)
class Daily:
    """Adds up nano-dollars by the days of a period."""

    period: Period
    by_day: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, created: float, nano: int) -> None:
        """So many at this moment, in seconds since the epoch."""
        self.by_day[self.period.day_of(created)] += nano

    @property
    def total(self) -> int:
        """All of the period's."""
        return sum(self.by_day.values())

    def estimate(self) -> Estimate:
        """A month of such days."""
        return self.period.estimate(self.by_day)
