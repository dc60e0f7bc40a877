"""A text cut into numbers, signs and words, once, for everything that is read off it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property

_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]{1,40})\}\s*\{([^{}]{1,40})\}"), r"((\1)/(\2))"),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"\\(?:approx|simeq)(?![a-zA-Z])"), "≈"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{[^{}]{0,80}\}"), " "),
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])|\\"), ""),
)
_TOKEN = re.compile(
    r"\n[ \t]*(?:(?:[-*•]|\d{1,3}[.)])[ \t]+)?"  # the end of a line, and the mark of a list's item
    r"|\d+(?:,\d{3})*(?:\.\d+)?%?|\.\d+%?"
    r"|\([^\W\d_][^\W\d_' ]{0,40}(?: [^\W\d_' ]{1,40}){0,4}\)|/ ?[^\W\d_]{2,}"  # an aside; a unit after a slash
    r"|[^\W\d_]+"
    r"|[-+*/^=≈()$€£−–×·÷]"
    r"|[.?!;:,](?=\s|$)|<<|>>"
)
_CODES = {
    **dict.fromkeys("0123456789", "n"),
    **dict.fromkeys("+*/^×·÷", "s"),
    **dict.fromkeys("-−–", "m"),
    **dict.fromkeys("=≈", "e"),
    "(": "(",
    ")": ")",
    **dict.fromkeys("$€£", "$"),
    **dict.fromkeys("\n.?!", "."),
    **dict.fromkeys(";:,<>", ","),
}
_LITTLE = (
    "a i the an of to in is are was were and or how many much for on at by with that this it he she they his her their "
    "from as be has have had each per does do did will would can what which who there then than more all not but so "
    "we you your them"
)
COMMON = frozenset(_LITTLE.split())
"""Words that say little of what a sentence is about."""

_SHORT_WORDS = frozenset("aAiI")


@dataclass(frozen=True)
class Reading:
    """The ``tokens`` of a text in order, and the kind of each as one letter in ``codes``, for regular expressions.

    A code is one of n(umber), m(inus), s(ign), e(quals), ( and ), $ (money), v(ariable: a letter alone), w(ord),
    "." (the end of a sentence or a line) and "," (any other break).
    """

    tokens: tuple[str, ...]
    codes: str

    @cached_property
    def values(self) -> dict[int, float]:
        """The number, to four decimals, at each place where one is written; its sign is not read."""
        return {place: rounded(number(self.tokens[place])) for place in _places(self.codes, "n")}

    @cached_property
    def words(self) -> dict[int, str]:
        """The word in small letters at each place where one is."""
        return {place: self.tokens[place].lower() for place in _places(self.codes, "w")}

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """For each token the word that carries a meaning there, without a plural's s, or nothing."""
        found = [""] * len(self.codes)
        for place, word in self.words.items():
            if word not in COMMON:
                found[place] = word.rstrip("s")
        return tuple(found)

    @cached_property
    def sentences(self) -> tuple[slice, ...]:
        """Where each sentence or line stands that is not empty, without its end."""
        found, start = [], 0
        for place in (*_places(self.codes, "."), len(self.codes)):
            if place > start:
                found.append(slice(start, place))
            start = place + 1
        return tuple(found)


def _places(codes: str, code: str) -> list[int]:
    return [place for place, one in enumerate(codes) if one == code]


def read(text: str) -> Reading:
    """Cut ``text``: LaTeX is read as plain arithmetic; list markers, units behind a slash and asides are left out."""
    if "\\" in text:
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    tokens, codes = [], []
    for token in _TOKEN.findall(f"\n{text}"):
        code = _CODES.get(token[0], "w")
        if len(token) == 1:
            if code == "w" and token not in _SHORT_WORDS:
                code = "v"
        elif code in "(s":
            continue  # an aside, or a unit
        elif code == ".":
            code = "n" if token[0] == "." else "."
        tokens.append(token)
        codes.append(code)
    for place in [place for place, token in enumerate(tokens) if token in _MAYBE_TIMES]:
        if _multiplies(tokens, codes, place):
            tokens[place], codes[place] = "*", "s"
    return Reading(tuple(tokens), "".join(codes))


_MAYBE_TIMES = frozenset(("x", "X", "of"))


def _multiplies(tokens: list[str], codes: list[str], place: int) -> bool:
    """Whether an "x" or an "of" stands for the sign of multiplication."""
    after = codes[place + 1 : place + 3]
    if tokens[place] != "of":
        return after[:1] in (["n"], ["("]) or after == ["$", "n"]
    of_share = codes[place - 1] == "n" and (tokens[place - 1][-1] == "%" or tokens[place - 2] == "/")
    return of_share and place > 1 and (after[:1] in (["n"], ["("]) or after in (["$", "n"], ["w", "n"]))


LARGEST = 1e15
"""A number is read as this at most: what is longer is no quantity."""


def number(text: str) -> float:
    """The value of a written number; a percentage is a share."""
    value = min(float(text.rstrip("%").replace(",", "")), LARGEST)
    return value / 100 if text[-1] == "%" else value


def rounded(value: float) -> float:
    """The number to four decimals, so that a third and what was written for it are the same."""
    return math.floor(value * 1e4 + 0.5) / 1e4
