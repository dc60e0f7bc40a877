"""How tokens and costs are spread, in SQL: sorted and counted there, and read as a stream."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from router.attribution import Units
from router.ledger.keys import key_of
from router.ledger.reading import within
from router.ledger.spread import Spread, spread
from router.pricing import usd

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

Side = Literal["read", "written"]

ROWS = 2000
"""How many rows are in memory at once."""

LEAST = 20
"""Of fewer requests nobody can say what is usual."""

NARROWEST = 0.05
"""The least width that log costs are taken to have, so that a feature whose requests all cost alike has outliers at
about a fifth above the usual cost and not at any difference.
"""

_IQR = 1.349
"""How far apart the quartiles of a normal distribution lie, in standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A request that cost far more than is usual in its group ``key``; money in nano-dollars.

    ``z`` is its robust z-score: (log cost - median) / width, both of the group's log costs. ``usual`` is the median.
    """

    decision: str
    created: float
    key: str | None
    cost: int
    usual: int
    z: float

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD."""
        return {
            "decision": self.decision,
            "created": self.created,
            "key": self.key,
            "cost": usd(self.cost),
            "usual": usd(self.usual),
            "times": self.cost / self.usual,
            "z": self.z,
        }


def tokens(
    connection: Connection, side: Side, by: str | None, units: Units, since: float | None, until: float | None
) -> dict[str | None, Spread]:
    """The spread of the prompts' tokens ("read") or the answers' ("written") over calls, in each group."""
    from sqlalchemy import func, select

    from router.ledger.schema import attempts, decisions

    c = attempts.c
    parts = (
        (c.input_tokens, c.cached_input_tokens, c.cache_write_tokens)
        if side == "read"
        else (c.output_tokens, c.reasoning_tokens)
    )
    value: ColumnElement[Any] = parts[0]
    for part in parts[1:]:
        value = value + func.coalesce(part, 0)
    key = attempts.c[by] if by in ("tier", "model") else key_of(connection, by, units)
    joined = attempts.join(decisions, attempts.c.decision_id == decisions.c.id)
    return _spreads(
        connection,
        select(key.label("key"), value.label("value"))
        .select_from(joined)
        .where(c.input_tokens.is_not(None), *within(since, until)),
    )


def costs(
    connection: Connection, by: str, units: Units, since: float | None, until: float | None
) -> dict[str | None, Spread]:
    """The spread of the costs of requests that cost something, in each group."""
    return _spreads(connection, _costing(connection, by, units, since, until))


def outliers(
    connection: Connection, by: str, units: Units, since: float | None, until: float | None, *, z: float, most: int
) -> list[Outlier]:
    """The ``most`` requests with the largest z-scores of at least ``z``, the largest first.

    The width of log costs is their interquartile range / 1.349, the standard deviation where they are normal (Huber,
    Robust Statistics, 1981), and NARROWEST at the least; groups smaller than LEAST have no outliers.
    """
    usual = {key: _bar(each) for key, each in costs(connection, by, units, since, until).items() if each.count >= LEAST}
    bounds = {key: bar.median * math.exp(z * bar.width) for key, bar in usual.items()}
    if not bounds:
        return []
    from sqlalchemy import select

    dear = _costing(connection, by, units, since, until).subquery()
    query = select(dear).where(dear.c.value >= math.floor(min(bounds.values())))
    found = (
        Outlier(
            decision=row.id,
            created=row.created,
            key=row.key,
            cost=int(row.value),
            usual=usual[row.key].median,
            z=math.log(row.value / usual[row.key].median) / usual[row.key].width,
        )
        for row in _streamed(connection, query)
        if row.key in bounds and row.value >= bounds[row.key]
    )
    return heapq.nlargest(most, found, key=lambda each: (each.z, each.cost, each.decision))


@dataclass(frozen=True, slots=True)
class _Bar:
    median: int
    width: float


def _bar(each: Spread) -> _Bar:
    at: Mapping[float, int] = dict(each.quantiles)
    return _Bar(median=at[0.5], width=max(math.log(at[0.75] / at[0.25]) / _IQR, NARROWEST))


def _costing(connection: Connection, by: str, units: Units, since: float | None, until: float | None) -> Select[Any]:
    from sqlalchemy import select

    from router.ledger.schema import decisions

    return select(
        decisions.c.id,
        decisions.c.created,
        key_of(connection, by, units).label("key"),
        decisions.c.cost_nano.label("value"),
    ).where(decisions.c.cost_nano > 0, decisions.c.audit_of.is_(None), *within(since, until))


def _spreads(connection: Connection, values: Select[Any]) -> dict[str | None, Spread]:
    from sqlalchemy import func, select

    one = values.subquery()
    sizes = {
        row.key: int(row.size)
        for row in connection.execute(select(one.c.key, func.count().label("size")).group_by(one.c.key))
    }
    counted = (
        select(one.c.key, one.c.value, func.count().label("often"))
        .group_by(one.c.key, one.c.value)
        .order_by(one.c.key, one.c.value)
    )
    grouped = groupby(_streamed(connection, counted), key=lambda row: row.key)
    return {key: spread(((int(row.value), int(row.often)) for row in rows), sizes[key]) for key, rows in grouped}


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    return iter(connection.execute(query, execution_options={"yield_per": ROWS}))
