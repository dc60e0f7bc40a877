"""Which tiers are asked through a batch API, and what they cost there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from router.batch.settings import BatchSettings
from router.decision import Decision
from router.plan import Plan
from router.pricing import Price
from router.providers.sdks import HOME, family
from router.tiers import Ladder, Tier
from router.types import Usage

LONGEST = 25 * 3600.0
"""Seconds that a provider's batch may take: a day, and an hour to fetch it. What is set aside for it lives as long."""

RETRIES = 1
"""How often a batch is asked again for a request that it gave no answer to."""

_APIS = ("openai-chat", "openai-responses", "anthropic")


def is_batched(tier: Tier, settings: BatchSettings) -> bool:
    """Whether ``tier`` is asked through a batch API: as the settings say, or where its vendor has one."""
    if tier.api not in _APIS or tier.price.batch is None:
        return False
    if settings.tiers is not None:
        return tier.name in settings.tiers
    return tier.base_url is None or _host(tier.base_url) == _host(HOME[family(tier.api)])


def batched_plan(plan: Plan, settings: BatchSettings) -> Plan:
    """The plan with its batched tiers as their batch APIs are: cheaper, slow, and asked twice at most.

    What the classifier expects of each tier stays as it is, so that a request takes the same way as it would at once.
    """
    tiers = tuple(_slow(tier) if is_batched(tier, settings) else tier for tier in plan.ladder.tiers)
    return replace(plan, ladder=Ladder(tiers), audits=None)


def _slow(tier: Tier) -> Tier:
    price = tier.price
    assert price.batch is not None
    cheaper = Price(rates=price.batch, steps=price.batch_steps)
    return replace(tier, price=cheaper, timeout=LONGEST, retries=min(tier.retries, RETRIES))


def reckoned(decision: Decision, ladder: Ladder, *, best_single: str | None) -> Decision:
    """The decision with what other tiers would have cost at the standard prices of ``ladder``: a batch is one more way
    not to pay these, so what it saves belongs to the savings.
    """
    tiers = {tier.name: tier for tier in ladder.tiers}
    return replace(
        decision,
        strong_cost=_elsewhere(decision, decision.strong_cost, ladder.tiers[-1]),
        best_single_cost=_elsewhere(decision, decision.best_single_cost, tiers.get(best_single or "")),
    )


def standard_cost(decision: Decision, ladder: Ladder) -> int:
    """Nano-dollars that the calls of ``decision`` would have cost at standard prices."""
    tiers: Mapping[str, Tier] = {tier.name: tier for tier in ladder.tiers}
    return sum(
        each.cost if each.usage is None or each.tier not in tiers else tiers[each.tier].cost(each.usage)
        for each in decision.attempts
    )


def _elsewhere(decision: Decision, told: int | None, tier: Tier | None) -> int | None:
    accepted = decision.accepted
    if told is None or tier is None or decision.upgraded_from is not None or accepted is None:
        return told
    usage: Usage | None = next(
        (each.usage for each in decision.attempts if each.tier == tier.name and each.usage is not None), accepted.usage
    )
    return told if usage is None else tier.cost(usage)


def _host(url: str) -> str | None:
    return urlsplit(url).hostname
