"""Which price a call in the ledger had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from router import catalogue
from router.pricing import Price
from router.tiers import Ladder, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices by the configuration's tiers and by the catalogue of ``day``; None is today.

    A call is priced as its tier is, if the tier still has that model; else as the catalogue prices the model, since a
    ledger may be older than the configuration; else as the tier of that name, since servers rename models.
    """

    tiers: Mapping[str, Tier] = field(default_factory=dict)
    day: date | None = None

    @classmethod
    def of(cls, ladder: Ladder) -> Prices:
        """The prices of these tiers."""
        return cls(tiers={tier.name: tier for tier in ladder.tiers})

    def find(self, tier: str, model: str) -> Price | None:
        """The price of a call of ``model`` as ``tier``; None where nobody knows it."""
        own, known = self.tiers.get(tier), catalogue.find(model)
        if own is not None and (own.model == model or (known is not None and catalogue.find(own.model) == known)):
            return own.price
        listed = None if known is None else known.price_on(self.day or datetime.now().astimezone().date())
        return listed if listed is not None or own is None else own.price
