"""What each lever saved, and upon which comparison; money in nano-dollars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from router.ledger.lever_sums import Called, Hits, Touched
from router.pricing import Price, usd
from router.types import Usage

Lever = Literal["routing", "cache exact", "cache semantic", "shortening", "prompt caching", "batch"]

BASES: dict[Lever, str] = {
    "routing": "the strongest tier's cost for the accepted answer's tokens, less what was paid",
    "cache exact": "what making the answers had cost",
    "cache semantic": "what making the answers had cost",
    "shortening": "the estimated tokens taken away, at the price of each model that was asked",
    "prompt caching": "tokens that the provider had cached, at their full price, less what they and storing them cost",
    "batch": "the normal price of the same tokens, less what was paid",
}
"""What a lever's savings are reckoned against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverSavings:
    """What one lever saved.

    ``saved`` is over those of its ``requests`` for which the other cost is known; ``unknown`` counts the rest, in
    requests for routing and the cache, in calls for the others. It is negative where the lever cost more than it saved.
    """

    lever: Lever
    requests: int = 0
    saved: int = 0
    unknown: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD, with what it is reckoned against."""
        return {
            "lever": self.lever,
            "requests": self.requests,
            "saved": usd(self.saved),
            "unknown": self.unknown,
            "against": BASES[self.lever],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What the cache answered of ``requests``.

    ``saved`` is what making the answers had cost, over the hits whose decision is still in the ledger; ``unknown``
    counts the others. ``strong`` is what the strongest tier would have cost for the ``compared`` hits where that is
    known.
    """

    requests: int = 0
    exact: int = 0
    semantic: int = 0
    saved: int = 0
    unknown: int = 0
    compared: int = 0
    strong: int = 0

    @property
    def hits(self) -> int:
        """Requests that the cache answered."""
        return self.exact + self.semantic

    @property
    def hit_rate(self) -> float | None:
        """The share of requests that the cache answered; None without requests."""
        return self.hits / self.requests if self.requests else None

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD."""
        return {
            "requests": self.requests,
            "hits": self.hits,
            "exact": self.exact,
            "semantic": self.semantic,
            "hit_rate": self.hit_rate,
            "saved": usd(self.saved),
            "unknown": self.unknown,
            "compared": self.compared,
            "strong": usd(self.strong),
        }


def cache_use(found: Sequence[Hits], requests: int) -> CacheUse:
    """The kinds of hits in one."""
    kinds = {each.kind: each.hits for each in found}
    return CacheUse(
        requests=requests,
        exact=kinds.get("exact", 0),
        semantic=kinds.get("semantic", 0),
        saved=sum(each.had_cost for each in found),
        unknown=sum(each.hits - each.traced for each in found),
        compared=sum(each.compared for each in found),
        strong=sum(each.strong for each in found),
    )


def reckoned(
    found: Sequence[Hits], touched: Touched, calls: Sequence[Called], price: Callable[[Called], Price | None]
) -> list[LeverSavings]:
    """What every lever saved, each once: routing's share is taken at normal prices, batch has the rest."""
    spared = kept = batched = 0
    unknown: dict[Lever, int] = {"shortening": 0, "prompt caching": 0, "batch": 0}
    for each in calls:
        priced = price(each)
        if priced is None:
            unknown["shortening"] += each.shortened
            unknown["prompt caching"] += each.calls if each.usage.cached_input_tokens else 0
            unknown["batch"] += each.calls if each.batch else 0
            continue
        rates = priced.rates_for(each.prompt_tokens, batch=each.batch)
        spared += rates.cost(Usage(input_tokens=max(each.spared, 0)))
        read = Usage(input_tokens=each.usage.cached_input_tokens + each.usage.cache_write_tokens)
        stored = Usage(
            cached_input_tokens=each.usage.cached_input_tokens, cache_write_tokens=each.usage.cache_write_tokens
        )
        kept += rates.cost(read) - rates.cost(stored)
        if each.batch:
            batched += priced.rates_for(each.prompt_tokens).cost(each.usage) - each.cost
    cached = {each.kind: each for each in found}
    hits = [
        LeverSavings(
            lever="cache exact" if kind == "exact" else "cache semantic",
            requests=cached[kind].hits,
            saved=cached[kind].had_cost,
            unknown=cached[kind].hits - cached[kind].traced,
        )
        for kind in ("exact", "semantic")
        if kind in cached
    ]
    routing = LeverSavings(
        lever="routing",
        requests=touched.routed,
        saved=touched.strong - touched.routed_cost - batched,
        unknown=touched.requests - touched.routed - sum(each.hits for each in found),
    )
    others = [
        LeverSavings(lever="shortening", requests=touched.shortened, saved=spared, unknown=unknown["shortening"]),
        LeverSavings(
            lever="prompt caching", requests=touched.prompt_cached, saved=kept, unknown=unknown["prompt caching"]
        ),
        LeverSavings(lever="batch", requests=touched.batch, saved=batched, unknown=unknown["batch"]),
    ]
    return [routing, *hits, *(each for each in others if each.requests or each.saved)]
