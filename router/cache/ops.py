"""What the pipeline asks of a cache of answers, as operations, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Result:
    """What one step of a workflow came to, as JSON text; ``created`` in seconds since the epoch."""

    value: str
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a cache said. ``entry`` is an answer that will do. Without one: ``lease`` says that the caller is to make it
    and to hand it in with :class:`Keep`; ``busy`` that somebody else is making it now; neither, that nobody has to be
    waited for, or that the cache could not say, and ``note`` why.
    """

    entry: Cached | None = None
    kind: Literal["exact", "semantic"] = "exact"
    similarity: float = 1.0
    lease: str | None = None
    busy: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedStep:
    """The same of a step's ``result``."""

    result: Result | None = None
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
    """Look for the answer to a question that asks the same, by the vector (d,) of this one. Never fails.

    ``group`` is the key of all but the question: only answers of one group may be handed to one another.
    """

    request: Request
    vector: Floats
    group: str


@dataclass(frozen=True, slots=True)
class Keep(Op[str | None]):
    """Hand in the answer, or None where there is none to keep, and give the lease back.

    ``vector`` (d,) and ``group`` are where the semantic cache finds it. ``open``, without an entry: such answers are
    not kept, so for this many seconds nobody need wait for one. Never fails: the result is a note, None when all went
    well.
    """

    key: str
    lease: str | None
    request: Request
    entry: Cached | None
    vector: Floats | None = None
    group: str | None = None
    open: float = 0.0


@dataclass(frozen=True, slots=True)
class FetchStep(Op[FetchedStep]):
    """Look a step's result up, of at most ``max_age`` seconds. Never fails."""

    key: str
    max_age: float


@dataclass(frozen=True, slots=True)
class KeepStep(Op[str | None]):
    """Hand in a step's result, for ``ttl`` seconds, or None where there is none, and give the lease back.

    Never fails: the result is a note.
    """

    key: str
    lease: str | None
    result: Result | None
    ttl: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clear(Op[int | None]):
    """Forget the answers to requests whose ``tag`` was ``value``, all without one; how many, where that is known.

    For a person who asks. An answer that is being made meanwhile is kept all the same.

    Raises:
        CacheError: the store cannot be read or written.
    """

    tag: str | None = None
    value: str | None = None
