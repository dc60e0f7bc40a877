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
    system = [message for message in request.messages if message.role == "system"]
    talk = [message for message in request.messages if message.role != "system"]
    starts = [place for place, message in enumerate(talk) if message.role == "user"]
    if not starts:
        return request
    for start in _starts(starts, turns):
        cut, kept = talk[:start], talk[start:]
        if not cut:
            if tokens is None or tokens_in(kept) <= tokens or len(starts) == 1:
                return request
            continue
        head = _head(cut, summary=summary)
        first = replace(kept[0], content=f"{head}\n\n{kept[0].content}") if head else kept[0]
        if tokens is None or start == starts[-1] or tokens_in((first, *kept[1:])) <= tokens:
            messages = (*system, first, *kept[1:])
            return replace(request, messages=messages) if tokens_in(messages) < tokens_in(request.messages) else request
    return request


def _starts(starts: Sequence[int], turns: int) -> Sequence[int]:
    """Where the part that is kept may begin, the longest part first."""
    kept = starts[-turns:]
    return [0, *kept[1:]] if len(starts) <= turns else kept


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
