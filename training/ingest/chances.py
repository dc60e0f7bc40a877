"""The probabilities of what a ledger's decisions did not show by themselves."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chances:
    """What the log says of a decision beside what it saw, by query.

    ``by_query``: the inclusion probabilities of tiers that it did not ask. ``collected``: the probability with which it
    was drawn for having every tier's answer collected, where it was.
    """

    by_query: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    collected: dict[str, float] = field(default_factory=dict)
