"""Which tier a log's model is."""

from __future__ import annotations

from collections import Counter

from router.errors import InputError
from router.tiers import Ladder
from training.ingest.mapping import Mapped

_LISTED = 12


class TierNames:
    """Names in a log to tiers: as the mapping says, else by the tier's own name, else by its model.

    ``found`` has the tiers met so far, ``unknown`` the names that are none.
    """

    def __init__(self, ladder: Ladder, mapping: Mapped) -> None:
        models = Counter(tier.model for tier in ladder.tiers)
        by_model = {tier.model: tier.name for tier in ladder.tiers if models[tier.model] == 1}
        self._known: dict[str, str | None] = {**by_model, **{name: name for name in ladder.names}, **mapping.tiers}
        self._ladder = ladder
        self.found: set[str] = set()
        self.unknown: set[str] = set()
        for tier in mapping.tiers.values():
            if tier is not None:
                ladder.rank(tier, where="the mapping's tier")

    def knows(self, name: str) -> bool:
        """Whether ``name`` is a tier or a model to leave out."""
        return name in self._known

    def tier(self, name: str) -> str | None:
        """Return the tier; None for a model to leave out, and for one that is unknown."""
        tier = self._known.get(name)
        if tier is not None:
            self.found.add(tier)
        elif name not in self._known and len(self.unknown) < 10 * _LISTED:
            self.unknown.add(name)
        return tier

    def check(self, *, where: str) -> None:
        """Refuse a log whose tiers are not those of the configuration.

        Raises:
            InputError: they differ; the sentence has both lists.
        """
        absent = [name for name in self._ladder.names if name not in self.found]
        if not (self.unknown or absent):
            return
        raise InputError(
            f"{where}: the data and the configuration name different tiers "
            f"(only in the data: {_listed(sorted(self.unknown))}; only in the configuration: {_listed(absent)}); "
            'rename them in a mapping file, `[tiers] "name in the data" = "tier"`, where false leaves one out'
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(repr(name[:60]) for name in names[:_LISTED]) + more if names else "none"
