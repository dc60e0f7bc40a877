"""What no stage may change within a text: code, JSON, numbers with their units, quotations, addresses, tables."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import neg

OPEN, CLOSE = "\ue000", "\ue001"
"""Stand around the number of a piece that is held back. From the private use area: no text means anything by them."""

_MOST_TRIES = 64  # brackets that open no JSON; after so many the rest of the text is left alone

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[^\n]*(?:\n.*?(?:^[ \t]*(?P=mark)[`~]*[ \t\r]*$|\Z)|\Z)", re.MULTILINE | re.DOTALL
)
_TICKS = re.compile(r"`+")
_ELEMENT = re.compile(r"<(pre|code|table|textarea|svg|math)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_MATHS = re.compile(
    r"\$\$.+?\$\$|\\\(.{1,2000}?\\\)|\\\[.{1,2000}?\\\]|\\begin\{(\w{1,30}\*?)\}.{1,9000}?\\end\{\1\}", re.DOTALL
)
_ADDRESS = re.compile(r"\b(?:https?|ftp|wss?|file)://[^\s<>\"'`]+|\bwww\.[^\s<>\"'`]+|\bmailto:\S+")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+")
_ROW = re.compile(r"^[^\n|]*\|[^\n]*\|[^\n]*$|^[^\n\t]*\S\t+\S[^\n]*$", re.MULTILINE)
_COLUMNS = re.compile(
    r"^(?=[^\n]*\S {2,}\S[^\n]*\S {2,}\S)[^\n]+(?:\n(?=[^\n]*\S {2,}\S[^\n]*\S {2,}\S)[^\n]+)+", re.MULTILINE
)
_INDENTED = re.compile(r"(?:^(?: {4}|\t)[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)
_BLOCK_QUOTE = re.compile(r"^[ \t]{0,3}>[^\n]*$", re.MULTILINE)
_BRACED = re.compile(r"\{[^{}]*\}")
_PAIRS = re.compile(r"“[^”“]{0,2000}”|„[^“”„]{0,2000}[“”]|«[^»«]{0,2000}»|‘[^’‘\n]{0,500}’(?!\w)")
_SINGLE = re.compile(r"'(?<![\w']')(?=\S)[^'\n]{0,500}'(?!\w)")
_NUMBER = re.compile(
    r"(?:[<>≤≥=±~+#№$€£¥-]{1,2}\s?)?\d+(?:[.,:/x×–^-]\d+)*"
    r"(?:\s?(?:%|‰|°\s?[CF]?|[\"″′])|[ \t\u00a0-]?[^\W\d_][\w/²³·]*)?"
)
_BRACKET = re.compile(r"[\[{]")
_MARKUP = re.compile(r"[<&]|\*\*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Masked:
    """A text whose protected pieces are ``held`` back; each left a mark with its number in ``text``."""

    text: str
    held: tuple[str, ...]

    def whole(self, text: str) -> str | None:
        """``text`` with the pieces put back; None when one of them is missing or out of order."""
        parts = re.split(f"{OPEN}(\\d+){CLOSE}", text)
        if parts[1::2] != [str(place) for place in range(len(self.held))]:
            return None
        parts[1::2] = self.held
        return "".join(parts)

    def restored(self, text: str) -> str:
        """Part of the text, with the pieces put back whose marks are in it."""
        return re.sub(f"{OPEN}(\\d+){CLOSE}", lambda mark: self.held[int(mark[1])], text)


def masked(text: str, spans: list[tuple[int, int]] | None = None) -> Masked | None:
    """Hold back what is protected in ``text``, or what lies in ``spans``; None for a text with our marks in it."""
    if OPEN in text or CLOSE in text:
        return None
    spans = protected(text) if spans is None else spans
    if not spans:
        return Masked(text, ())
    pieces: list[str] = []
    held: list[str] = []
    last = 0
    for start, end in spans:
        pieces += (text[last:start], f"{OPEN}{len(held)}{CLOSE}")
        held.append(text[start:end])
        last = end
    pieces.append(text[last:])
    return Masked("".join(pieces), tuple(held))


def protected(text: str) -> list[tuple[int, int]]:
    """The places (start, end) that are protected, in order, none touching another."""
    blocks = [*_found(_FENCE, text)] if "```" in text or "~~~" in text else []
    rest = _blanked(text, blocks)
    spans = [*blocks, *_found(_NUMBER, rest)]
    if "`" in rest:
        spans += _ticked(rest)
    if "<" in rest:
        spans += _found(_ELEMENT, rest)
    if "$$" in rest or "\\" in rest:
        spans += _found(_MATHS, rest)
    if "://" in rest or "www." in rest or "mailto:" in rest:
        spans += _found(_ADDRESS, rest)
    if "@" in rest:
        spans += _found(_MAIL, rest)
    if "|" in rest or "\t" in rest:
        spans += _found(_ROW, rest)
    if "  " in rest:
        spans += _found(_COLUMNS, rest)
        spans += _found(_INDENTED, rest)
    elif "\t" in rest:
        spans += _found(_INDENTED, rest)
    if ">" in rest:
        spans += _found(_BLOCK_QUOTE, rest)
    if "{" in rest or "[" in rest:
        spans += _found(_BRACED, rest)
        spans += _json(rest)
    if '"' in rest:
        spans += _quoted(rest)
    if "'" in rest:
        spans += _found(_SINGLE, rest)
    if not rest.isascii():
        spans += _found(_PAIRS, rest)
    return _merged(spans)


def protected_blocks(text: str) -> list[tuple[int, int]]:
    """The places of code and tables that go over several lines: a blank line within them ends no paragraph."""
    spans = [*_found(_FENCE, text)] if "```" in text or "~~~" in text else []
    if "</" in text:
        spans += _found(_ELEMENT, text)
    return _merged(spans)


def code_in(text: str) -> list[tuple[int, int]]:
    """The places of code, in lines of its own or within one, and of tables."""
    blocks = protected_blocks(text)
    return _merged([*blocks, *_ticked(_blanked(text, blocks))]) if "`" in text else blocks


def data_in(text: str) -> list[tuple[int, int]]:
    """The places of code, of tables, and of JSON with signs of markup in its strings, which is none there."""
    code = code_in(text)
    if "{" not in text and "[" not in text:
        return code
    data = [(start, end) for start, end in _json(_blanked(text, code)) if _MARKUP.search(text, start, end)]
    return _merged([*code, *data])


def _found(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(text))


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """``text`` of the same length, without what is in ``spans``: a quotation mark in code opens no quotation."""
    pieces: list[str] = []
    last = 0
    for start, end in spans:
        pieces += (text[last:start], "\n" * (end - start))
        last = end
    return "".join((*pieces, text[last:]))


def _ticked(text: str) -> Iterator[tuple[int, int]]:
    """Code within lines: from a run of ticks to the next run of as many, or to one of fewer where there is none.

    Not by an expression, which looks through the whole text for each tick that is never matched.
    """
    runs = [found.span() for found in _TICKS.finditer(text)]
    alike: dict[int, list[int]] = {}
    for place, (start, end) in enumerate(runs):
        alike.setdefault(end - start, []).append(place)
    sizes = sorted(alike, reverse=True)
    place = 0
    while place < len(runs):
        start, end = runs[place]
        for size in sizes[bisect_left(sizes, start - end, key=neg) :]:
            later = bisect_right(alike[size], place)
            if later < len(alike[size]):
                place = alike[size][later]
                yield end - size, runs[place][1]
                break
        place += 1


def _json(text: str) -> Iterator[tuple[int, int]]:
    place, tries = 0, 0
    while (opening := _BRACKET.search(text, place)) is not None:
        start = opening.start()
        if tries == _MOST_TRIES:
            yield start, len(text)
            return
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            tries += 1
            place = start + 1
        else:
            yield start, end
            place = end


def _quoted(text: str) -> Iterator[tuple[int, int]]:
    """Quotations between straight marks; where a paragraph has an odd number of marks, all from the first one on."""
    start = 0
    while start < len(text):
        end = text.find("\n\n", start)
        end = len(text) if end < 0 else end
        marks = [place for place in range(start, end) if text[place] == '"'] if '"' in text[start:end] else []
        if len(marks) % 2:
            yield marks[0], end
        else:
            yield from ((one, other + 1) for one, other in zip(marks[::2], marks[1::2], strict=True))
        start = end + 2


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
