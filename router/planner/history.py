"""What a ledger says of past requests, one after the other, a page in memory at a time."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.attribution import UNPRICED
from router.decision import ANSWERED
from router.errors import InputError
from router.ledger import Ledger
from router.ledger.reading import within
from router.planner.period import Period
from router.types import Usage

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PAGE = 500
# The quotes of a message's own text are escaped, so these are the request's.
_SAMPLED = re.compile(r'(?<!\\)"temperature":\s*0*\.?0*[1-9]')


@dataclass(frozen=True, slots=True)
class Tried:
    """One tier's part in a past request; ``cost`` in nano-dollars, ``usage`` None where none was reported.

    ``priced``: its cost is known; of calls past the router it may not be, and is not 0 then.
    """

    tier: str
    model: str
    verdict: str
    usage: Usage | None
    cost: int
    stop: str | None
    priced: bool

    @property
    def answered(self) -> bool:
        """Whether the tier gave an answer."""
        return self.verdict in ANSWERED


@dataclass(frozen=True, slots=True)
class Past:
    """One past request, or an audit of one; money in nano-dollars.

    ``tier`` is the one whose answer was returned, None without one. ``request`` is the kept request as the ledger's
    JSON text, None where only its hash was kept. ``cache`` is the kind of cache that answered. ``batch``: its calls
    were paid at batch prices; ``shortened``: its prompt was, so that its token counts are not those of ``request``.
    """

    id: str
    created: float
    prompt_hash: str
    tier: str | None
    cost: int
    strong_cost: int | None
    user: str | None
    session: str | None
    tags: Mapping[str, str]
    request: str | None
    policy_version: str
    audit_of: str | None
    upgraded_from: str | None
    cache: str | None
    batch: bool
    shortened: bool
    tried: tuple[Tried, ...]

    def owner(self, name: str) -> str | None:
        """Whose it is, by "user", "session" or a tag."""
        if name == "user":
            return self.user
        return self.session if name == "session" else self.tags.get(name)

    @property
    def sampled(self) -> bool:
        """Whether its answer was drawn at a temperature above 0, as far as its text was kept."""
        return self.request is not None and _SAMPLED.search(self.request) is not None

    @property
    def returned(self) -> Tried | None:
        """The attempt whose answer was returned, unless it came from the cache."""
        return next((each for each in self.tried if each.verdict == "accepted"), None)


Visit = Callable[[Past], None]


def period_of(ledger: Ledger, *, since: float | None, until: float | None) -> Period:
    """The time from the first to the last decision between the bounds, in seconds since the epoch.

    Raises:
        InputError: there is no decision in that time, or it ends before it begins.
        LedgerError: there is no ledger, or it cannot be read.
    """
    if since is not None and until is not None and since >= until:
        raise InputError("the time ends before it begins; choose a --since that is before --until")
    first, last = ledger.read(lambda connection: _ends(connection, since, until))
    if first is None or last is None:
        raise InputError("the ledger has no requests in this time; route some, or choose another time with --since")
    return Period(start=float(first), end=float(last))


def visit(ledger: Ledger, period: Period, *visits: Visit) -> None:
    """Show every decision of ``period`` to each of ``visits``, oldest first, on one state of the ledger.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.
    """

    def read(connection: Connection) -> None:
        for past in _pasts(connection, period):
            for each in visits:
                each(past)

    ledger.read(read)


def _ends(connection: Connection, since: float | None, until: float | None) -> tuple[float | None, float | None]:
    from sqlalchemy import func, select

    from router.ledger.schema import decisions

    created = decisions.c.created
    row = connection.execute(select(func.min(created), func.max(created)).where(*within(since, until))).one()
    return row[0], row[1]


def _pasts(connection: Connection, period: Period) -> Iterator[Past]:
    from sqlalchemy import literal, select, tuple_

    from router.ledger.schema import decisions

    columns = decisions.c
    wanted = select(
        *(columns.id, columns.created, columns.prompt_hash, columns.tier, columns.cost_nano, columns.strong_cost_nano),
        *(columns.user, columns.session, columns.tags, columns.request, columns.policy_version, columns.audit_of),
        *(columns.upgraded_from, columns.cache, columns.levers),
    ).where(columns.created >= period.start, columns.created <= period.end)
    ordered = wanted.order_by(columns.created, columns.id).limit(_PAGE)
    last: Any = None
    while True:
        query = ordered
        if last is not None:
            after = tuple_(literal(last.created), literal(last.id))
            query = ordered.where(tuple_(columns.created, columns.id) > after)
        rows = connection.execute(query).all()
        tried = _tried(connection, [row.id for row in rows])
        for row in rows:
            yield _past(row, tuple(tried[row.id]))
        if len(rows) < _PAGE:
            return
        last = rows[-1]


def _past(row: Any, tried: tuple[Tried, ...]) -> Past:
    return Past(
        id=row.id,
        created=row.created,
        prompt_hash=row.prompt_hash,
        tier=row.tier,
        cost=int(row.cost_nano),
        strong_cost=None if row.strong_cost_nano is None else int(row.strong_cost_nano),
        user=row.user,
        session=row.session,
        tags=json.loads(row.tags),
        request=row.request,
        policy_version=row.policy_version,
        audit_of=row.audit_of,
        upgraded_from=row.upgraded_from,
        cache=row.cache,
        batch='"batch":' in row.levers,
        shortened='"shortened":' in row.levers,
        tried=tried,
    )


def _tried(connection: Connection, ids: list[str]) -> defaultdict[str, list[Tried]]:
    from sqlalchemy import select

    from router.ledger.schema import attempts

    columns = attempts.c
    found: defaultdict[str, list[Tried]] = defaultdict(list)
    wanted = select(
        *(
            columns.decision_id,
            columns.tier,
            columns.model,
            columns.verdict,
            columns.cost_nano,
            columns.stop,
            columns.reason,
        ),
        *(columns[name] for name in Usage.__slots__),
    )
    for row in connection.execute(
        wanted.where(columns.decision_id.in_(ids)).order_by(columns.decision_id, columns.seq)
    ):
        id, tier, model, verdict, cost, stop, reason, *counts = row
        usage = None if counts[0] is None else Usage(**dict(zip(Usage.__slots__, counts, strict=True)))
        found[id].append(Tried(tier, model, verdict, usage, int(cost), stop, reason != UNPRICED))
    return found
