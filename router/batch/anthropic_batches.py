"""Anthropic's batches of messages. They carry no mark but the custom ids of their items, once they have ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from router.batch.apis import SKEW, Found, Item, Results, plain
from router.batch.records import Intent


class AnthropicBatches:
    """``/v1/messages/batches``."""

    def create(self, client: Any, intent: str, items: Mapping[str, Item], *, timeout: float) -> str:  # noqa: ARG002 - in the ids
        """Create a batch; the custom ids of ``items`` begin with ``intent``."""
        headers = dict(next(iter(items.values())).headers)
        requests = [{"custom_id": custom, "params": dict(item.body)} for custom, item in items.items()]
        return str(client.messages.batches.create(requests=requests, extra_headers=headers, timeout=timeout).id)

    def find(self, client: Any, intent: Intent, known: frozenset[str], *, timeout: float) -> Found:
        """Look for a batch of as many items, made at about that time; while one is under way, nobody can say."""
        unsure = False
        for batch in client.messages.batches.list(limit=100, timeout=timeout):
            if batch.created_at.timestamp() < intent.created - SKEW:
                break
            counts = batch.request_counts
            size = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
            if batch.id in known or size != intent.size:
                continue
            if batch.processing_status != "ended":
                unsure = True
                continue
            with closing(client.messages.batches.results(batch.id, timeout=timeout)) as lines:
                first = next(iter(lines), None)
            if first is not None and first.custom_id.startswith(intent.id):
                return Found(id=str(batch.id))
        return Found(sure=not unsure)

    def results(self, client: Any, batch: str, *, timeout: float) -> Results | None:
        """What the batch came to."""
        if client.messages.batches.retrieve(batch, timeout=timeout).processing_status != "ended":
            return None
        lines = client.messages.batches.results(batch, timeout=timeout)
        return Results(raws={line.custom_id: _raw(plain(line.result)) for line in lines}, ended="ended")


def _raw(result: Mapping[str, Any]) -> dict[str, Any]:
    kind = result.get("type")
    if kind == "succeeded":
        return {"status": 200, "body": result["message"]}
    if kind == "errored":
        return {"status": 500, "body": result["error"]}
    return {"ended": str(kind)}
