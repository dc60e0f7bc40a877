"""What a provider's batch API can do, alike for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from router.batch.records import Intent
from router.ops import Send
from router.providers.clients import CODECS

SKEW = 3600.0
"""Seconds by which the provider's clock may differ from ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One request of a batch as it is sent. Those of one batch share ``headers`` and endpoint."""

    body: Mapping[str, Any]
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What looking for a batch came to: its ``id``, or None. Unless it is ``sure``, look again later."""

    id: str | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a batch came to. ``raws`` are what came back, by custom id; the items ``again`` were not taken at all, and
    may be sent as if for the first time. ``ended`` says how it ended, for items that nothing is told of.
    """

    raws: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: frozenset[str] = frozenset()
    ended: str = "completed"


class BatchApi(Protocol):
    """One provider's batch API. Every method makes calls with the official client, and raises what that raises."""

    def create(self, client: Any, intent: str, items: Mapping[str, Item], *, timeout: float) -> str:
        """Create a batch of ``items`` by custom id, which the provider can later tell by its ``intent``; its id."""
        ...

    def find(self, client: Any, intent: Intent, known: frozenset[str], *, timeout: float) -> Found:
        """Look for the batch that was to be created for ``intent``; ``known`` are those of other intents."""
        ...

    def results(self, client: Any, batch: str, *, timeout: float) -> Results | None:
        """What the batch came to; None while it is under way."""
        ...


def item_of(send: Send) -> Item:
    """What is sent for ``send``: the body that a direct call would have.

    Raises:
        UnsupportedRequest: the wire format cannot carry the request.
    """
    arguments = CODECS[send.tier.api].encode(send.tier, send.request)
    headers = arguments.pop("extra_headers", {})
    extra = arguments.pop("extra_body", {})
    return Item(body={**arguments, **extra}, headers=tuple(sorted(headers.items())))


def plain(value: Any) -> Any:
    """What a client returned, as JSON has it."""
    return value.to_dict(mode="json") if hasattr(value, "to_dict") else value
