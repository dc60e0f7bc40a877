"""Passages: the parts of a message that are material for an answer, and not the question or an instruction.

Only what is marked as material counts: elements such as ``<document>``, paragraphs that begin with ``[1]`` or
``Passage 1:``, paragraphs between a line ``Context:`` and the line ``Question:``, and the results of tools. Everything
else is the caller's own word.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.shorten.instructions import commands
from router.shorten.spans import protected_blocks
from router.types import Message, Request

_NAMES = "chunk|context|doc|document|excerpt|passage|result|search_result|snippet|source"
_MARK = re.compile(rf"<(?P<end>/?)(?P<name>{_NAMES})(?:\s[^<>]*)?>", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:^|(?<=\n\n))"
    r"(?P<head>\[\d+\][ \t:]*|(?:Passage|Document|Source|Excerpt|Chunk|Result|Doc)[ \t]+#?\d+[ \t]*[:.)][ \t]*\n?)"
    r"(?P<body>\S.*?)(?=\n\n|\Z)",
    re.DOTALL,
)
_SECTION = re.compile(
    r"^[#* \t]*(?:Context|Documents|Passages|Sources|Excerpts|Search results|Background)[* \t]*:[* \t]*\n",
    re.MULTILINE | re.IGNORECASE,
)
_ASKS = re.compile(r"^[#* \t]*(?:Question|Query|Task|Instructions?|Request)[* \t]*:", re.MULTILINE | re.IGNORECASE)
_LEAST_WORDS = 15
_PARAGRAPH = re.compile(r"\S(?:.*?\S)??(?=[ \t]*\n[ \t]*\n|\s*\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage: the whole of it with its marks, from ``start`` to ``end``, and its ``body`` within them."""

    start: int
    end: int
    body: tuple[int, int]


def passages_of(message: Message) -> tuple[Passage, ...]:
    """The passages in a message's content, in order, none within another. A tool's result is all passages.

    A system message has none: what it says is an instruction.
    """
    if message.role == "system":
        return ()
    text = message.content
    if message.role == "tool":
        return tuple(_paragraphs(text, 0, len(text)))
    found: list[Passage] = []
    places: list[tuple[int, int]] = []
    code = protected_blocks(text)

    def take(passage: Passage) -> None:
        clear = not meets(code, passage.start, passage.end) or _holds(passage, code)
        if clear and not meets(places, passage.start, passage.end):
            insort(places, (passage.start, passage.end))
            found.append(passage)

    if "</" in text:
        for passage in _elements(text):
            take(passage)
    for passage in _sections(text):
        take(passage)
    if "[" in text or ":" in text:
        for match in _NUMBERED.finditer(text):
            # A numbered line that is short, or begins with a verb, belongs to a list of what is to be done.
            if len(match["body"].split()) >= _LEAST_WORDS and not commands(match["body"]):
                take(Passage(*match.span(), match.span("body")))
    return tuple(sorted(found, key=lambda passage: passage.start))


def meets(places: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether any of ``places``, which are in order and apart, has a part between ``start`` and ``end``."""
    before = bisect_left(places, (end, 0))
    return before > 0 and places[before - 1][1] > start


def _holds(passage: Passage, code: list[tuple[int, int]]) -> bool:
    """Whether every block of code that meets the passage lies within its body."""
    start, end = passage.body
    meeting = [block for block in code if block[0] < passage.end and passage.start < block[1]]
    return all(start <= one and other <= end for one, other in meeting)


def _elements(text: str) -> Iterator[Passage]:
    """The innermost elements: one that holds others is only their frame. A context's paragraphs are passages each."""
    opened: list[tuple[str, int, int]] = []
    inner = True
    for mark in _MARK.finditer(text):
        name = mark["name"].lower()
        if not mark["end"]:
            opened.append((name, *mark.span()))
            inner = True
        elif opened and opened[-1][0] == name:
            _, start, body = opened.pop()
            if inner and name == "context":
                yield from _paragraphs(text, body, mark.start())
            elif inner:
                yield Passage(start, mark.end(), (body, mark.start()))
            inner = False


def _sections(text: str) -> Iterator[Passage]:
    """The paragraphs between a line that announces material and one that asks for something."""
    end = 0
    for head in _SECTION.finditer(text):
        if head.start() < end:
            continue
        asks = _ASKS.search(text, head.end())
        if asks is None:
            return
        end = asks.start()
        yield from _paragraphs(text, head.end(), end)


def _paragraphs(text: str, start: int, end: int) -> list[Passage]:
    return [Passage(one, other, (one, other)) for one, other in paragraphs_of(text, start, end)]


def paragraphs_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The places of the paragraphs between ``start`` and ``end``; a blank line in code or in a table ends none."""
    blocks = [(start + one, start + other) for one, other in protected_blocks(text[start:end])]
    found: list[tuple[int, int]] = []
    for match in _PARAGRAPH.finditer(text, start, end):
        one, other = match.span()
        if found and meets(blocks, one - 1, one):
            found[-1] = found[-1][0], other
        else:
            found.append((one, other))
    return found


def last_question(request: Request) -> int:
    """The place of the last user message, whose own words are the question; -1 where there is none."""
    places = [place for place, message in enumerate(request.messages) if message.role == "user"]
    return places[-1] if places else -1


def without(text: str, dropped: list[Passage]) -> str:
    """``text`` without some of its passages, and without the gap that they leave."""
    for passage in sorted(dropped, key=lambda each: each.start, reverse=True):
        head, tail = text[: passage.start], text[passage.end :]
        gap = len(tail) - len(tail.lstrip())
        text = head + (tail[gap:] if not head or head[-1].isspace() else tail)
    return text


def own_words(message: Message) -> str:
    """A message's content without its passages."""
    return without(message.content, list(passages_of(message)))
