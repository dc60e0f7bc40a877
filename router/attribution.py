"""Business units: which of them bears the cost of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.decision import Decision

UNROUTED = ""
"""The tier of calls that were made without the router; no tier of a configuration has this name."""

UNPRICED = "called without the router, and no price is known for its model, so its cost is missing"
"""The reason of an attempt whose cost is 0 because nobody knows it, and not because it cost nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The unit of a request is the value of its tag ``tag``, or what ``names`` calls that value.

    A value that ``names`` lacks is a unit by its own name, so that a new feature's cost is seen before it is assigned.
    """

    tag: str = "unit"
    names: Mapping[str, str] = field(default_factory=dict)


def unrouted(decision: Decision) -> bool:
    """Whether it is the record of a call that was made without the router."""
    return bool(decision.attempts) and all(attempt.tier == UNROUTED for attempt in decision.attempts)
