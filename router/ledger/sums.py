"""Sums over the ledger, in SQL; money in nano-dollars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from router.attribution import UNPRICED, UNROUTED, Units
from router.decision import ANSWERED
from router.ledger.keys import key_of
from router.ledger.reading import within
from router.types import Usage

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    Columns = ReadOnlyColumnCollection[str, Any]

_UNITS = Units()

Sums = Mapping[str, Any]
"""One group's ``key`` and its sums by name; one that is missing is 0."""

# Every zone in use today is a whole number of these away from UTC, so that days of any zone are sums of them.
SLOT = 900
"""Seconds in a quarter of an hour."""


def total(connection: Connection, since: float | None, until: float | None) -> list[Sums]:
    """Sum over all requests: one group, or none without requests."""
    from sqlalchemy import Text, cast, null

    return _by_request(connection, cast(null(), Text), since, until)


def span(connection: Connection, since: float | None, until: float | None) -> tuple[float, float] | None:
    """When the first and the last decision were made; None without any."""
    from sqlalchemy import func, select

    from router.ledger.schema import decisions

    created = decisions.c.created
    # Two queries, each of which the index answers; of both in one, SQLite reads the whole table.
    first, last = (
        connection.execute(select(end(created)).where(*within(since, until))).scalar() for end in (func.min, func.max)
    )
    return None if first is None or last is None else (float(first), float(last))


def by_slot(connection: Connection, since: float | None, until: float | None) -> list[Sums]:
    """Group by quarters of an hour; the key counts them from the epoch."""
    from sqlalchemy import BigInteger, cast, func

    from router.ledger.schema import decisions

    return _by_request(connection, cast(func.floor(decisions.c.created / float(SLOT)), BigInteger), since, until)


def grouped(
    connection: Connection, key: str, since: float | None, until: float | None, units: Units = _UNITS
) -> list[Sums]:
    """Group by "tier", "model", "user", "unit" or a tag's name, with or without ``tag:`` before it."""
    from router.ledger.schema import attempts

    if key in ("tier", "model"):
        return _by_attempt(connection, attempts.c[key], since, until)
    return _by_request(connection, key_of(connection, key, units), since, until)


def _by_request(
    connection: Connection, key: ColumnElement[Any], since: float | None, until: float | None
) -> list[Sums]:
    """Group whole requests by ``key``, an expression over decisions."""
    from sqlalchemy import case, func, select

    from router.ledger.schema import attempts, decisions

    # A subquery, because PostgreSQL does not see that two expressions with parameters are the same.
    request = select(decisions, key.label("key")).where(*within(since, until)).subquery()
    is_audit = request.c.audit_of.is_not(None)
    failed = case((request.c.tier.is_(None) & ~is_audit, 1), else_=0)
    counted = select(
        request.c.key,
        func.sum(case((is_audit, 0), else_=1)).label("requests"),
        func.sum(request.c.cost_nano).label("cost"),
        *_audits(request.c.audit_of.is_not(None) & _asked(request.c.id), request.c.cost_nano),
        func.sum(request.c.escalated).label("escalated"),
        func.sum(failed).label("failed"),
        *_savings(request.c),
    ).group_by(request.c.key)
    tried = (
        select(request.c.key, *_usage(attempts.c, request.c))
        .join_from(request, attempts, attempts.c.decision_id == request.c.id)
        .group_by(request.c.key)
    )
    return _merged(connection, counted, tried)


def _by_attempt(
    connection: Connection, key: ColumnElement[Any], since: float | None, until: float | None
) -> list[Sums]:
    """Group attempts by ``key``, a column of theirs."""
    from sqlalchemy import case, distinct, exists, func, select

    from router.ledger.schema import attempts, decisions

    is_request = decisions.c.audit_of.is_(None)

    def requests(*verdicts: str) -> ColumnElement[int]:
        counted = attempts.c.verdict.in_(verdicts) & is_request
        return func.count(distinct(case((counted, attempts.c.decision_id))))

    later = attempts.alias()
    goes_on = exists().where(
        later.c.decision_id == attempts.c.decision_id, later.c.seq > attempts.c.seq, later.c.verdict != "skipped"
    )
    left = attempts.c.verdict.in_(ANSWERED) & goes_on
    joined = attempts.join(decisions, attempts.c.decision_id == decisions.c.id)
    of_period = within(since, until)
    tried = (
        select(
            key.label("key"),
            requests("accepted", "escalated", "outvoted", "failed").label("requests"),
            func.sum(attempts.c.cost_nano).label("cost"),
            *_audits(~is_request & (attempts.c.verdict != "skipped"), attempts.c.cost_nano),
            func.count(distinct(case((left, attempts.c.decision_id)))).label("escalated"),
            requests("failed").label("failed"),
            *_usage(attempts.c, decisions.c),
        )
        .select_from(joined)
        .where(*of_period)
        .group_by(key)
    )
    answered = (
        select(key.label("key"), *_savings(decisions.c))
        .select_from(joined)
        .where((attempts.c.verdict == "accepted") | ~is_request, *of_period)
        .group_by(key)
    )
    return [
        sums
        for sums in _merged(connection, tried, answered)
        if any(sums.get(name) for name in ("requests", "cost", "audits"))
    ]


def _asked(decision_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a decision asked any tier, and is not only a note about answers that were there."""
    from sqlalchemy import exists

    from router.ledger.schema import attempts

    tried = attempts.alias()
    return exists().where(tried.c.decision_id == decision_id, tried.c.verdict != "skipped")


def _audits(is_audit: ColumnElement[bool], cost: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    from sqlalchemy import case, func

    return [
        func.sum(case((is_audit, 1), else_=0)).label("audits"),
        func.sum(case((is_audit, cost), else_=0)).label("audited"),
    ]


def _usage(attempt: Columns, decision: Columns) -> list[ColumnElement[Any]]:
    from sqlalchemy import case, func

    unreported = attempt.verdict.in_(ANSWERED) & attempt.input_tokens.is_(None)
    in_vain = (attempt.verdict != "accepted") & decision.audit_of.is_(None)
    wasted = case((in_vain, attempt.cost_nano), else_=0)
    unpriced = (attempt.tier == UNROUTED) & (attempt.reason == UNPRICED)
    return [
        func.sum(wasted).label("wasted"),
        func.sum(case((unreported, 1), else_=0)).label("unreported"),
        func.sum(case((unpriced, 1), else_=0)).label("unpriced"),
        *(func.coalesce(func.sum(attempt[name]), 0).label(name) for name in Usage.__slots__),
    ]


def _savings(decision: Columns) -> list[ColumnElement[Any]]:
    from sqlalchemy import case, func

    sums: list[ColumnElement[Any]] = []
    for name, column in (("strong", decision.strong_cost_nano), ("best_single", decision.best_single_cost_nano)):
        is_audit = decision.audit_of.is_not(None)
        known = (decision.tier.is_not(None) | is_audit) & column.is_not(None)
        sums += [
            func.sum(case((known & ~is_audit, 1), else_=0)).label(f"{name}_requests"),
            func.sum(case((known, decision.cost_nano), else_=0)).label(f"{name}_cost"),
            func.sum(case((known, column), else_=0)).label(f"{name}_instead_of"),
        ]
    return sums


def _merged(connection: Connection, *queries: Select[Any]) -> list[Sums]:
    """Run the queries and put together what they say of each key."""
    said: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for query in queries:
        for found in connection.execute(query).mappings():
            said[found["key"]].update(found)
    return list(said.values())
