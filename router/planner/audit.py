"""The audit: every lever of cost control on one ledger, the one that saves most first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from router.assess import Trained, Untrained
from router.config import Config
from router.embed import Vectors
from router.ledger import Ledger
from router.plan import Plan
from router.planner.cheaper import Cheaper, replayed
from router.planner.history import Past, period_of, visit
from router.planner.lever import Lever, Watch
from router.planner.long_answers import LongAnswers
from router.planner.long_prompts import LongPrompts
from router.planner.near_repeats import NearRepeats
from router.planner.period import Daily, Estimate, Period
from router.planner.prefixes import Prefixes
from router.planner.repeats import Repeats
from router.planner.runaways import Runaways
from router.planner.waiting import CAN_WAIT, Tag, Waiting
from router.planner.waste import Waste

OVERLAP = (
    "The levers overlap: an answer from the cache needs no shorter prompt and no batch price. The sums are for each "
    "alone, and do not add up."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the ledger says of each lever. ``cost`` is all spend, audits included; ``hashed`` requests have no text."""

    period: Period
    requests: int
    hashed: int
    cost: Estimate
    levers: tuple[Lever, ...]

    def as_dict(self) -> dict[str, Any]:
        """Every figure for JSON, money in USD."""
        return {
            "period": self.period.as_dict(),
            "requests": self.requests,
            "requests_without_text": self.hashed,
            "cost": self.cost.as_dict(),
            "levers": [lever.as_dict() for lever in self.levers],
            "notes": [*self.period.notes(), OVERLAP],
        }


@dataclass(slots=True)
class _Whole:
    cost: Daily
    requests: int = 0
    hashed: int = 0

    def __call__(self, past: Past) -> None:
        self.cost.add(past.created, past.cost)
        if past.audit_of is None:
            self.requests += 1
            self.hashed += past.request is None


def audit(
    ledger: Ledger,
    config: Config,
    *,
    plan: Plan | None = None,
    since: float | None = None,
    until: float | None = None,
    zone: tzinfo = UTC,
    can_wait: Collection[Tag] = CAN_WAIT,
    embed: Callable[[tuple[str, ...]], Vectors] | None = None,
) -> Audit:
    """Look the ledger through, and reckon what each lever would have saved on it, as dollars a month.

    ``plan`` is what routes now, for a replay; ``can_wait`` are the tags of requests that need no answer at once;
    ``embed`` stands in for the embedder by which questions are compared.

    Raises:
        InputError: the ledger has no requests in that time.
        LedgerError: there is no ledger, or it cannot be read.
    """
    period, ladder = period_of(ledger, since=since, until=until), config.tiers
    whole, cheaper = _Whole(Daily(period)), Cheaper(period, ladder)
    watches: Sequence[Watch] = (
        Repeats(period, config.cache),
        NearRepeats(period, config.cache, embed=embed),
        LongPrompts(period, ladder, config.shorten, Untrained(ladder) if plan is None else plan.assessor),
        LongAnswers(period, ladder, config.output),
        Prefixes(period, ladder),
        Waiting(period, ladder, zone, can_wait, settings=config.batch),
        Waste(period, ladder.tiers[-1].name),
        Runaways(period, config.budgets),
    )
    visit(ledger, period, whole, cheaper, *watches)
    trained = plan is not None and isinstance(plan.assessor, Trained)
    bundle = str(config.policy.bundle) if trained else None
    shares = None if plan is None else replayed(ledger, period, plan, cheaper.collected)
    levers = [*(watch.lever() for watch in watches), cheaper.lever(shares=shares, bundle=bundle)]
    return Audit(
        period=period,
        requests=whole.requests,
        hashed=whole.hashed,
        cost=whole.cost.estimate(),
        levers=tuple(sorted(levers, key=lambda lever: lever.rank)),
    )
