"""Everything a report of costs says, as plain figures: money in USD, times in seconds since the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from router.analytics.costs import Costs
from router.analytics.periods import Period
from router.analytics.row import Row
from router.ledger import Entry
from router.pricing import usd

BY = ("tier", "model", "feature", "unit", "tenant", "user")
"""What a summary groups by, unless told otherwise."""

_PERIODS = 100
"""More periods than these in one series are hard to tell apart."""

_SECONDS: tuple[tuple[Period, float], ...] = (("day", 86_400.0), ("week", 604_800.0))


def summary(
    costs: Costs,
    *,
    since: float | None = None,
    until: float | None = None,
    zone: str = "UTC",
    by: Sequence[str] = BY,
    every: Period | None = None,
    top: int = 10,
) -> dict[str, Any]:
    """What the ledger says of a time: totals, groups, levers, tokens, outliers and the costliest requests.

    Each group has its ``top`` costliest rows, and the rest in one. Without ``every`` the series goes by days, or by
    the longer periods that leave few enough of them.

    Raises:
        InputError: the zone, a key or the period is unknown.
        LedgerError: there is no ledger, or it cannot be read.
    """
    time = {"since": since, "until": until}
    period, series = _series(costs, every, zone, since, until)
    return {
        "since": since,
        "until": until,
        "zone": zone,
        "total": costs.total(since=since, until=until).as_dict(),
        "by": {key: _grouped(costs.by(key, zone=zone, since=since, until=until), top) for key in by},
        "series": {"every": period, "rows": [row.as_dict() for row in series]},
        "levers": [each.as_dict() for each in costs.levers(since=since, until=until)],
        "cache": costs.cache(since=since, until=until).as_dict(),
        "tokens": {
            "all": [each.as_dict() for each in costs.tokens(since=since, until=until)],
            "by_model": [each.as_dict() for each in costs.tokens("model", since=since, until=until)[:top]],
        },
        "outliers": {
            "by": "feature",
            "rows": [each.as_dict() for each in costs.outliers("feature", n=top, since=since, until=until)],
        },
        "most_expensive": [_call(entry) for entry in costs.most_expensive(top, **time)],
    }


def _series(
    costs: Costs, every: Period | None, zone: str, since: float | None, until: float | None
) -> tuple[Period, list[Row]]:
    if every is not None:
        return every, costs.series(every, zone=zone, since=since, until=until)
    first, last = costs.span(since=since, until=until) or (0.0, 0.0)
    period: Period = next((name for name, size in _SECONDS if (last - first) / size < _PERIODS), "month")
    return period, costs.series(period, zone=zone, since=since, until=until)


def _grouped(rows: Sequence[Row], top: int) -> dict[str, Any]:
    shown, rest = rows[:top], rows[top:]
    return {
        "rows": [row.as_dict() for row in shown],
        "others": len(rest),
        "rest": reduce(add, rest).as_dict() | {"key": None} if rest else None,
    }


def _call(entry: Entry) -> dict[str, Any]:
    """One request without its text."""
    made = entry.decision
    used = [attempt.usage for attempt in made.attempts if attempt.usage is not None]
    return {
        "decision": made.id,
        "created": made.created,
        "cost": usd(made.cost),
        "tier": made.tier,
        "models": list(dict.fromkeys(each.model for each in made.attempts if each.verdict != "skipped")),
        "user": made.user,
        "tags": dict(made.tags),
        "tokens_read": sum(each.prompt_tokens for each in used),
        "tokens_written": sum(each.generated_tokens for each in used),
        "escalated": made.escalated,
    }
