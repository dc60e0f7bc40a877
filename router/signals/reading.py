"""A text cut into numbers, signs and words, once, for everything that is read off it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters

_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]{1,40})\}\s*\{([^{}]{1,40})\}"), r"((\1)/(\2))"),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"\\(?:approx|simeq)(?![a-zA-Z])"), "≈"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{[^{}]{0,80}\}"), " "),
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])|\\"), ""),
)
_TOKEN = re.compile(
    r"[^\W\d_]+"
    r"|\n[ \t]*(?:(?:[-*•]|\d{1,3}[.)])[ \t]+)?"  # the end of a line, and the mark of a list's item
    r"|\d+(?:,\d{3})*(?:\.\d+)?%?|\.\d+%?"
    r"|\([^\W\d_][^\W\d_' ]{0,40}(?: [^\W\d_' ]{1,40}){0,4}\)|/ ?[^\W\d_]{2,}"  # an aside; a unit after a slash
    r"|[-+*/^=≈()$€£−–×·÷]"
    r"|[.?!;:,](?=\s|$)|<<|>>"
)
_SHORT_WORDS = frozenset("aAiI")
_ALONE = {
    **{letter: "w" if letter in _SHORT_WORDS else "v" for letter in ascii_letters},
    **dict.fromkeys("0123456789", "n"),
    **dict.fromkeys("+*/^×·÷", "s"),
    **dict.fromkeys("-−–", "m"),
    **dict.fromkeys("=≈", "e"),
    "(": "(",
    ")": ")",
    **dict.fromkeys("$€£", "$"),
    **dict.fromkeys("\n.?!", "."),
    **dict.fromkeys(";:,", ","),
}
"""The codes of tokens of one sign; any other is a letter."""
_HEADS = {
    **dict.fromkeys("0123456789.", "n"),
    "\n": ".",
    "<": ",",
    ">": ",",
    "(": "",  # an aside
    "/": "",  # a unit
}
"""The codes of longer tokens by their first sign; any other is a word, and without a code it is left out."""
_LITTLE = (
    "a i the an of to in is are was were and or how many much for on at by with that this it he she they his her their "
    "from as be has have had each per does do did will would can what which who there then than more all not but so "
    "we you your them"
)
COMMON = frozenset(_LITTLE.split())
"""Words that say little of what a sentence is about."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The ``tokens`` of a text in order, and the kind of each as one letter in ``codes``, for regular expressions.

    A code is one of n(umber), m(inus), s(ign), e(quals), ( and ), $ (money), v(ariable: a letter alone), w(ord),
    "." (the end of a sentence or a line) and "," (any other break).

    ``values`` has the number, to four decimals, at each place where one is written; its sign is not read. ``words`` has
    for each token the word in small letters, and ``stems`` the word that carries a meaning, without a plural's s; both
    are empty where there is none. ``sentences`` says where each sentence or line stands that is not empty, without its
    end.
    """

    tokens: tuple[str, ...]
    codes: str
    values: dict[int, float]
    words: Sequence[str]
    stems: Sequence[str]
    sentences: Sequence[slice]


def read(text: str) -> Reading:
    """Cut ``text``: LaTeX is read as plain arithmetic; list markers, units behind a slash and asides are left out."""
    if "\\" in text:
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    tokens = _TOKEN.findall(f"\n{text}")
    kinds = [_ALONE.get(token) or _HEADS.get(token[0], "w") for token in tokens]
    if not text.isascii():
        kinds = [
            "v" if len(token) == 1 and token not in _ALONE else code for token, code in zip(tokens, kinds, strict=True)
        ]
    if "" in kinds:
        tokens = [token for token, code in zip(tokens, kinds, strict=True) if code]
        kinds = [code for code in kinds if code]
    if not _MAYBE_TIMES.isdisjoint(tokens):
        for place in [place for place, token in enumerate(tokens) if token in _MAYBE_TIMES]:
            if _multiplies(tokens, kinds, place):
                tokens[place], kinds[place] = "*", "s"
    codes = "".join(kinds)
    words = [token.lower() if code == "w" else "" for token, code in zip(tokens, kinds, strict=True)]
    return Reading(
        tokens=tuple(tokens),
        codes=codes,
        values=_values(tokens, codes),
        words=words,
        stems=["" if word in COMMON else word.rstrip("s") for word in words],
        sentences=_sentences(codes),
    )


def _values(tokens: Sequence[str], codes: str) -> dict[int, float]:
    found = {}
    place = codes.find("n")
    while place >= 0:
        token = tokens[place]
        short = len(token) < _SURELY_WHOLE and token.isdigit()
        found[place] = float(token) if short else rounded(number(token))
        place = codes.find("n", place + 1)
    return found


def _sentences(codes: str) -> list[slice]:
    found, start = [], 0
    for part in codes.split("."):
        stop = start + len(part)
        if part:
            found.append(slice(start, stop))
        start = stop + 1
    return found


_MAYBE_TIMES = frozenset(("x", "X", "of"))


def _multiplies(tokens: list[str], codes: list[str], place: int) -> bool:
    """Whether an "x" or an "of" stands for the sign of multiplication."""
    after = codes[place + 1 : place + 3]
    if tokens[place] != "of":
        return after[:1] in (["n"], ["("]) or after == ["$", "n"]
    of_share = codes[place - 1] == "n" and (tokens[place - 1][-1] == "%" or tokens[place - 2] == "/")
    return of_share and place > 1 and (after[:1] in (["n"], ["("]) or after in (["$", "n"], ["w", "n"]))


_SURELY_WHOLE = 10
"""Digits below which a whole number rounded to four decimals is itself, without rounding it."""

LARGEST = 1e15
"""A number is read as this at most: what is longer is no quantity."""


def number(text: str) -> float:
    """The value of a written number; a percentage is a share."""
    value = min(float(text.rstrip("%").replace(",", "")), LARGEST)
    return value / 100 if text[-1] == "%" else value


def rounded(value: float) -> float:
    """The number to four decimals, so that a third and what was written for it are the same."""
    return math.floor(value * 1e4 + 0.5) / 1e4
