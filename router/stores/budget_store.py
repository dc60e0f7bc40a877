"""What every store of budgets can do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from router.budget.accounting import Reading
from router.budget.accounts import Account
from router.budget.settings import BudgetScope
from router.budget.windows import Window
from router.errors import BudgetError

REMEMBERED = 3600.0
"""Seconds for which it is remembered at least that a reservation was settled: telling it twice charges it once."""


class StoreAway(BudgetError):
    """The store cannot be reached; asking again at once would only wait again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """``most`` nano-dollars, set aside under ``id`` in ``accounts``, for ``ttl`` seconds where nobody settles it."""

    id: str
    most: int
    accounts: tuple[Account, ...]
    ttl: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An account that a store knows: its scope's name, its window's identity, and the value it is kept for."""

    scope: str
    window: str
    per: str | None
    value: str | None

    @property
    def label(self) -> str:
        """The same as text, in ASCII whatever a tag may hold."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


def kept(account: Account) -> Kept:
    """What a store keeps of ``account`` to list it by."""
    scope = account.scope
    return Kept(scope=scope.name, window=scope.window.identity, per=scope.per, value=account.value)


def is_of(known: Kept, scope: BudgetScope) -> bool:
    """Whether a known account is one of ``scope``; one of another window is counted apart."""
    window: Window = scope.window
    return (known.scope, known.window, known.per) == (scope.name, window.identity, scope.per)


class BudgetStore(Protocol):
    """Keeps budgets, for many threads and processes at once. Every method is atomic, and safe to repeat.

    Raises, each method: BudgetError, StoreAway where it cannot be reached.
    """

    name: str

    def survey(self, accounts: Sequence[Account]) -> Reading:
        """How ``accounts`` stand; nothing is written."""
        ...

    def reserve(self, holding: Holding) -> Reading:
        """Set aside in all accounts or, with ``refused`` in the answer, in none."""
        ...

    def settle(self, holding: Holding, cost: int) -> Reading:
        """Charge ``cost`` to all accounts in place of what was set aside, once, also where that has been given back."""
        ...

    def reset(self, accounts: Sequence[Account]) -> Reading:
        """Forget what was spent; what is set aside for calls under way stays."""
        ...

    def known(self) -> list[Kept]:
        """The accounts that have something in them."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
