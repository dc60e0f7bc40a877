"""Batch prices: what the requests cost that could have waited."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from router.batch.settings import BatchSettings
from router.batch.tiers import is_batched
from router.planner.history import Past
from router.planner.lever import Lever, percent
from router.planner.period import Daily, Period
from router.pricing import usd
from router.tiers import Ladder

Tag = tuple[str, str]

CAN_WAIT: frozenset[Tag] = frozenset(
    {
        *(("priority", value) for value in ("low", "batch", "background")),
        *(("urgency", value) for value in ("low", "none")),
        *(("mode", value) for value in ("batch", "offline", "background")),
        ("batch", "true"),
    }
)
"""Tags by which requests are taken for ones that can wait, unless others are named."""

NIGHT = frozenset((22, 23, 0, 1, 2, 3, 4, 5))
"""Hours in which few people wait for an answer."""

_SWITCH = '[batch]\npath = "batch.db"   # then: router.submit(prompt, priority="batch"), or tierwise batch run'


@dataclass(slots=True)
class Waiting:
    """Prices every call at its tier's batch rates; tags say whether its request can wait, at night it may.

    Tiers that ``settings`` (those of a table with nothing in it, without one) ask at once save nothing.
    """

    period: Period
    ladder: Ladder
    zone: tzinfo
    tags: Collection[Tag] = CAN_WAIT
    settings: BatchSettings | None = None
    tagged: Daily = field(init=False)
    night: Daily = field(init=False)
    requests: int = 0
    waits: int = 0
    nightly: int = 0
    spent: int = 0
    unpriced: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    seen: set[Tag] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tagged, self.night = Daily(self.period), Daily(self.period)

    def __call__(self, past: Past) -> None:
        """Take a request up with what its calls would have cost."""
        if past.audit_of is not None or past.batch:
            return
        self.requests += 1
        self.spent += past.cost
        told = {tag for tag in past.tags.items() if tag in self.tags}
        waits = bool(told)
        self.seen |= told
        at_night = datetime.fromtimestamp(past.created, tz=self.zone).hour in NIGHT
        if not waits and not at_night:
            return
        spared = 0
        for tried in past.tried:
            tier = next((each for each in self.ladder.tiers if each.name == tried.tier), None)
            if tier is None or tried.usage is None:
                continue
            if tier.price.batch is None:
                self.unpriced.add(tier.name)
                continue
            if not is_batched(tier, self.settings or BatchSettings()):
                self.elsewhere.add(tier.name)
                continue
            spared += max(tried.cost - tier.cost(tried.usage, batch=True), 0)
        if waits:
            self.waits += 1
            self.tagged.add(past.created, spared)
        else:
            self.nightly += 1
            self.night.add(past.created, spared)

    def lever(self) -> Lever:
        """What the tagged ones would have saved, and at most those of the night too."""
        saves = self.tagged.estimate()
        named = ", ".join(f"{name}={value}" for name, value in sorted(self.seen)) or "none of the tags looked for"
        why = (
            f"{self.waits:,} of {self.requests:,} requests ({percent(self.waits, self.requests)}) are tagged as ones "
            f"that can wait ({named}); {self.nightly:,} more came between 22:00 and 06:00."
        )
        if self.unpriced:
            why += f" No batch price is known for {', '.join(sorted(self.unpriced))}."
        if self.elsewhere:
            why += f" No batch API is asked for {', '.join(sorted(self.elsewhere))}."
        return Lever(
            name="batch prices",
            on=self.settings is not None,
            saves=saves,
            at_most=saves.monthly + self.night.estimate().monthly,
            why=why,
            figures={
                "requests": self.requests,
                "tagged": self.waits,
                "at_night": self.nightly,
                "tags": [f"{name}={value}" for name, value in sorted(self.tags)],
                "saved_in_period_tagged": usd(self.tagged.total),
                "saved_in_period_at_night": usd(self.night.total),
                "no_batch_price": sorted(self.unpriced),
                "no_batch_api": sorted(self.elsewhere),
            },
            risk="Answers come within a day, not within seconds.",
            switch=_SWITCH,
        )
