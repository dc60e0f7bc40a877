"""Queries that give decisions back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from router.ledger.codec import Entry, decode
from router.ledger.label import LABEL_KEY, Label, decode_label

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

PAGE = 200
"""How many decisions, or labels, are read at once."""

_LABEL_ORDER = ("created", *LABEL_KEY)


def within(since: float | None, until: float | None) -> list[ColumnElement[bool]]:
    """Conditions on decisions: created from ``since`` until before ``until``."""
    from router.ledger.schema import decisions

    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(decisions.c.created >= float(since))
    if until is not None:
        conditions.append(decisions.c.created < float(until))
    return conditions


def page(connection: Connection, since: float | None, until: float | None, *, after: Entry | None) -> list[Entry]:
    """Read the next decisions ``after`` an entry, oldest first."""
    from sqlalchemy import literal, select, tuple_

    from router.ledger.schema import decisions

    created, id = decisions.c.created, decisions.c.id
    query = select(decisions).where(*within(since, until)).order_by(created, id).limit(PAGE)
    if after is not None:
        last = after.decision
        query = query.where(tuple_(created, id) > tuple_(literal(last.created), literal(last.id)))
    return _entries(connection, query)


def count(connection: Connection, since: float | None, until: float | None) -> int:
    """Count decisions."""
    from sqlalchemy import func, select

    from router.ledger.schema import decisions

    query = select(func.count()).select_from(decisions).where(*within(since, until))
    return int(connection.execute(query).scalar_one())


def find(connection: Connection, id: str | None) -> Entry | None:
    """Read one decision, without an id the last that answered somebody."""
    from sqlalchemy import select

    from router.ledger.schema import decisions

    query = select(decisions)
    if id is None:
        query = query.where(decisions.c.audit_of.is_(None))
        query = query.order_by(decisions.c.created.desc(), decisions.c.id.desc()).limit(1)
    else:
        query = query.where(decisions.c.id == id)
    return next(iter(_entries(connection, query)), None)


def label_page(connection: Connection, since: float | None, until: float | None, *, after: Label | None) -> list[Label]:
    """Read the next labels ``after`` one, oldest first."""
    from sqlalchemy import literal, select, tuple_

    from router.ledger.schema import labels

    order = [labels.c[name] for name in _LABEL_ORDER]
    query = select(labels).order_by(*order).limit(PAGE)
    if since is not None:
        query = query.where(labels.c.created >= float(since))
    if until is not None:
        query = query.where(labels.c.created < float(until))
    if after is not None:
        last = (after.created, after.decision_id, after.tier, after.source, after.judge or "")
        query = query.where(tuple_(*order) > tuple_(*map(literal, last)))
    return [decode_label(row) for row in connection.execute(query)]


def costliest(connection: Connection, n: int, since: float | None, until: float | None) -> list[Entry]:
    """Read the ``n`` decisions that cost most, costliest first."""
    from sqlalchemy import select

    from router.ledger.schema import decisions

    order = decisions.c.cost_nano.desc(), decisions.c.created, decisions.c.id
    return _entries(connection, select(decisions).where(*within(since, until)).order_by(*order).limit(n))


def _entries(connection: Connection, query: Select[Any]) -> list[Entry]:
    from sqlalchemy import select

    from router.ledger.schema import attempts

    rows = connection.execute(query).all()
    by_decision: defaultdict[str, list[Any]] = defaultdict(list)
    for start in range(0, len(rows), PAGE):
        ids = [row.id for row in rows[start : start + PAGE]]
        tried = select(attempts).where(attempts.c.decision_id.in_(ids)).order_by(attempts.c.decision_id, attempts.c.seq)
        for attempt in connection.execute(tried):
            by_decision[attempt.decision_id].append(attempt)
    return [decode(row, by_decision[row.id]) for row in rows]
