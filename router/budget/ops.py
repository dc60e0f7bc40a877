"""What the pipeline asks of budgets, as operations, and what it is told. Money in nano-dollars."""

from __future__ import annotations

from dataclasses import dataclass

from router.budget.accounts import Account
from router.ops import Op
from router.tiers import Tier
from router.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """How a request may be served, by what its budgets have left. ``notes`` say why, a sentence each.

    ``profile`` is the rule to route by in place of its own, ``ceiling`` the strongest tier that may be asked,
    ``cache_only`` whether only the cache may answer. ``refused`` is the budget's sentence when nothing may, and
    ``budget`` its name.
    """

    profile: str | None = None
    ceiling: str | None = None
    cache_only: bool = False
    refused: str | None = None
    budget: str | None = None
    resets: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A reservation. ``refused`` is the budget's sentence when there is none; ``budget`` then names it.

    ``most`` is set aside in each of ``accounts``; what the call costs is charged to them, also if the configuration
    changes meanwhile.
    """

    id: str | None = None
    most: int = 0
    accounts: tuple[Account, ...] = ()
    refused: str | None = None
    budget: str | None = None
    resets: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey(Op[Posture]):
    """See what the budgets of ``request`` allow, before anything is done for it. Never fails."""

    request: Request


@dataclass(frozen=True, slots=True)
class Reserve(Op[Grant]):
    """Set ``most`` aside in every budget of ``request`` for one call to ``tier``, in all of them or in none.

    Never fails: a store that is down grants or refuses, as configured.
    """

    request: Request
    tier: Tier
    most: int


@dataclass(frozen=True, slots=True)
class Settle(Op[str | None]):
    """Put what the call really cost in place of what was set aside. Never fails: the result is a note, or None."""

    request: Request
    grant: Grant
    cost: int
