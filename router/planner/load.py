"""How much work a ledger's calls would be for a machine, quarter of an hour by quarter of an hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.ledger import Ledger
from router.planner.history import Past, period_of, visit
from router.planner.period import Estimate, Period
from router.tiers import Ladder

SLOT = 900
"""Seconds in a quarter of an hour: the busiest one decides how many machines there have to be."""

PAID = "as paid"
"""The comparison with what the calls really cost."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Calls by slot, all arrays (n,) of the period's slots in their order, those without calls too.

    ``read`` are prompt tokens that a machine has to read, ``cached`` those that a provider had cached, ``written``
    generated tokens, reasoning included. ``cost`` are nano-dollars by comparison: :data:`PAID`, and each tier that the
    calls might have gone to instead, at their token counts. ``requests`` had at least one such call. ``unreported``
    calls have no token counts, ``unpriced`` ones (made past the router) no known price; both are in no array but
    ``calls``.
    """

    period: Period
    read: Counts
    cached: Counts
    written: Counts
    calls: Counts
    cost: Mapping[str, Counts]
    requests: int
    unreported: int
    tiers: tuple[str, ...]
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, cached ones too."""
        return int(self.read.sum() + self.cached.sum() + self.written.sum())

    @property
    def busiest(self) -> int:
        """Which slot has the most tokens."""
        return int(np.argmax(self.read + self.cached + self.written))

    def estimate(self, comparison: str) -> Estimate:
        """What a month of these calls costs, with an interval by days."""
        by_day: defaultdict[int, int] = defaultdict(int)
        for place, nano in enumerate(self.cost[comparison].tolist()):
            by_day[self.period.day_of(self.period.start + place * SLOT)] += nano
        return self.period.estimate(by_day)

    def as_dict(self) -> dict[str, object]:
        """What everything else is reckoned from, for JSON."""
        place = self.busiest
        return {
            "period": self.period.as_dict(),
            "tiers": list(self.tiers),
            "requests": self.requests,
            "calls": int(self.calls.sum()),
            "calls_without_usage": self.unreported,
            "calls_without_price": self.unpriced,
            "tokens": {
                "read": int(self.read.sum()),
                "cached": int(self.cached.sum()),
                "written": int(self.written.sum()),
            },
            "busiest_quarter_hour": {
                "start": self.period.start + place * SLOT,
                "calls": int(self.calls[place]),
                "read": int(self.read[place]),
                "cached": int(self.cached[place]),
                "written": int(self.written[place]),
            },
        }


@dataclass(slots=True)
class _Gather:
    """Adds up calls by slot while the ledger is read."""

    period: Period
    ladder: Ladder
    wanted: Collection[str]
    slots: dict[int, list[int]] = field(default_factory=dict)
    instead: dict[str, defaultdict[int, int]] = field(default_factory=dict)
    requests: int = 0
    unreported: int = 0
    unpriced: int = 0
    tiers: set[str] = field(default_factory=set)

    def __call__(self, past: Past) -> None:
        called = 0
        for tried in past.tried:
            if tried.verdict in ("skipped", "cached") or (self.wanted and tried.tier not in self.wanted):
                continue
            called += 1
            self.tiers.add(tried.tier)
            place = int((past.created - self.period.start) // SLOT)
            slot = self.slots.setdefault(place, [0, 0, 0, 0, 0])
            slot[0] += 1
            slot[4] += tried.cost
            usage = tried.usage
            if usage is None:
                self.unreported += tried.answered
                continue
            if not tried.priced:
                self.unpriced += 1
                continue
            slot[1] += usage.input_tokens + usage.cache_write_tokens
            slot[2] += usage.cached_input_tokens
            slot[3] += usage.generated_tokens
            for tier in self.ladder.tiers:
                self.instead.setdefault(tier.name, defaultdict(int))[place] += tier.cost(usage, batch=past.batch)
        if called and past.audit_of is None:
            self.requests += 1


def load_of(
    ledger: Ledger,
    ladder: Ladder,
    *,
    tiers: Collection[str] = (),
    since: float | None = None,
    until: float | None = None,
) -> Load:
    """Add up the calls to ``tiers`` (all without any), and price them at every tier of ``ladder``.

    Calls are those that were paid: escalated ones and audits too.

    Raises:
        InputError: there are no such calls.
        LedgerError: there is no ledger, or it cannot be read.
    """
    period = period_of(ledger, since=since, until=until)
    gather = _Gather(period, ladder, frozenset(tiers))
    visit(ledger, period, gather)
    if not gather.slots or not any(slot[1] + slot[3] for slot in gather.slots.values()):
        whose = f" to {', '.join(tiers)}" if tiers else ""
        raise InputError(
            f"the ledger has no calls{whose} with token counts and prices in this time, so there is nothing to plan by"
        )
    count = int(period.seconds // SLOT) + 1
    slots = np.zeros((5, count), np.int64)
    for place, sums in gather.slots.items():
        slots[:, place] = sums
    cost: dict[str, Counts] = {PAID: slots[4]}
    for name, sums_by_place in gather.instead.items():
        cost[name] = np.zeros(count, np.int64)
        for place, nano in sums_by_place.items():
            cost[name][place] = nano
    return Load(
        period=period,
        calls=slots[0],
        read=slots[1],
        cached=slots[2],
        written=slots[3],
        cost=cost,
        requests=gather.requests,
        unreported=gather.unreported,
        unpriced=gather.unpriced,
        tiers=tuple(sorted(gather.tiers)),
    )
