"""Which price a call in the ledger had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from router import catalogue
from router.pricing import Price
from router.tiers import Ladder


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices by tier where the tier still has one, else the catalogue's of ``day`` by model; None is today."""

    by_tier: Mapping[str, Price] = field(default_factory=dict)
    day: date | None = None

    @classmethod
    def of(cls, ladder: Ladder) -> Prices:
        """The prices of these tiers."""
        return cls(by_tier={tier.name: tier.price for tier in ladder.tiers})

    def find(self, tier: str, model: str) -> Price | None:
        """The price of a call of ``model`` as ``tier``; None where nobody knows it."""
        price = self.by_tier.get(tier)
        if price is not None:
            return price
        known = catalogue.find(model)
        return None if known is None else known.price_on(self.day or datetime.now().astimezone().date())
