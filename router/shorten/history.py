"""The stage `history`: of a long conversation the system prompt and the last turns.

A turn is a user message and everything up to the next one, so that a tool's result stays with its call. What earlier
user messages said for good (what must, must never, or is always to be done) is carried along word for word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from router.shorten.estimate import tokens_in
from router.shorten.instructions import constrains
from router.types import Message, Request

CARRIED = "Said earlier:"
LEFT_OUT = "Left out:"
_WORDS = 8  # of each turn that the summary names
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")


def history(request: Request, *, turns: int, tokens: int | None, summary: bool) -> Request:
    """Keep the last ``turns`` turns, fewer where they have more than ``tokens``, and always the last one.

    ``summary`` adds one line that names what the turns that were cut had asked. Nothing is cut where that would not
    make the prompt shorter.
    """
    messages = request.messages
    starts = [place for place, message in enumerate(messages) if message.role == "user"]
    if not starts or (len(starts) <= turns and (tokens is None or _talk(messages) <= tokens)):
        return request
    for start in starts[-turns:]:
        cut = [message for message in messages[:start] if message.role != "system"]
        head = _head(cut, summary=summary)
        first = replace(messages[start], content=f"{head}\n\n{messages[start].content}") if head else messages[start]
        kept = (first, *messages[start + 1 :])
        if tokens is None or start == starts[-1] or _talk(kept) <= tokens:
            shorter = (*(message for message in messages[:start] if message.role == "system"), *kept)
            return replace(request, messages=shorter) if tokens_in(shorter) < tokens_in(messages) else request
    return request


def _talk(messages: Sequence[Message]) -> int:
    """Tokens of all but the system prompt."""
    return tokens_in([message for message in messages if message.role != "system"])


def _head(cut: Sequence[Message], *, summary: bool) -> str:
    """What is carried over of the turns that are ``cut``."""
    said = [message.content for message in cut if message.role == "user"]
    standing = dict.fromkeys(
        sentence.strip() for text in said for sentence in _SENTENCE.split(text) if _standing(sentence)
    )
    lines = [CARRIED, *standing] if standing else []
    if summary:
        named = "; ".join(" ".join(text.split()[:_WORDS]) for text in said)
        lines.append(f"{LEFT_OUT} {len(said)} earlier turn{'s' if len(said) > 1 else ''} ({named})")
    return "\n".join(lines)


def _standing(sentence: str) -> bool:
    return "?" not in sentence and constrains(sentence)
