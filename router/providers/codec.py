"""The seam between the router and a vendor's client.

A codec is pure: it turns a request into the client's arguments, and what the client returned or raised into
our values. It never does I/O, so the synchronous and the asyncio driver share every line of it.
"""

from __future__ import annotations

from typing import Any, Protocol

from router.errors import ProviderError
from router.tiers import Tier
from router.types import Completion, Request


class Assembly(Protocol):
    """Puts one streamed answer together."""

    def feed(self, event: Any) -> str:
        """Take one event of the client's stream; return the visible text that it added, often empty."""
        ...

    def finish(self) -> Completion:
        """The whole answer.

        Raises:
            StreamTruncated: the stream ended without a finish reason.
        """
        ...


class Codec(Protocol):
    """One wire format."""

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The client's keyword arguments for one call."""
        ...

    def decode(self, tier: Tier, raw: Any) -> Completion:
        """The answer in what the client returned.

        Raises:
            MalformedAnswer: it is no answer.
        """
        ...

    def assembly(self, tier: Tier) -> Assembly:
        """An empty answer to feed a stream's events to."""
        ...

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms; None when it is no failure of the call and must go on up."""
        ...
