"""What may be set aside and what is charged: the rules, and what a store says of budgets. Money in nano-dollars.

A budget's window holds what was spent in it, and besides what is set aside for calls under way. Money may be set aside
while the sum of both stays within the limit. When a call is over, its cost is charged to the window of that moment in
place of what was set aside, once, however often it is told and however late. What nobody settles is given back when its
time is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from router.budget.accounts import Account
from router.budget.windows import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account has ``spent`` in its present window, and what is ``held`` for calls under way.

    ``resets`` is when the window ends, in seconds since the epoch; None for one that rolls.
    """

    account: Account
    spent: int
    held: int
    resets: float | None

    @property
    def share(self) -> float:
        """What is spent, as a share of the limit."""
        return self.spent / self.account.scope.limit

    def has_room(self, most: int) -> bool:
        """Whether ``most`` more may be set aside."""
        return self.spent + self.held + most <= self.account.scope.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A ``share`` of a budget's limit was reached for the first time in its window."""

    standing: Standing
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a store answers: how each account stands, which one refused, and which alerts are due."""

    standings: tuple[Standing, ...]
    refused: Standing | None = None
    alerts: tuple[Alert, ...] = ()


def spent_in(span: Span, buckets: Mapping[int, int]) -> int:
    """What was spent in ``span``, of buckets by their start."""
    return sum(spent for start, spent in buckets.items() if span.counts(start))


def bar(account: Account, share: float) -> int:
    """The least that is at least ``share`` of the limit."""
    return math.ceil(Decimal(str(share)) * account.scope.limit)


def newly_reached(account: Account, spent: int, span: Span, told: Mapping[float, int]) -> Iterable[float]:
    """The shares at which an alert is due; ``told`` says when each was last raised, in milliseconds."""
    for share in account.scope.alerts:
        if spent >= bar(account, share) and told.get(share, -1) < span.start:
            yield share
