"""The costs of a group of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from router.pricing import usd
from router.types import Usage

Added = TypeVar("Added", "Savings", "Tokens", "Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """What ``requests`` cost, and what they would have cost at one tier; nano-dollars.

    Only requests that were answered, and for which the other sum is known, are in it; ``cost`` has that of audits too,
    which that tier alone would have spared.
    """

    requests: int = 0
    cost: int = 0
    instead_of: int = 0

    @property
    def saved(self) -> int:
        """Nano-dollars saved; negative when routing cost more."""
        return self.instead_of - self.cost

    @property
    def share(self) -> float | None:
        """The saved share of what the tier would have cost; None when that is nothing."""
        return self.saved / self.instead_of if self.instead_of else None

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD."""
        return {
            "requests": self.requests,
            "cost": usd(self.cost),
            "instead_of": usd(self.instead_of),
            "saved": usd(self.saved),
            "share": self.share,
        }

    def __add__(self, other: Savings) -> Savings:
        return _added(self, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Sums of the disjoint counts of usage."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def read(self) -> int:
        """All tokens of prompts, cached or not."""
        return self.input_tokens + self.cached_input_tokens + self.cache_write_tokens

    @property
    def written(self) -> int:
        """All tokens billed as output."""
        return self.output_tokens + self.reasoning_tokens

    def __add__(self, other: Tokens) -> Tokens:
        return _added(self, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The costs of one group of requests; money in nano-dollars.

    ``key`` is None for requests that lack what they are grouped by. ``wasted`` is the part of ``cost`` that paid for
    answers that were not returned. ``escalated`` counts requests that went on after an answer, ``failed`` those
    that got none. ``unreported`` counts answers whose usage the provider did not report, and whose cost is
    therefore missing, ``unpriced`` calls made without the router to models whose price nobody knows, whose cost is
    missing too. ``audits`` counts the tiers that were asked in the background or later, which are no requests,
    and ``audited`` is the part of ``cost`` that paid for them; it is no part of ``wasted``.

    Of a tier or a model, ``cost`` and ``tokens`` are its own share of each request, so that rows sum to the total;
    ``requests`` are those that called it, ``escalated`` those where a stronger one was called after it, ``failed``
    those where it gave none; the savings are over the requests that it answered.
    """

    key: str | None = None
    requests: int = 0
    cost: int = 0
    audits: int = 0
    audited: int = 0
    wasted: int = 0
    escalated: int = 0
    failed: int = 0
    unreported: int = 0
    unpriced: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    strong: Savings = field(default_factory=Savings)
    best_single: Savings = field(default_factory=Savings)

    @property
    def cost_per_request(self) -> float | None:
        """Nano-dollars; None without requests."""
        return self.cost / self.requests if self.requests else None

    @property
    def escalation_rate(self) -> float | None:
        """The share of requests that escalated; None without requests."""
        return self.escalated / self.requests if self.requests else None

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD."""
        each = self.cost_per_request
        return {
            "key": self.key,
            "requests": self.requests,
            "cost": usd(self.cost),
            "cost_per_request": None if each is None else each / 10**9,
            "audits": self.audits,
            "audited": usd(self.audited),
            "wasted": usd(self.wasted),
            "escalated": self.escalated,
            "escalation_rate": self.escalation_rate,
            "failed": self.failed,
            "unreported": self.unreported,
            "unpriced": self.unpriced,
            "tokens": {name: getattr(self.tokens, name) for name in Usage.__slots__},
            "savings": {"strong": self.strong.as_dict(), "best_single": self.best_single.as_dict()},
        }

    def __add__(self, other: Row) -> Row:
        return _added(self, other)


def row_of(found: Mapping[str, Any]) -> Row:
    """The row of a group's sums."""

    def count(name: str) -> int:
        # PostgreSQL sums 64-bit integers as decimals.
        return int(found.get(name, 0))

    def savings(name: str) -> Savings:
        return Savings(
            requests=count(f"{name}_requests"), cost=count(f"{name}_cost"), instead_of=count(f"{name}_instead_of")
        )

    return Row(
        key=None if found["key"] is None else str(found["key"]),
        requests=count("requests"),
        cost=count("cost"),
        audits=count("audits"),
        audited=count("audited"),
        wasted=count("wasted"),
        escalated=count("escalated"),
        failed=count("failed"),
        unreported=count("unreported"),
        unpriced=count("unpriced"),
        tokens=Tokens(**{name: count(name) for name in Usage.__slots__}),
        strong=savings("strong"),
        best_single=savings("best_single"),
    )


def _added(one: Added, other: Added) -> Added:
    """Add field by field; the key is the first one's."""
    return type(one)(
        **{
            item.name: getattr(one, item.name)
            if item.name == "key"
            else getattr(one, item.name) + getattr(other, item.name)
            for item in fields(one)
        }
    )
