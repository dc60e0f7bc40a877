"""The stage `llmlingua`: passages without the words that a small model finds dispensable.

LLMLingua-2 (Pan et al., 2024) marks each token of a text as worth keeping or not. It knows nothing of code or numbers,
so a passage that would lose anything protected, or an instruction, is sent as it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from router.shorten.instructions import instructs
from router.shorten.passages import Passage, last_question, own_words, passages_of
from router.shorten.spans import protected
from router.types import Request

LEAST = 200
"""Characters that a passage must have for it to be worth the model's time."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Taken:
    """The passages to be shortened: in which message each stands, where, and its text; and the ``question``."""

    places: tuple[tuple[int, Passage], ...]
    texts: tuple[str, ...]
    question: str


def taken(request: Request) -> Taken:
    """The passages of ``request`` that are long enough."""
    asked = last_question(request)
    found = [
        (place, passage)
        for place, message in enumerate(request.messages)
        for passage in passages_of(message)
        if passage.body[1] - passage.body[0] >= LEAST
    ]
    return Taken(
        places=tuple(found),
        texts=tuple(request.messages[place].content[slice(*passage.body)] for place, passage in found),
        question=own_words(request.messages[asked]) if asked >= 0 else "",
    )


def put_back(request: Request, found: Taken, texts: tuple[str, ...]) -> Request:
    """The request with ``texts`` in place of the passages that were taken, each where it kept what it must."""
    messages = list(request.messages)
    for (place, passage), before, after in reversed(list(zip(found.places, found.texts, texts, strict=True))):
        if len(after) < len(before) and after.strip() and keeps(before, after):
            start, end = passage.body
            content = messages[place].content
            messages[place] = replace(messages[place], content=content[:start] + after + content[end:])
    return replace(request, messages=tuple(messages))


def keeps(before: str, after: str) -> bool:
    """Whether all that is protected in ``before``, and its instructions, stand word for word in ``after`` too."""
    place = 0
    for start, end in protected(before):
        place = after.find(before[start:end], place)
        if place < 0:
            return False
        place += end - start
    return all(sentence.strip() in after for sentence in _SENTENCE.split(before) if instructs(sentence))
