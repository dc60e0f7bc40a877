"""Hours of the day in which something may be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_WRITTEN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """``spans`` of minutes since midnight, (begin, end), in the time ``zone``; one may go on past midnight."""

    spans: tuple[tuple[int, int], ...]
    zone: str = "UTC"

    def wait(self, now: float) -> float:
        """Seconds until the hours begin, 0 within them; ``now`` is in seconds since the epoch.

        Summer time is heeded: the clock on the wall counts, and the wait is in real seconds.
        """
        from datetime import datetime, timedelta
        from zoneinfo import ZoneInfo

        there = datetime.fromtimestamp(now, ZoneInfo(self.zone))
        if any(_within(there, begin, end) for begin, end in self.spans):
            return 0.0
        midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
        begins = (
            (midnight + timedelta(days=day)).replace(hour=begin // 60, minute=begin % 60)
            for day in (0, 1)
            for begin, _ in self.spans
        )
        return min(each.timestamp() - now for each in begins if each.timestamp() > now)


def _within(there: datetime, begin: int, end: int) -> bool:
    minute = there.hour * 60 + there.minute
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def span_of(text: str) -> tuple[int, int] | None:
    """Read hours like "22:00-06:00"; None where they cannot be read, or are of no length."""
    written = _WRITTEN.fullmatch(text.strip().replace(" ", ""))
    if written is None:
        return None
    begin, end = (int(written[place]) * 60 + int(written[place + 1]) for place in (1, 3))
    return None if begin == end or end > _DAY else (begin, end)
