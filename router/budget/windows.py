"""The time that a budget is for: an hour, a day or a month of a calendar, or a span that rolls on.

Times are milliseconds since the epoch, by the store's clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

Kind = Literal["hour", "day", "month", "rolling"]

CALENDAR: tuple[Kind, ...] = ("hour", "day", "month")
BUCKETS = 60
"""A rolling window forgets in so many buckets: what was spent counts up to one of them longer, and never less."""

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_ROLLING = re.compile(r"rolling\s+(\d{1,4})\s*([mhdw])")
_MINUTE = 60_000
_LEAST, _MOST = 60, 366 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A kind of window. ``seconds`` is the length of one that rolls, ``zone`` the time zone of one that does not."""

    kind: Kind
    seconds: int = 0
    zone: str = "UTC"

    @property
    def words(self) -> str:
        """The window as it is written in a configuration."""
        if self.kind != "rolling":
            return self.kind
        unit = next(unit for unit in ("d", "h", "m") if self.seconds % _UNITS[unit] == 0)
        return f"rolling {self.seconds // _UNITS[unit]}{unit}"

    @property
    def identity(self) -> str:
        """What tells it from windows that are counted apart."""
        return f"{self.kind}/{self.seconds}/{'' if self.kind == 'rolling' else self.zone}"


@dataclass(frozen=True, slots=True)
class Span:
    """One window in time, from ``start`` up to but not including ``stop``, in milliseconds.

    ``width`` is that of the buckets it is summed from: for a window that rolls a part of it, else the whole.
    ``stop`` is None for one that rolls: it has no end.
    """

    start: int
    stop: int | None
    width: int

    def bucket(self, now: int) -> int:
        """The start of the bucket that what is spent ``now`` falls into."""
        return self.start if self.stop is not None else now - now % self.width

    def counts(self, bucket: int) -> bool:
        """Whether any of a bucket lies in the window."""
        return bucket >= self.start if self.stop is not None else bucket + self.width > self.start


def parse(text: str, *, zone: str = "UTC") -> Window | None:
    """Read "hour", "day", "month" or "rolling 7d" (m, h, d or w); None when it is none of these."""
    words = text.strip().lower()
    for kind in CALENDAR:
        if words == kind:
            return Window(kind=kind, zone=zone)
    found = _ROLLING.fullmatch(words)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    return Window(kind="rolling", seconds=seconds) if _LEAST <= seconds <= _MOST else None


def span(window: Window, now: int) -> Span:
    """The window that ``now`` lies in.

    Windows of one kind follow on each other without a gap, also where clocks are put forward or back: an hour is one of
    UTC, a day lasts from one midnight of its zone to the next.
    """
    if window.kind == "rolling":
        length = window.seconds * 1000
        return Span(now - length, None, max(length // BUCKETS, 1))
    return _calendar(window, now // _MINUTE)


@lru_cache(maxsize=1024)
def _calendar(window: Window, minute: int) -> Span:
    """Windows begin and end on whole minutes, so that one answer serves for each."""
    if window.kind == "hour":
        start = minute - minute % 60
        return Span(start * _MINUTE, (start + 60) * _MINUTE, 60 * _MINUTE)
    local = datetime.fromtimestamp(minute * 60, zone_of(window.zone))
    first = local.replace(hour=0, minute=0, second=0, fold=0)
    if window.kind == "month":
        first = first.replace(day=1)
        later = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    else:
        later = (first + timedelta(days=1)).replace(hour=0, minute=0, second=0, fold=0)
    begin, end = round(first.timestamp() * 1000), round(later.timestamp() * 1000)
    return Span(begin, end, end - begin)


def zone_of(name: str) -> tzinfo:
    """The time zone of that name.

    Raises:
        ValueError: there is none.
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone") from error
