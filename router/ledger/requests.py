"""Requests as flat rows, streamed: what a spreadsheet or a frame has of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from router.ledger.distributions import ROWS
from router.ledger.reading import within
from router.types import Usage

if TYPE_CHECKING:
    from sqlalchemy import Connection

MONEY: Mapping[str, str] = {
    "cost": "cost_nano",
    "strong_cost": "strong_cost_nano",
    "best_single_cost": "best_single_cost_nano",
}
"""Columns of money, in nano-dollars, and what the table calls them."""

COLUMNS = (
    *("id", "created", "user", "session", "start", "tier", "model", "escalated", "latency", "cache", "profile"),
    *("policy_version", "error", "audit_of", *MONEY, *Usage.__slots__, "tags"),
)
"""The names of a row's cells: ``model`` is that of the answer returned, tokens are those of all attempts."""


def rows(connection: Connection, since: float | None, until: float | None) -> Iterator[Mapping[str, Any]]:
    """Every decision, oldest first, audits too; a page in memory at a time."""
    from sqlalchemy import func, select

    from router.decision import RETURNED
    from router.ledger.schema import attempts, decisions

    d, a = decisions.c, attempts.c

    def of_attempts(value: Any, *conditions: Any) -> Any:
        return select(value).where(a.decision_id == d.id, *conditions).correlate(decisions).scalar_subquery()

    cells = {
        "model": of_attempts(func.max(a.model), a.verdict.in_(RETURNED)),
        **{name: d[column] for name, column in MONEY.items()},
        **{name: of_attempts(func.coalesce(func.sum(a[name]), 0)) for name in Usage.__slots__},
    }
    query = (
        select(*((cells[name] if name in cells else d[name]).label(name) for name in COLUMNS))
        .where(*within(since, until))
        .order_by(d.created, d.id)
    )
    for row in connection.execute(query, execution_options={"yield_per": ROWS}):
        yield dict(zip(COLUMNS, row, strict=True))
