"""How requests may be served as their budgets near the limit, and the sentences that say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from router.budget.accounting import Alert, Standing
from router.budget.ops import Posture
from router.budget.settings import BudgetStep
from router.pricing import usd


def posture(standings: Sequence[Standing], *, tiers: tuple[str, ...]) -> Posture:
    """What all budgets of a request allow together: the strictest of what each does.

    The rule is that of the budget of which most is spent, the ceiling the lowest on the ladder of ``tiers``.
    """
    spent = [standing for standing in standings if standing.spent >= standing.account.scope.limit]
    if spent:
        last = max(spent, key=lambda standing: standing.resets or math.inf)
        return Posture(refused=f"{stands(last)}; {resets(last)}", budget=last.account.scope.name, resets=last.resets)
    reached = sorted(
        (standing for standing in standings if _taken(standing)), key=lambda standing: standing.share, reverse=True
    )
    if not reached:
        return Posture()
    steps = [step for standing in reached for step in reversed(_taken(standing))]
    ceilings = [step.ceiling for step in steps if step.ceiling is not None]
    return Posture(
        profile=next((step.profile for step in steps if step.profile is not None), None),
        ceiling=min(ceilings, key=lambda name: tiers.index(name) if name in tiers else -1, default=None),
        cache_only=any(step.cache_only for step in steps),
        budget=reached[0].account.scope.name,
        resets=reached[0].resets,
        notes=tuple(f"{stands(each)}, so {_words(_taken(each))}; {resets(each)}." for each in reached),
    )


def _taken(standing: Standing) -> list[BudgetStep]:
    """The steps that are reached, the last one last."""
    return [step for step in standing.account.scope.steps if standing.share >= step.at]


def _words(steps: Sequence[BudgetStep]) -> str:
    if any(step.cache_only for step in steps):
        return "only the cache may answer"
    profiles = [step.profile for step in steps if step.profile is not None]
    ceilings = [step.ceiling for step in steps if step.ceiling is not None]
    says = [f"the rule is {profiles[-1]!r}"] if profiles else []
    says += [f"no tier above {ceilings[-1]!r} is asked"] if ceilings else []
    return " and ".join(says)


def no_room(standing: Standing, *, most: int, tier: str) -> str:
    """Why ``most`` cannot be set aside for a call to ``tier``."""
    held = f" and sets {dollars(standing.held)} aside for calls under way" if standing.held else ""
    return f"{stands(standing)}{held}, and a call to {tier} may cost {dollars(most)}; {resets(standing)}"


def alarm(alert: Alert) -> str:
    """The sentence of an alert."""
    standing = alert.standing
    return f"{stands(standing)}, {alert.share * 100:g} % or more; {resets(standing)}"


def stands(standing: Standing) -> str:
    """Which budget, and how much of it is spent."""
    scope = standing.account.scope
    share = math.floor(standing.share * 1000) / 10  # rounded down, so that 100 % means all of it
    time = f"a {scope.window.kind}" if scope.window.kind != "rolling" else f"in {scope.window.words[8:]}"
    return (
        f"budget {standing.account.name!r} has spent {dollars(standing.spent)} of its {dollars(scope.limit)} {time} "
        f"({share:g} %)"
    )


def resets(standing: Standing) -> str:
    """When there is room again."""
    if standing.resets is None:
        return "it has room again as what was spent falls out of its window"
    return f"it begins anew at {datetime.fromtimestamp(standing.resets, UTC):%Y-%m-%d %H:%M} UTC"


def dollars(nano: int) -> str:
    """Money in sentences: with cents, and every digit below that it has."""
    text = f"{usd(nano):,.9f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"${whole}.{part:0<2}"
