"""Tiers, requests and wire bodies that the tests of the providers share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

from router.ops import Send
from router.pricing import Price, per_million
from router.providers.clients import Clients
from router.tiers import Tier
from router.types import Completion, Request, as_messages

PRICE = Price(rates=per_million(input=1, output=2))
CAPITALS = "Country: Spain\nCapital: Madrid\n\nCountry: Italy\nCapital: Rome\n\nCountry: France\nCapital:"
CAPITAL_SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}},
    "required": ["capital"],
    "additionalProperties": False,
}


def tier(api: Any = "openai-chat", **changes: Any) -> Tier:
    """Make a tier named small, on a compatible server unless told otherwise."""
    given = {"name": "small", "model": "m-1", "price": PRICE, "base_url": "http://127.0.0.1:9/v1", "max_tokens": 16}
    return Tier(api=api, **{**given, **changes})


def ask(prompt: Any = "6*7?", *, system: str | None = None, **limits: Any) -> Request:
    """Make a request."""
    return Request(messages=as_messages(prompt, system=system), **limits)


def send(to: Tier, request: Request | None = None, *, timeout: float = 20.0) -> Send:
    """Make the operation that asks ``to`` once."""
    return Send(to, request or ask(), timeout, live=False)


def at(canned: Any, api: str = "openai-chat", request: Request | None = None, **changes: Any) -> Send:
    """Make the operation that asks a tier on the scripted server."""
    return send(tier(api, base_url=canned.url, **changes), request)


def unclocked(answer: Completion) -> Completion:
    """The answer without its latency, which never repeats."""
    return replace(answer, latency=0.0)


def asynchronously(op: Send, **options: Any) -> Completion:
    """Ask through asyncio, in a loop of its own."""

    async def work() -> Completion:
        clients = Clients(**options)
        try:
            return await clients.acomplete(op)
        finally:
            await clients.aclose()

    return asyncio.run(work())


def streamed_asynchronously(op: Send, **options: Any) -> list[str | Completion]:
    """Stream through asyncio, in a loop of its own."""

    async def work() -> list[str | Completion]:
        clients = Clients(**options)
        try:
            return await gather(clients.astream(op))
        finally:
            await clients.aclose()

    return asyncio.run(work())


async def gather(items: AsyncIterator[str | Completion]) -> list[str | Completion]:
    """All items of an asynchronous stream."""
    return [item async for item in items]


def sse(events: Iterable[Any], *, named: bool = False, done: bool = True) -> str:
    """Server-sent events; ``named`` with the event's type, as Anthropic sends them."""
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


def chat_body(content: str | None = "42", **changes: Any) -> dict[str, Any]:
    """A whole ChatCompletion."""
    choice = {
        "index": 0,
        "finish_reason": changes.pop("finish_reason", "stop"),
        "message": {"role": "assistant", "content": content, **changes.pop("message", {})},
        "logprobs": changes.pop("logprobs", None),
        **changes.pop("choice", {}),
    }
    usage = {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14}
    return {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1-2026",
        "choices": [choice],
        "usage": usage,
        **changes,
    }


def chat_chunks(*texts: str, finish: str | None = "stop", usage: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The chunks of a streamed ChatCompletion."""
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1-2026"}
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
        *({**head, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in texts),
    ]
    if finish:
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    totals = usage or {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14}
    return [*chunks, {**head, "choices": [], "usage": totals}]


def completion_body(text: str | None = " 42", **changes: Any) -> dict[str, Any]:
    """A whole Completion of /v1/completions."""
    choice = {
        "index": 0,
        "text": text,
        "finish_reason": changes.pop("finish_reason", "stop"),
        "logprobs": changes.pop("logprobs", None),
    }
    usage = {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14}
    return {"id": "p-1", "object": "text_completion", "created": 1, "model": "m-1", "choices": [choice], "usage": usage}


def response_body(text: str = "42", **changes: Any) -> dict[str, Any]:
    """A whole Response."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": changes.pop("logprobs", [])}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "r-1",
        "object": "response",
        "created_at": 1,
        "model": "m-1-2026",
        "status": "completed",
        "output": [message],
        "usage": {"input_tokens": 12, "output_tokens": 2, "total_tokens": 14},
        **changes,
    }


def response_events(*texts: str, **changes: Any) -> list[dict[str, Any]]:
    """The events of a streamed Response."""
    deltas = [
        {
            "type": "response.output_text.delta",
            "item_id": "m",
            "output_index": 0,
            "content_index": 0,
            "delta": text,
            "sequence_number": place,
            "logprobs": [],
        }
        for place, text in enumerate(texts)
    ]
    whole = response_body("".join(texts), **changes)
    return [*deltas, {"type": f"response.{whole['status']}", "response": whole, "sequence_number": 99}]


def message_body(*blocks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A whole Message."""
    return {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "model": "m-1-2026",
        "content": list(blocks) or [{"type": "text", "text": "42"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 2},
        **changes,
    }


def message_events(*texts: str, stop_reason: str | None = "end_turn") -> list[dict[str, Any]]:
    """The events of a streamed Message."""
    start = message_body(content=[], stop_reason=None, usage={"input_tokens": 12, "output_tokens": 1})
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts),
        {"type": "content_block_stop", "index": 0},
    ]
    if stop_reason:
        events.append(
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop_reason, "stop_sequence": None},
                "usage": {"output_tokens": 2},
            }
        )
        events.append({"type": "message_stop"})
    return events
