"""An A/B test of two policies: which requests are in it, and in which arm."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from router.profiles import DEFAULT_PROFILE
from router.types import Request

TAG = "ab"
"""The tag that says of a decision in which arm of which experiment it was: ``NAME:a`` or ``NAME:b``."""

Arm = Literal["a", "b"]
Unit = Literal["user", "session", "request"]
UNITS = ("user", "session", "request")

MOST_TO_ONE = 20
"""At most so many answers of the larger arm are held against one of the smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Of the requests that profile ``a`` would route, a ``share`` of the units is routed by ``b`` instead.

    ``b`` is a profile of the bundle in force, or of the bundle at ``path`` where that is given. Whoever is the same
    ``unit`` stays in the same arm. ``cap`` is the most that the cost of one request counts for when the arms are
    compared, in nano-dollars; None leaves the costs without an interval.
    """

    name: str
    a: str = DEFAULT_PROFILE
    b: str = DEFAULT_PROFILE
    path: Path | None = None
    share: float = 0.5
    unit: Unit = "user"
    cap: int | None = None

    def arm(self, request: Request, id: str) -> Arm | None:
        """The arm of ``request``, whose decision is ``id``; None where it names no such unit, so that none can stick.

        It hangs on the experiment's name and the unit alone: every worker says the same, and nothing is stored. A
        larger ``share`` moves units from *a* to *b* and none back.
        """
        named = {"user": request.user, "session": request.session, "request": id}[self.unit]
        if not named:
            return None
        digest = hashlib.sha256(f"{self.name}\x1f{self.unit}\x1f{named}".encode("utf-8", "surrogatepass")).digest()
        return "b" if int.from_bytes(digest[:8]) / 2**64 < self.share else "a"

    def tag(self, arm: Arm) -> str:
        """What the tag :data:`TAG` says of a request in ``arm``."""
        return f"{self.name}:{arm}"

    def arm_in(self, tag: str | None) -> Arm | None:
        """The arm that ``tag`` says; None where it is of another experiment, or of none."""
        name, _, arm = (tag or "").rpartition(":")
        return arm if name == self.name and arm in ("a", "b") else None  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """How many answers of each arm are held against each other at a time."""

    a: int
    b: int


def block(share: float) -> Block:
    """The block in which arms come that get ``1 - share`` and ``share`` of the units: one against one for a half."""
    if share <= 0.5:
        return Block(a=round(min((1 - share) / share, MOST_TO_ONE)), b=1)
    return Block(a=1, b=round(min(share / (1 - share), MOST_TO_ONE)))
