"""What the pipeline asks of a cache of answers, as operations, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from router.features import Floats
from router.ops import Op
from router.types import Request, Stop, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """An accepted answer, and what it was worth; costs in nano-dollars, ``created`` in seconds since the epoch.

    ``decision`` is the id of the one that made it. ``strong_cost`` and ``best_single_cost`` are that decision's.
    """

    text: str
    stop: Stop
    tier: str
    model: str
    decision: str
    created: float
    cost: int
    confidence: float | None = None
    strong_cost: int | None = None
    best_single_cost: int | None = None
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a cache said. ``entry`` is an answer that will do. Without one: ``lease`` says that the caller is to make it
    and to hand it in with :class:`Keep`; ``busy`` that somebody else is making it now; neither, that the cache could
    not say, and ``note`` why.
    """

    entry: Cached | None = None
    kind: Literal["exact", "semantic"] = "exact"
    similarity: float = 1.0
    lease: str | None = None
    busy: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Fetch(Op[Fetched]):
    """Look an answer up by its exact key. Never fails: a cache that is down is a note."""

    key: str
    request: Request


@dataclass(frozen=True, slots=True)
class Nearest(Op[Fetched]):
    """Look for the answer to a question that asks the same, by the vector (d,) of this one. Never fails."""

    request: Request
    vector: Floats


@dataclass(frozen=True, slots=True)
class Keep(Op[str | None]):
    """Hand in the answer, or None where there is none to keep, and give the lease back.

    ``vector`` (d,) is where the semantic cache finds it. Never fails: the result is a note, None when all went well.
    """

    key: str
    lease: str | None
    request: Request
    entry: Cached | None
    vector: Floats | None = None
