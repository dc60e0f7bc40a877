"""From what a ledger saw in its time to a month, with an interval where its days allow one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from router.pricing import NANO, usd

DAY = 86_400
MONTH = 2_629_800
"""Seconds in a twelfth of 365.25 days."""

ENOUGH_DAYS = 7
"""With fewer days there is no interval: what a week does cannot be told."""


HIGHEST = 10**9 * NANO
"""Nano-dollars: a thousand million dollars. Whoever writes a larger amount meant another unit."""


def month_of_hours(hourly: int) -> int:
    """Nano-dollars a month of what costs ``hourly`` nano-dollars, busy or idle; rounded half up."""
    return (hourly * MONTH + 1800) // 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Nano-dollars a month, and the 95 % interval of the mean month of such days; None without one."""

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

        The interval is Student's over the days, taken for alike and independent: it holds for months like the period,
        and knows no growth. What no day went below 0 of, the interval does not either.
        """
        sums = [by_day.get(day, 0) for day in range(self._count)]
        monthly = self.monthly(sum(sums))
        if self._count < ENOUGH_DAYS:
            return Estimate(monthly=monthly)
        days = np.array(sums, float)
        width = _student(self._count - 1) * float(days.std(ddof=1)) / math.sqrt(self._count) * self._count
        low, high = (self.monthly(round(float(days.sum()) + side * width)) for side in (-1, 1))
        return Estimate(monthly=monthly, low=max(low, 0) if min(sums) >= 0 else low, high=high)

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


def _student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun, 26.7.5), to three digits from 6 degrees on."""
    z, n = 1.959964, degrees
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
