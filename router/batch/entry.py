"""One request of a batch that is under way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from router.batch.records import Line, Place
from router.budget.ops import Posture
from router.decision import Decision, Response
from router.drivers import Core
from router.plan import Plan
from router.types import Request


@dataclass(slots=True, eq=False)
class Entry:
    """One request under way. ``resumed``: calls were made for it by an earlier process."""

    line: Line
    request: Request
    plan: Plan
    standard: Plan
    core: Core[Response]
    resumed: bool
    asked: Counter[str] = field(default_factory=Counter)
    posture: Posture | None = None
    place: Place | None = None
    replaying: bool = False
    batched: bool = False
    notes: list[str] = field(default_factory=list)
    decision: Decision | None = None
