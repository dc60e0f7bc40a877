"""[limits] as values."""

from __future__ import annotations

from dataclasses import dataclass

from router.types import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitScope:
    """One `[[limits.scope]]`: whose calls share how much.

    With ``tag`` and ``value`` it binds only requests with that tag, with ``tier`` only calls to that tier, and only
    requests of its ``priorities``. ``per``
    gives each value of a tag (or "user", "session", "tier") limits of its own. None is no limit. Tokens are those of
    prompt and answer together; days are those of UTC. ``burst`` is how many seconds' worth may come at once after a
    pause. At most ``queue`` calls wait at a time.
    """

    name: str
    tag: str | None = None
    value: str | None = None
    per: str | None = None
    tier: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    concurrency: int | None = None
    priorities: tuple[Priority, ...] = ("high", "normal", "low")
    burst: float = 60.0
    queue: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """`[limits]`: how many requests and tokens, by whom, in what time.

    ``url`` is the store: "memory", for one process, or "redis://host:port/db", whose password is in the variable
    ``password_env``. ``namespace`` keeps routers apart that share a store. ``patience`` is the longest wait in seconds
    that a call is let begin. A call that never ends gives its place up after ``lease`` seconds. ``timeout`` is how long
    the store is waited for.
    """

    scopes: tuple[LimitScope, ...] = ()
    url: str = "memory"
    patience: float = 60.0
    lease: float = 600.0
    timeout: float = 1.0
    password_env: str | None = None
    namespace: str = "tierwise"
