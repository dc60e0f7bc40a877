"""Choosing the rule: every candidate is replayed over the tuning split through the runtime's own cascade."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from router.cascade import Plan
from router.errors import InputError
from router.policy import Always, CostAware, Keep, Rule, Thresholds
from router.pricing import usd
from training.records import Records
from training.replay import costs_of, qualities_of, remembering, replay_all, with_rule

GRID = 11
"""Quantiles of the observed chances that plain thresholds are tried at."""

LEAST = 1e-6
"""The lowest bar that is tried: it accepts everything but a refusal."""

LAMBDAS = 41
"""Values of quality per dollar that are tried, evenly on a log scale."""


@dataclass(frozen=True)
class Objective:
    """What tuning is for. ``target_quality``: the cheapest rule with at least this share of the strongest tier's
    quality. ``budget``: the best rule of at most so many USD per 1,000 requests. With both, the cheapest that
    meets the target within the budget; with neither, the best quality that costs less than the strongest tier.
    """

    target_quality: float | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        if self.target_quality is not None and not 0 < self.target_quality <= 2:
            raise InputError(
                f"target quality is a share of the strongest tier's (0.95, say), not {self.target_quality}"
            )
        if self.budget is not None and not self.budget > 0:
            raise InputError(f"the budget is in USD per 1,000 requests and above 0, not {self.budget}")


@dataclass(frozen=True)
class Candidate:
    """A rule and what it did on the tuning split: mean quality, and mean cost in nano-dollars."""

    rule: Rule
    quality: float
    cost: float


@dataclass(frozen=True)
class Tuned:
    """The chosen candidate, all that were tried, and whether the objective was met on the tuning split."""

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    met: bool


def tune(
    records: Records, plan: Plan, objective: Objective, *, progress: Callable[[int, int], None] = lambda *_: None
) -> Tuned:
    """Replay the policy library over ``records`` and choose by ``objective``.

    The figures of the chosen rule are optimistic, since it was chosen on these rows: judge it on others. When
    nothing meets the objective the strongest tier is always asked.
    """
    plan = remembering(plan)
    rules = list(library(records, plan))
    candidates = []
    for number, rule in enumerate(rules):
        done = replay_all(records, with_rule(plan, rule))
        candidates.append(Candidate(rule, float(done.quality.mean()), float(done.cost.mean())))
        progress(number + 1, len(rules))
    strong = candidates[len(plan.ladder) - 1]
    fitting = [candidate for candidate in candidates if _meets(candidate, objective, strong)]
    if not fitting:
        return Tuned(strong, tuple(candidates), met=False)
    cheapest = objective.target_quality is not None
    chosen = min(fitting, key=lambda c: (c.cost, -c.quality) if cheapest else (-c.quality, c.cost))
    return Tuned(chosen, tuple(candidates), met=True)


def _meets(candidate: Candidate, objective: Objective, strong: Candidate) -> bool:
    budget = objective.budget
    if objective.target_quality is not None and candidate.quality < objective.target_quality * strong.quality:
        return False
    if budget is not None:
        return usd(round(candidate.cost)) * 1000 <= budget
    return objective.target_quality is not None or candidate.cost < strong.cost


def library(records: Records, plan: Plan) -> Iterator[Rule]:
    """The rules to try: single tiers first, plain thresholds, then cost-aware ones."""
    tiers = len(plan.ladder)
    for rank in range(tiers):
        yield Always(rank)
    begun = [plan.assessor.begin(query.request).quality for query in records.queries]
    starts = _quantiles([chance for row in begun for chance in row])
    for start in starts:
        for accept in (LEAST, *_quantiles(_confidences(records, plan))):
            yield Thresholds(start=(start,) * tiers, accept=(accept,) * tiers)
    gap = float(np.nanmean(costs_of(records, plan).max(axis=1)))
    keeps: tuple[Keep, ...] = ("best", "last")
    for keep in keeps:
        for exponent in np.linspace(-3, 1, LAMBDAS):
            yield CostAware(quality_per_dollar=float(10**exponent) / max(usd(round(gap)), 1e-12), keep=keep)


def _confidences(records: Records, plan: Plan) -> list[float]:
    """The confidence in each tier's answer when it alone has answered."""
    seen = []
    for query in records.queries:
        begun = plan.assessor.begin(query.request)
        for rank, outcome in enumerate(query.outcomes):
            if outcome is not None:
                seen.append(plan.assessor.observe(begun, rank, outcome.completion).quality[rank])
    return seen


def _quantiles(values: Sequence[float]) -> list[float]:
    return sorted({round(float(value), 4) for value in np.quantile(values, np.linspace(0.05, 0.95, GRID))})


def single_tiers(records: Records, plan: Plan) -> list[tuple[float, float]]:
    """Mean quality and mean cost in nano-dollars of always asking each tier."""
    quality, cost = qualities_of(records.queries).mean(axis=0), costs_of(records, plan).mean(axis=0)
    return list(zip(quality.tolist(), cost.tolist(), strict=True))
