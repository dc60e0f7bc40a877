"""Hours, days, weeks and months of a time zone, from quarters of an hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from router.errors import InputError

Period = Literal["hour", "day", "week", "month"]
PERIODS: tuple[str, ...] = get_args(Period)


def zone_of(name: str, *, where: str = "") -> tzinfo:
    """The time zone ``name``; ``where`` names the argument in the error.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"{where}{name!r} is no time zone; write it like UTC or Europe/Berlin") from None


def named(period: str) -> Callable[[datetime], str]:
    """What the ``period`` of a moment is called, such that names sort as the periods follow each other.

    Raises:
        InputError: it is no period.
    """
    if period not in _NAMES:
        raise InputError(f"a period is {', '.join(PERIODS)}, not {period!r}")
    return _NAMES[period]


def _hour(moment: datetime) -> str:
    # With its offset, because one hour of a year comes twice; as +00:00, since Z would sort otherwise.
    return moment.isoformat(timespec="hours")


def _week(moment: datetime) -> str:
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"


_NAMES: Mapping[str, Callable[[datetime], str]] = {
    "hour": _hour,
    "day": lambda moment: moment.date().isoformat(),
    "week": _week,
    "month": lambda moment: moment.strftime("%Y-%m"),
}
