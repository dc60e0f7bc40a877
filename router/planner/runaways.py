"""Budgets: users whose days cost many times what days of users cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from router.budget.settings import BudgetSettings
from router.planner.history import Past
from router.planner.lever import Lever, percent
from router.planner.period import Daily, Period
from router.pricing import usd

TIMES = 10
"""A day that costs so many times the middle one is called a runaway's."""

_FEW = 10
_SHOWN = 5
_RISK = "A request above the limit is refused, or answered by a cheaper tier (`steps`); a heavy day may be meant."
_NAME = "budgets"


@dataclass(slots=True)
class Runaways:
    """Adds up each user's days."""

    period: Period
    settings: BudgetSettings | None
    days: Counter[tuple[str, int]] = field(default_factory=Counter)
    spent: int = 0
    nameless: int = 0

    def __call__(self, past: Past) -> None:
        """Take a request up."""
        self.spent += past.cost
        if past.user is None:
            self.nameless += past.cost
        else:
            self.days[past.user, self.period.day_of(past.created)] += past.cost

    def lever(self) -> Lever:
        """What users' days cost beyond ten times the middle one: the most that a limit a day keeps back."""
        on = self.settings is not None
        users = {user for user, _ in self.days}
        if len(users) < _FEW:
            why = (
                f"{len(users)} users are named, too few to tell who is out of line; pass user= to route(). A budget "
                "for all is still the surest bound."
            )
            return Lever(name=_NAME, on=on, why=why, risk=_RISK, switch=_switch(None))
        # Days that cost nothing (all from the cache, or free tiers) would make the middle one 0.
        middle = int(np.median([nano for nano in self.days.values() if nano] or [0]))
        limit = TIMES * middle
        beyond, by_user = Daily(self.period), Counter[str]()
        for (user, day), nano in self.days.items():
            if nano > limit:
                beyond.by_day[day] += nano - limit
                by_user[user] += nano - limit
        if not by_user:
            why = f"No user's day cost more than {TIMES} times the middle one, {usd(middle):.6f} USD."
        else:
            why = (
                f"{len(by_user):,} of {len(users):,} users had days beyond {TIMES} times the middle one "
                f"({usd(middle):.6f} USD); what they cost beyond it is {percent(beyond.total, self.spent)} of the "
                "spend. Whether that was meant, the ledger cannot say."
            )
        return Lever(
            name=_NAME,
            on=on,
            at_most=beyond.estimate().monthly,
            why=why,
            figures={
                "users": len(users),
                "median_day": usd(middle),
                "limit": usd(limit),
                "beyond_in_period": usd(beyond.total),
                "without_a_user": usd(self.nameless),
                "first": [{"user": user, "beyond": usd(nano)} for user, nano in by_user.most_common(_SHOWN)],
            },
            risk=_RISK,
            switch=_switch(limit),
        )


def _switch(limit: int | None) -> str:
    head = '[budgets]\nstore = "budgets.db"\n[[budgets.scope]]\n'
    if limit is None:
        return head + 'name = "all"\nlimit = 100\nwindow = "month"\nalerts = [0.5, 0.8, 1.0]'
    return head + f'name = "users"\nper = "user"\nlimit = {usd(max(limit, 1)):.9f}\nwindow = "day"'
