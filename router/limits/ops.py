"""What the pipeline asks of rate limits and quotas, as operations, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass

from router.ops import Op
from router.tiers import Tier
from router.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Whether a call may be made now. ``ticket`` lets it; without one, ``wait`` is in seconds until it is worth asking
    again, and ``place`` is to be handed in then, so that waiting keeps its order. ``limit`` names what held it up.

    ``refused`` is a sentence when waiting cannot help.
    """

    ticket: str | None = None
    wait: float = 0.0
    place: str | None = None
    limit: str | None = None
    refused: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enter(Op[Turn]):
    """Ask for a turn to send ``request``, of about ``tokens`` in all, to ``tier``. Never fails.

    ``place`` is what an earlier asking was given, ``left`` the seconds until the request's deadline (infinite without).
    """

    request: Request
    tier: Tier
    tokens: int
    place: str | None = None
    left: float = float("inf")


@dataclass(frozen=True, slots=True)
class Leave(Op[None]):
    """Give the turn back when the call is over. Never fails.

    ``tokens`` were really used, None where that is not known. ``throttled`` is true when the provider said 429, and
    ``retry_after`` how many seconds it asked for. ``place`` without a ``ticket`` gives up waiting.
    """

    request: Request
    tier: Tier
    ticket: str | None
    place: str | None = None
    tokens: int | None = None
    throttled: bool = False
    retry_after: float | None = None
