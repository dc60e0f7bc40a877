"""A text as words, each with the preposition that governs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from router.cache.semantic.phrases import FRAMES, GOVERNORS, LIGHT, STOP
from router.cache.semantic.quantities import NUMBERS, UNITS
from router.cache.semantic.synonyms import SYNONYMS

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s.,;:?!()\[\]{}'\"’‘“”«»|`_-]")
_GLUED = re.compile(r"(?<![\w.])(?<!\d,)(\d[\d,]*(?:\.\d+)?)(?=[^\W\d_]{1,4}(?![\w-]))")
_PARTICLE = re.compile(r"(?<=\w)-(?=(?:in|out|up|down|off|on|over|back|through)\b)", re.IGNORECASE)
_LETTER = re.compile(r"(?<=[\w,;:] )A(?=[ ,;:?!.]|\Z)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
CODE = re.compile(r"```(.*?)(?:```|\Z)|~~~(.*?)(?:~~~|\Z)|`([^`\n]+)`", re.DOTALL)
"""A piece of code, in fences or ticks, with the language that a fence names."""

FRAME = re.compile("|".join(FRAMES), re.IGNORECASE)
_JOINS = frozenset({"and", "or", "versus", "vs", "with", "&"})


@dataclass(frozen=True, slots=True)
class Term:
    """A word that matters: its ``stem``, the preposition that leads it, and the stem of the word right before it.

    Either is empty where there is none.
    """

    stem: str
    after: str = ""
    behind: str = ""


def plain(text: str) -> str:
    """The text without code, its apostrophes straight, `check-in` one word, and `A` as a name told from the article."""
    return _LETTER.sub("letter-a", _PARTICLE.sub("", CODE.sub(" ", text).replace("’", "'")))


def words_in(text: str) -> list[str]:
    """The words of a text in small letters, a possessive's `'s` cut off."""
    return [word.lower().removesuffix("'s") for word in _WORD.findall(text)]


def stem(word: str) -> str:
    """A word without the endings of its plural and its tenses; words of one meaning have one stem."""
    value = NUMBERS.get(word)
    if value is not None:
        return str(value)
    cut = _cut(word)
    return _SAME.get(cut, cut)


def _cut(word: str) -> str:
    """Cut endings off, one of each kind in turn, as long as a word of four letters (three before `s`) is left."""
    if not word.isascii() or not word.isalpha():
        return word
    for step in _ENDINGS:
        for ending, (other, least) in step.items():
            if word.endswith(ending) and len(word) - len(ending) >= least:
                word = word[: -len(ending)] + other
                break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] in "bdgmnprt"
    return word[:-1] if doubled else word.removesuffix("e") if len(word) > 3 else word


_ENDINGS: tuple[Mapping[str, tuple[str, int]], ...] = (
    {"sses": ("ss", 2), "ies": ("y", 2), "ches": ("ch", 2), "shes": ("sh", 2), "xes": ("x", 2), "ss": ("ss", 1),
     "us": ("us", 1), "is": ("is", 1), "s": ("", 3)},
    {"ations": ("at", 3), "ation": ("at", 3), "ition": ("it", 3), "ment": ("", 4), "ness": ("", 4), "ably": ("", 4),
     "ibly": ("", 4), "able": ("", 4), "ible": ("", 4), "ially": ("", 4), "ally": ("", 4), "ly": ("", 4),
     "ical": ("ic", 3), "ity": ("", 5), "al": ("", 5), "ion": ("", 4), "ive": ("", 5)},
    {"ied": ("y", 2), "ing": ("", 3), "ed": ("", 3), "er": ("", 5), "or": ("", 5)},
)  # fmt: skip


_WORDS = {_cut(word): _cut(group[0]) for group in reversed(SYNONYMS) for word in group}
_SAME: Mapping[str, str] = {_cut(word): _WORDS.get(_cut(unit), _cut(unit)) for word, unit in UNITS.items()} | _WORDS


def terms_of(text: str) -> tuple[Term, ...]:
    """The words that say what a question is about, in order; words of politeness and of asking are left out.

    A preposition governs the word behind it and one more that follows at once (`from New York`). Words joined by `and`,
    `or`, `versus` or `with` come in the order of the alphabet, since either order asks the same.
    """
    found: list[Term] = []
    after, reach, joined, before = "", 0, False, ""
    for word in _STEP.findall(_GLUED.sub(r"\1 ", FRAME.sub(" | ", _THOUSANDS.sub("", plain(text)))).lower()):
        word = word.removesuffix("'s")  # noqa: PLW2901
        last, before = before, ""
        if word in GOVERNORS:
            after, reach, joined = GOVERNORS[word], 2, False
        elif word in _JOINS:
            joined, after = bool(found), found[-1].after if found else ""
            reach = 1 if after else 0
        elif word in _BREAKS:
            reach, joined = 0, False
        elif word in STOP or word in LIGHT or stem(word) in STOP:
            reach = 0 if reach == 1 and not joined else reach
        else:
            before = stem(word)
            found.append(Term(before, after if reach else "", last))
            reach = max(0, reach - 1)
            if joined and found[-1].stem < found[-2].stem:
                found[-2:] = found[-1], found[-2]
            joined = False
    return tuple(found)


_STEP = re.compile(rf"{_WORD.pattern}|[,.;:?!|()]")
_BREAKS = frozenset(",.;:?!|()")
