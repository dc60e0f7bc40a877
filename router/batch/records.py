"""What a journal holds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Which call of which request: the ``nth`` with the same ``key``, from 0."""

    request: str
    key: str
    nth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One request: its stable ``id``, its ``position``, its ``content`` as JSON text, and the identity of its decision:
    ``birth``, ``created`` in seconds since the epoch. ``posture`` is what the budgets said before it was sent.
    """

    id: str
    position: int
    content: str
    birth: str
    created: float
    posture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a request came to: a line for the output as JSON text; costs in nano-dollars, ``standard`` without any batch
    API. ``batched``: a batch API was paid.
    """

    line: str
    failed: bool
    cost: int
    standard: int
    batched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A provider batch: created, or meant to be. ``tried`` is when its creation was last attempted, in seconds since
    the epoch; ``provider_id`` is None while it is not known to have been created.
    """

    id: str
    tier: str
    size: int
    created: float
    tried: float | None = None
    provider_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call: in which batch, and what came back, None while it has not."""

    intent: str | None
    custom_id: str | None
    raw: Mapping[str, Any] | None
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far a journal has come. Costs in nano-dollars."""

    requests: int
    done: int
    failed: int
    batched: int
    cost: int
    standard: int
    batches: int
    under_way: int
