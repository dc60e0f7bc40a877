"""The seam between the router and a vendor's client.

A codec is pure: it turns a request into the client's arguments, and what the client returned or raised into
our values. It never does I/O, so the synchronous and the asyncio driver share every line of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from router.errors import ProviderError
from router.tiers import Tier
from router.types import Completion, Request, Usage


class Assembly(Protocol):
    """Puts one streamed answer together."""

    def feed(self, event: Any) -> str:
        """Take one event of the client's stream; return the visible text that it added, often empty.

        Raises:
            ProviderError: the event reports a failure.
        """
        ...

    @property
    def usage(self) -> Usage | None:
        """What the stream is billed for, as far as it has said so."""
        ...

    def finish(self) -> Completion:
        """The whole answer.

        Raises:
            StreamTruncated: the stream ended without a finish reason.
        """
        ...


class Codec(Protocol):
    """One wire format."""

    @property
    def streaming(self) -> Mapping[str, Any]:
        """What to add to the arguments so that the answer comes as a stream."""
        ...

    def create(self, client: Any) -> Callable[..., Any]:
        """The client's method that makes the call."""
        ...

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The client's keyword arguments for one call.

        Raises:
            UnsupportedRequest: the wire format cannot carry the request.
        """
        ...

    def decode(self, tier: Tier, request: Request, raw: Any) -> Completion:
        """The answer in what the client returned.

        Raises:
            MalformedAnswer: it is no answer.
        """
        ...

    def billed(self, raw: Any) -> Usage | None:
        """What the call is billed for that returned ``raw``, be it an answer or not; None where it does not say."""
        ...

    def assembly(self, tier: Tier, request: Request) -> Assembly:
        """An empty answer to feed a stream's events to."""
        ...

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms; None when it is no failure of the call and must go on up."""
        ...
