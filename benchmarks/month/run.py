"""One lever's month: every ask through the pipeline that serves, on a simulated clock."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.month.asks import Ask
from benchmarks.month.clock import Clock
from benchmarks.month.levers import STRONGEST, TIERS, Lever, config_of
from benchmarks.month.models import Models
from benchmarks.month.stage import Stage
from router.bundle import PolicyBundle
from router.cache.semantic.fitting import upper
from router.decision import Decision
from router.errors import BudgetExceeded, Throttled
from router.ops import Send
from router.planning import plan_of
from router.pricing import usd
from router.tiers import Ladder
from router.types import Completion

DRAWS = 1000
"""Resamples of users."""

_TROUBLE = ("The cache was not used", "The cache was not searched")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What became of one ask: ``cost`` in nano-dollars, ``right``, and ``hit`` where the cache answered.

    ``wrong_hit``: the cached answer was to something else; ``stale``: to the same question before its answer changed.
    ``cut`` are the prompt's tokens that shortening took away, ``generated`` those of all answers.
    """

    cost: int
    right: bool
    tier: str
    hit: str | None = None
    wrong_hit: bool = False
    stale: bool = False
    calls: int = 0
    cut: int = 0
    generated: int = 0


@dataclass(kw_only=True)
class Month:
    """A lever's month by ask; ``refused`` says of those that were not served by which lever."""

    lever: Lever
    served: dict[str, Served] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def lived(
    lever: Lever, asks: Sequence[Ask], bundle: PolicyBundle | None, folder: Path, *, report: Callable[[str], None]
) -> Month:
    """Serve ``asks`` in the order of their arrival, one after the other, under ``lever``; untrained without a bundle.

    Raises:
        RuntimeError: the machine was too busy for the cache, so that the figures would depend on it.
    """
    config = config_of(lever, folder)
    plan = plan_of(config, bundle=bundle)
    clock = Clock()
    known = {ask.id: ask for ask in asks}
    models = Models(known, clock=clock, batched=lambda ask: lever.batched and not ask.urgent)
    provider = models.provider(config.tiers.tiers)

    def send(op: Send) -> Completion:
        answer = provider.complete(op)
        provider.calls.clear()  # nobody reads them, and a month of prompts is large
        return answer

    stage = Stage(config, plan, clock, send)
    done = Month(lever=lever)
    try:
        for place, ask in enumerate(asks):
            clock.now = ask.at
            if place % 5000 == 0:
                report(f"{lever.title}: {place:,} of {len(asks):,}")
            request = ask.request if lever.routed else replace(ask.request, floor=STRONGEST)
            try:
                decision = stage.route(request, id=ask.id).decision
            except (BudgetExceeded, Throttled) as refusal:
                done.refused[ask.id] = "budget" if isinstance(refusal, BudgetExceeded) else "limit"
                continue
            if trouble := next((note for note in decision.notes if note.startswith(_TROUBLE)), None):
                raise RuntimeError(f"{ask.id}: {trouble}")
            origin = ask if decision.cache is None else known[decision.cache.decision]
            done.served[ask.id] = _served(
                ask, origin, decision, models, plan.ladder, batched=lever.batched and not ask.urgent
            )
    finally:
        stage.close()
    return done


def _served(ask: Ask, origin: Ask, decision: Decision, models: Models, ladder: Ladder, *, batched: bool) -> Served:
    assert decision.tier is not None
    wrong = origin.truth != ask.truth
    short, cost = decision.shortened, decision.cost
    if batched:
        cost = sum(
            ladder[ladder.rank(each.tier, where="attempt")].cost(each.usage, batch=True)
            for each in decision.attempts
            if each.usage is not None
        )
    return Served(
        cost=cost,
        right=models.right[origin.id, decision.tier] and not wrong,
        tier=decision.tier,
        hit=None if decision.cache is None else decision.cache.kind,
        wrong_hit=wrong,
        stale=wrong and origin.truth.rpartition(" v")[0] == ask.truth.rpartition(" v")[0] != "",
        calls=sum(attempt.calls for attempt in decision.attempts),
        cut=0 if short is None else short.before - short.after,
        generated=sum(0 if each.usage is None else each.usage.generated_tokens for each in decision.attempts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table. Money in USD; shares of 1.

    ``saved`` is the baseline's cost of what was served, less what serving it cost, over the baseline's whole cost, with
    a 95 % interval by a bootstrap over users; so what was refused is no saving: ``refused`` counts it by what refused
    it, ``refused_worth`` is what the baseline paid for it, and ``refused_runaway`` of these requests were the runaway
    script's. ``right_lost`` is over the same
    requests as the baseline's, positive where the lever has fewer right answers, with a 95 % interval for the
    difference of pairs. ``wrong_hits`` are those whose answer was to something else, ``stale_hits`` of them outdated,
    and ``wrong_at_most`` the upper 95 % bound of their share of all hits. ``by_tier`` and ``by_feature`` split calls
    that were accepted, and requests with their cost and right answers.
    """

    name: str
    title: str
    cost: float
    saved: float
    saved_interval: tuple[float, float]
    saved_usd: float
    served: int
    hits: int
    semantic_hits: int
    wrong_hits: int
    stale_hits: int
    wrong_at_most: float | None
    right: float
    right_lost: float
    right_lost_interval: tuple[float, float]
    refused: dict[str, int]
    refused_runaway: int
    refused_worth: float
    calls: int
    tokens_cut: int
    tokens_generated: int
    by_tier: dict[str, int]
    by_feature: dict[str, dict[str, float]]
    part: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def row(month: Month, base: Month, asks: Sequence[Ask]) -> Row:
    """Sum ``month`` up beside the baseline's."""
    total = sum(each.cost for each in base.served.values())
    same = sum(base.served[id].cost for id in month.served)
    found = list(month.served.values())
    cost = sum(each.cost for each in found)
    lost = [float(base.served[id].right - each.right) for id, each in month.served.items()]
    mean, error = statistics.fmean(lost), 1.96 * statistics.pstdev(lost) / math.sqrt(len(lost))
    hits, wrong = sum(each.hit is not None for each in found), sum(each.wrong_hit for each in found)
    runaway = {ask.id for ask in asks if ask.runaway}
    return Row(
        name=month.lever.name,
        title=month.lever.title,
        cost=usd(cost),
        saved=(same - cost) / total,
        saved_interval=_saved_interval(month, base, asks),
        saved_usd=usd(same - cost),
        served=len(found),
        hits=hits,
        semantic_hits=sum(each.hit == "semantic" for each in found),
        wrong_hits=wrong,
        stale_hits=sum(each.stale for each in found),
        wrong_at_most=upper(wrong, hits, confidence=0.95) if hits else None,
        right=statistics.fmean(each.right for each in found),
        right_lost=mean,
        right_lost_interval=(mean - error, mean + error),
        refused={why: list(month.refused.values()).count(why) for why in sorted(set(month.refused.values()))},
        refused_runaway=sum(id in runaway for id in month.refused),
        refused_worth=usd(sum(base.served[id].cost for id in month.refused)),
        calls=sum(each.calls for each in found),
        tokens_cut=sum(each.cut for each in found),
        tokens_generated=sum(each.generated for each in found),
        by_tier={name: sum(each.tier == name and each.hit is None for each in found) for name, _ in TIERS},
        by_feature=_by_feature(month, asks),
        part=month.lever.part,
    )


def _saved_interval(month: Month, base: Month, asks: Sequence[Ask]) -> tuple[float, float]:
    """95 % of the saving when users are drawn anew: one user's requests are alike."""
    users: dict[str | None, tuple[int, int]] = {}
    for ask in asks:
        before = base.served[ask.id].cost
        saved = before - month.served[ask.id].cost if ask.id in month.served else 0
        sums = users.get(ask.request.user, (0, 0))
        users[ask.request.user] = (sums[0] + saved, sums[1] + before)
    sums, chance = list(users.values()), random.Random(0)
    found = []
    for _ in range(DRAWS):
        drawn = chance.choices(sums, k=len(sums))
        found.append(sum(saved for saved, _ in drawn) / sum(before for _, before in drawn))
    found.sort()
    return found[round(0.025 * (DRAWS - 1))], found[round(0.975 * (DRAWS - 1))]


def _by_feature(month: Month, asks: Sequence[Ask]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Served]] = {}
    for ask in asks:
        if ask.id in month.served:
            groups.setdefault("runaway script" if ask.runaway else ask.feature, []).append(month.served[ask.id])
    return {
        name: {
            "served": len(each),
            "cost": usd(sum(one.cost for one in each)),
            "hits": sum(one.hit is not None for one in each),
            "right": statistics.fmean(one.right for one in each),
        }
        for name, each in sorted(groups.items())
    }
