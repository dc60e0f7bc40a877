"""A kept request as JSON text, and back, exactly."""

from __future__ import annotations

import json
from typing import Any

from router.decision import Decision
from router.ledger.cells import dump
from router.ledger.redact import redact
from router.types import Message, Request, ResponseFormat, Tool, ToolCall


def as_json(request: Request, decision: Decision) -> str:
    """Write the fields of ``request`` that its defaults and ``decision`` do not already say, keys redacted."""
    plain: dict[str, Any] = {"messages": [_plain_message(message) for message in request.messages]}
    for name in ("max_tokens", "temperature", "deadline", "floor", "ceiling", "profile"):
        value = getattr(request, name)
        if value is not None:
            plain[name] = value
    if request.stop:
        plain["stop"] = request.stop
    if request.response_format is not None:
        plain["response_format"] = {"schema": request.response_format.schema, "name": request.response_format.name}
    if request.tools:
        plain["tools"] = [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in request.tools
        ]
    if request.tags != decision.tags:
        plain["tags"] = request.tags
    for name in ("user", "session"):
        value = getattr(request, name)
        if value != getattr(decision, name):
            plain[name] = value
    return redact(dump(plain))


def _plain_message(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        plain["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        plain["tool_call_id"] = message.tool_call_id
    return plain


def from_json(text: str, decision: Decision) -> Request:
    """Read the request that :func:`as_json` wrote as ``text`` beside ``decision``.

    Raises:
        ValueError, TypeError, KeyError: it was not written by :func:`as_json`.
    """
    plain = json.loads(text)
    shape = plain.get("response_format")
    deadline = plain.get("deadline")
    return Request(
        messages=tuple(
            Message(
                role=message["role"],
                content=message["content"],
                tool_calls=tuple(ToolCall(**call) for call in message.get("tool_calls", ())),
                tool_call_id=message.get("tool_call_id"),
            )
            for message in plain["messages"]
        ),
        max_tokens=plain.get("max_tokens"),
        temperature=plain.get("temperature"),
        stop=tuple(plain.get("stop", ())),
        response_format=None if shape is None else ResponseFormat(**shape),
        tools=tuple(Tool(**tool) for tool in plain.get("tools", ())),
        tags=plain.get("tags", decision.tags),
        user=plain.get("user", decision.user),
        session=plain.get("session", decision.session),
        deadline=float(deadline) if isinstance(deadline, str) else deadline,
        floor=plain.get("floor"),
        ceiling=plain.get("ceiling"),
        profile=plain.get("profile"),
    )
