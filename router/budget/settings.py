"""[budgets] as values. Money in nano-dollars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from router.budget.windows import Window

OnFailure = Literal["closed", "open"]
Durability = Literal["process", "power"]

LARGEST = 2**53 - 1
"""The largest limit, about 9 million USD: up to here the doubles that Redis scripts reckon with are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStep:
    """What changes once the share ``at`` of a limit is spent; a step may change one thing or several.

    ``profile`` is the rule to route by, ``ceiling`` the strongest tier that may answer, and with ``cache_only``
    nothing but the cache may.
    """

    at: float
    profile: str | None = None
    ceiling: str | None = None
    cache_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetScope:
    """One `[[budgets.scope]]`: whose requests share a ``limit`` in nano-dollars, in each ``window``.

    With ``tag`` and ``value`` it binds only requests with that tag. ``per`` gives each value of a tag (or "user",
    "session") a budget of its own; without it there is one for all. ``alerts`` and ``steps`` are at shares of the
    limit, in ascending order.
    """

    name: str
    limit: int
    window: Window
    tag: str | None = None
    value: str | None = None
    per: str | None = None
    alerts: tuple[float, ...] = ()
    steps: tuple[BudgetStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """`[budgets.notify]`: whom alerts are told, beside the log.

    ``webhook`` is posted JSON; ``webhook_env`` names the variable with its URL, where that is a secret. ``call`` is a
    function of one alert, as ``module:function``. ``timeout`` is in seconds.
    """

    log: bool = True
    webhook: str | None = None
    webhook_env: str | None = None
    call: str | None = None
    timeout: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """`[budgets]`: how much may be spent, by whom, in what time.

    ``url`` is the store: "memory", "sqlite:///path" or "redis://host:port/db", whose password is in the variable
    ``password_env``. ``namespace`` keeps routers apart that share a store. ``on_failure`` says what happens to requests
    while the store cannot be reached, ``durability`` what a file survives: the death of a process, or the loss of
    power. ``ttl`` is how many seconds a reservation lives at least that nobody settles, ``timeout`` how long the store
    is waited for. ``tiers`` are the ladder's names, cheapest first, by which ceilings compare.
    """

    url: str = "memory"
    scopes: tuple[BudgetScope, ...] = ()
    on_failure: OnFailure = "closed"
    ttl: float = 600.0
    timeout: float = 1.0
    password_env: str | None = None
    namespace: str = "tierwise"
    durability: Durability = "process"
    notify: Notify = field(default_factory=Notify)
    tiers: tuple[str, ...] = ()
