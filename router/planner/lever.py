"""One lever as an audit sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from router.planner.history import Past
from router.planner.period import Estimate
from router.pricing import usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """What a lever would save, in nano-dollars a month, and what that is reckoned from.

    ``saves`` is what the ledger supports; None where it cannot say. ``at_most`` bounds what more favourable
    circumstances would give, None where nothing does. ``why`` says it in a sentence or two, ``figures`` are those
    behind it (money in USD), ``risk`` is what may be lost. ``switch`` are the lines of tierwise.toml, or the command,
    that pull it. ``on``: the configuration has it already.
    """

    name: str
    why: str
    risk: str
    switch: str
    saves: Estimate | None = None
    at_most: int | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    on: bool = False

    @property
    def rank(self) -> tuple[bool, int, int, str]:
        """Sorts the lever that saves most first: by what is supported, then by what is possible; what is on, last."""
        sure = 0 if self.saves is None else self.saves.monthly
        return self.on, -sure, -(self.at_most or 0), self.name

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD."""
        return {
            "name": self.name,
            "on": self.on,
            "saves": None if self.saves is None else self.saves.as_dict(),
            "at_most": None if self.at_most is None else usd(self.at_most),
            "why": self.why,
            "risk": self.risk,
            "switch": self.switch,
            "figures": dict(self.figures),
        }


class Watch(Protocol):
    """Sees every decision of a period, and says then what a lever would have done."""

    def __call__(self, past: Past) -> None:
        """Take one decision up."""
        ...

    def lever(self) -> Lever:
        """What came of it."""
        ...


KEEP = '[ledger]\nrules = [{ tag = "feature", value = "...", keep = "text" }]'
"""What a ledger of hashes needs, so that more can be said."""

NO_TEXT = "The ledger keeps no text of these requests, so this cannot be known; keep that of one feature for a week."


def share(part: float, whole: float) -> float:
    """``part`` of ``whole``, 0 where there is no whole."""
    return part / whole if whole else 0.0


def percent(part: float, whole: float) -> str:
    """The same in words."""
    return f"{share(part, whole):.1%}"
