"""What the cache of answers did, read from the ledger."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.ledger import Ledger
from router.ledger.reading import within

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What a ledger says of the cache; money in nano-dollars, ages in seconds.

    ``requests`` are all but audits; ``exact`` and ``semantic`` those that the cache answered. ``spared`` is what the
    answers that it handed out had cost, over the ``known`` hits whose first decision the ledger has; ``strong`` what
    the strongest tier would have cost, over the ``strong_known`` hits where that is known. ``mean_age`` and ``oldest``
    are of the answers handed out, None without any. ``by_tier`` counts hits by the tier whose answer it was.
    """

    requests: int
    exact: int = 0
    semantic: int = 0
    spared: int = 0
    known: int = 0
    strong: int = 0
    strong_known: int = 0
    mean_age: float | None = None
    oldest: float | None = None
    by_tier: Mapping[str, int]

    @property
    def hits(self) -> int:
        """Requests that the cache answered."""
        return self.exact + self.semantic

    @property
    def misses(self) -> int:
        """Requests that it did not answer, those included that it was not asked for."""
        return self.requests - self.hits

    @property
    def rate(self) -> float | None:
        """The share of requests that it answered, None without requests."""
        return self.hits / self.requests if self.requests else None


def hits(ledger: Ledger, *, since: float | None = None, until: float | None = None) -> Hits:
    """Sum up what the cache did from ``since`` until before ``until``, in seconds since the epoch.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.
    """
    return ledger.read(lambda connection: _summed(connection, since, until))


def _summed(connection: Connection, since: float | None, until: float | None) -> Hits:
    from sqlalchemy import func, select

    from router.ledger.schema import decisions

    columns = decisions.c
    asked = select(func.count()).where(*within(since, until), columns.audit_of.is_(None))
    requests = int(connection.execute(asked.select_from(decisions)).scalar_one())
    wanted = select(columns.cache, columns.tier, columns.strong_cost_nano, columns.levers)
    rows = connection.execute(wanted.where(*within(since, until), columns.cache.is_not(None)))
    kinds, tiers, sources, ages = Counter[str](), Counter[str](), Counter[str](), list[float]()
    strong = strong_known = 0
    for kind, tier, cost, levers in rows:
        told = json.loads(levers)["cache"]
        kinds[kind] += 1
        tiers[tier] += 1
        sources[told["decision"]] += 1
        ages.append(float(told["age"]))
        if cost is not None:
            strong, strong_known = strong + int(cost), strong_known + 1
    costs = dict(_costs(connection, list(sources)))
    return Hits(
        requests=requests,
        exact=kinds["exact"],
        semantic=kinds["semantic"],
        spared=sum(count * costs[id] for id, count in sources.items() if id in costs),
        known=sum(count for id, count in sources.items() if id in costs),
        strong=strong,
        strong_known=strong_known,
        mean_age=sum(ages) / len(ages) if ages else None,
        oldest=max(ages, default=None),
        by_tier=dict(tiers),
    )


def _costs(connection: Connection, ids: list[str]) -> Iterable[tuple[str, int]]:
    """What each of these decisions cost, of those that the ledger has."""
    from sqlalchemy import select

    from router.ledger.schema import decisions

    for start in range(0, len(ids), _PAGE):
        query: Any = select(decisions.c.id, decisions.c.cost_nano).where(decisions.c.id.in_(ids[start : start + _PAGE]))
        for id, cost in connection.execute(query):
            yield id, int(cost)
