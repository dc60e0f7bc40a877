"""What the levers did, summed in SQL; money in nano-dollars, tokens in counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.decision import ANSWERED
from router.ledger.keys import noted
from router.ledger.reading import within
from router.types import Usage

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Requests that the cache answered by one ``kind`` of match.

    ``had_cost`` is what making those answers had cost, of the ``traced`` hits whose decision is still in the ledger;
    ``strong`` what the strongest tier would have cost, of the ``compared`` hits where that is known.
    """

    kind: str
    hits: int
    traced: int
    had_cost: int
    compared: int
    strong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Calls of one model that had something to do with a lever, all below the same steps of its price.

    ``prompt_tokens`` is a prompt that lies where theirs do. ``batch``: they were paid at the batch API's prices.
    ``spared`` are the prompt tokens that shortening took away, in estimate, of ``shortened`` calls.
    """

    tier: str
    model: str
    prompt_tokens: int
    batch: bool
    calls: int
    cost: int
    usage: Usage
    shortened: int
    spared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Requests by lever: ``routed`` is all that the cache did not answer and whose ``strong`` cost is known."""

    requests: int
    routed: int
    strong: int
    routed_cost: int
    shortened: int
    batch: int
    prompt_cached: int


def hits(connection: Connection, since: float | None, until: float | None) -> list[Hits]:
    """What the cache answered, by kind of match."""
    from sqlalchemy import func, select

    from router.ledger.schema import decisions

    made = decisions.alias("made")
    query = (
        select(
            decisions.c.cache.label("kind"),
            func.count().label("hits"),
            func.count(made.c.id).label("traced"),
            func.coalesce(func.sum(made.c.cost_nano), 0).label("had_cost"),
            func.count(decisions.c.strong_cost_nano).label("compared"),
            func.coalesce(func.sum(decisions.c.strong_cost_nano), 0).label("strong"),
        )
        .select_from(decisions.outerjoin(made, made.c.id == noted(connection, decisions.c.levers, "cache", "decision")))
        .where(decisions.c.cache.is_not(None), *within(since, until))
        .group_by(decisions.c.cache)
        .order_by(decisions.c.cache)
    )
    return [
        Hits(kind=row["kind"], **{name: int(row[name]) for name in Hits.__slots__ if name != "kind"})
        for row in connection.execute(query).mappings()
    ]


def touched(connection: Connection, since: float | None, until: float | None) -> Touched:
    """How many requests each lever bore upon."""
    from sqlalchemy import case, exists, func, select

    from router.ledger.schema import attempts, decisions

    d = decisions.c
    routed = d.cache.is_(None) & d.tier.is_not(None) & d.strong_cost_nano.is_not(None)
    kept = exists().where(attempts.c.decision_id == d.id, attempts.c.cached_input_tokens > 0)
    said = d.levers != "{}"

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    def total(condition: ColumnElement[bool], of: ColumnElement[Any]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, of), else_=0)), 0)

    query = select(
        func.count().label("requests"),
        count(routed).label("routed"),
        total(routed, d.strong_cost_nano).label("strong"),
        total(routed, d.cost_nano).label("routed_cost"),
        count(said & noted(connection, d.levers, "shortened", "before").is_not(None)).label("shortened"),
        count(said & noted(connection, d.levers, "batch").is_not(None)).label("batch"),
        count(kept).label("prompt_cached"),
    ).where(d.audit_of.is_(None), *within(since, until))
    row = connection.execute(query).mappings().one()
    return Touched(**{name: int(row[name]) for name in Touched.__slots__})


def called(
    connection: Connection, since: float | None, until: float | None, *, steps: Sequence[int] = ()
) -> list[Called]:
    """Calls with a shortened prompt, at batch prices or with a prompt that the provider had cached.

    ``steps`` are the prompt lengths, rising, beyond which any of the prices changes.
    """
    from sqlalchemy import BigInteger, case, cast, func, or_, select

    from router.ledger.schema import attempts, decisions

    a, levers = attempts.c, decisions.c.levers
    prompt = a.input_tokens + func.coalesce(a.cached_input_tokens, 0) + func.coalesce(a.cache_write_tokens, 0)
    before, after = (cast(noted(connection, levers, "shortened", name), BigInteger) for name in ("before", "after"))
    one = (
        select(
            a.tier,
            a.model,
            case(*((prompt > step, step + 1) for step in reversed(steps)), else_=0).label("prompt_tokens")
            if steps
            else (a.input_tokens * 0).label("prompt_tokens"),
            case((noted(connection, levers, "batch").is_not(None), 1), else_=0).label("batch"),
            a.cost_nano.label("cost"),
            case((before.is_not(None), 1), else_=0).label("shortened"),
            func.coalesce(before - after, 0).label("spared"),
            *(func.coalesce(a[name], 0).label(name) for name in Usage.__slots__),
        )
        .select_from(attempts.join(decisions, a.decision_id == decisions.c.id))
        .where(
            a.verdict.in_(ANSWERED),
            a.input_tokens.is_not(None),
            or_(levers != "{}", a.cached_input_tokens > 0, a.cache_write_tokens > 0),
            *within(since, until),
        )
        .subquery()
    )
    keys = (one.c.tier, one.c.model, one.c.prompt_tokens, one.c.batch)
    sums = ("cost", "shortened", "spared", *Usage.__slots__)
    query = (
        select(*keys, func.count().label("calls"), *(func.sum(one.c[name]).label(name) for name in sums))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        Called(
            tier=row["tier"],
            model=row["model"],
            prompt_tokens=int(row["prompt_tokens"]),
            batch=bool(row["batch"]),
            calls=int(row["calls"]),
            cost=int(row["cost"]),
            usage=Usage(**{name: int(row[name]) for name in Usage.__slots__}),
            shortened=int(row["shortened"]),
            spared=int(row["spared"]),
        )
        for row in connection.execute(query).mappings()
    ]
