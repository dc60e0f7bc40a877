"""Operations: everything the core may ask the outside world for, as frozen values.

The core awaits an operation; a driver performs it and sends the result back. So one pipeline serves the
synchronous call, asyncio, a batch and a replay of logged answers.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from router.decision import Decision
from router.embed import Embedder, Vectors
from router.tiers import Tier
from router.types import Completion, Request

T = TypeVar("T")


class Op(Generic[T]):
    """An operation whose result is a ``T``. One that nobody awaits does nothing."""

    __slots__ = ()

    def __await__(self) -> Generator[Op[Any], T, T]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Now(Op[float]):
    """The monotonic clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Sleep(Op[None]):
    """Wait before a retry."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Send(Op[Completion]):
    """Ask one tier once, without retries.

    ``timeout`` is in seconds. ``live``: this answer cannot be escalated from, so a streaming driver may show
    it as it arrives.

    Raises:
        ProviderError: the call failed.
    """

    tier: Tier
    request: Request
    timeout: float
    live: bool


@dataclass(frozen=True, slots=True)
class Embed(Op[Vectors]):
    """Embed texts: (n, d), in the order given.

    ``timeout`` is in seconds; somebody waits for a live request, and nobody for a replay, which need not heed it.

    Raises:
        EmbedderError: there are no vectors, or none in time.
    """

    embedder: Embedder
    texts: tuple[str, ...]
    timeout: float


@dataclass(frozen=True, slots=True)
class Look(Op[None]):
    """See whether the policy was replaced or an alarm raised, where the configuration asks for it. Never fails."""


@dataclass(frozen=True, slots=True)
class Spare(Op[bool]):
    """Whether there is money and room for an audit now."""


@dataclass(frozen=True, slots=True)
class Append(Op[None]):
    """Write the decision to the ledger, durably, before the request returns.

    Raises:
        LedgerError: it could not be written.
    """

    decision: Decision
    request: Request
