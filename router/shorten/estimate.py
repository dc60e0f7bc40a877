"""How long a prompt is, in tokens: an estimate, by the rule by which rate limits count."""

from __future__ import annotations

from collections.abc import Sequence

from router.types import Message

CHARS_PER_TOKEN = 4


def tokens_of(text: str) -> int:
    """Tokens in ``text``, at four characters each, rounded up."""
    return -(-len(text) // CHARS_PER_TOKEN)


def tokens_in(messages: Sequence[Message]) -> int:
    """Tokens in all ``messages``, the arguments of tool calls included."""
    return -(-chars_in(messages) // CHARS_PER_TOKEN)


def chars_in(messages: Sequence[Message]) -> int:
    """Characters in all ``messages``, the names and arguments of tool calls included."""
    chars = sum(len(message.content) for message in messages)
    return chars + sum(len(call.name) + len(call.arguments) for message in messages for call in message.tool_calls)
