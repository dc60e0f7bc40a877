"""The stage `dedupe`: of passages that say the same the first, or the longest, stays.

A passage goes only when another holds it: nearly all of its runs of five words, every one of its other words, and its
numbers, negations and names in the same order. So a passage that differs by a number, or by a "not", stays.
Paragraphs of earlier messages go only when they were said before word for word, by the same speaker.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.shorten.passages import Passage, last_question, meets, own_words, paragraphs_of, passages_of, without
from router.shorten.spans import code_in
from router.types import Message, Request

RUN = 5
"""Words in a run."""

LEAST = 8
"""Words that a paragraph must have to be taken for a repetition; shorter ones repeat themselves in any talk."""

_WORD = re.compile(r"[^\W_]+(?:[.,:/'’-][^\W_]+)*|[^\w\s]")
_COUNTS = re.compile(
    r"\b(?:duplicat\w*|repeat\w*|repetitions?|count(?:s|ed|ing)?|how often|how many (?:times|documents|passages|"
    r"results|sources|excerpts|chunks|records|entries)|convert\w*|xml|verbatim|word for word|diff\w*)\b",
    re.IGNORECASE,
)
_FACT = re.compile(r"\d|^[^\w\s.,;:!?'’()-]")
_FACTS_TEXT = (
    "no not nor none never neither without except unless cannot nothing nobody only all any both either before "
    "after above below over under more less most least first second third last one two three four five six seven "
    "eight nine ten eleven twelve dozen hundred thousand million half quarter double"
)
_FACTS = frozenset(_FACTS_TEXT.split())


@dataclass(frozen=True, slots=True)
class _Unit:
    """One passage, or one paragraph: where it stands and what it says.

    White space makes no difference, but in code, where a passage is compared as a whole only.
    """

    message: int
    passage: Passage
    among: str
    words: tuple[str, ...]
    said: frozenset[str]
    found: list[str]
    text: str
    coded: bool


def dedupe(request: Request, *, overlap: float) -> Request:
    """Drop passages of which a share ``overlap`` (0 to 1) of runs of words stands in another one, and repetitions.

    Nothing is dropped where the question may be about the repetitions themselves.
    """
    asked = last_question(request)
    if asked >= 0 and _COUNTS.search(own_words(request.messages[asked])):
        return request
    units = list(_units(request))
    kept: list[_Unit] = []
    by_run: dict[tuple[str, ...], list[int]] = defaultdict(list)
    dropped: dict[int, list[Passage]] = defaultdict(list)
    by_text: set[tuple[str, str]] = set()
    for unit in sorted(units, key=lambda each: -len(each.words)):  # a stable sort: of equals the first stays
        key = (unit.among, unit.text)
        runs = set() if unit.coded else _runs(unit.words)
        if key in by_text or (unit.among == "" and _is_held(unit, runs, kept, by_run, overlap)):
            dropped[unit.message].append(unit.passage)
            continue
        by_text.add(key)
        if unit.among == "":
            for run in runs:
                by_run[run].append(len(kept))
            kept.append(unit)
    messages = list(request.messages)
    for place, passages in dropped.items():
        text = without(messages[place].content, passages)
        if text.strip():
            messages[place] = replace(messages[place], content=text)
    return replace(request, messages=tuple(messages)) if dropped else request


def _units(request: Request) -> Iterator[_Unit]:
    asked = last_question(request)
    for place, message in enumerate(request.messages):
        if message.role == "system":
            continue
        passages = passages_of(message)
        places = [(each.start, each.end) for each in passages]
        for passage in passages:
            yield _unit(place, message, passage, among="")
        if place != asked and message.role != "tool":
            for start, end in paragraphs_of(message.content, 0, len(message.content)):
                if not meets(places, start, end):
                    unit = _unit(place, message, Passage(start, end, (start, end)), among=message.role)
                    if len(unit.words) >= LEAST:
                        yield unit


def _unit(place: int, message: Message, passage: Passage, *, among: str) -> _Unit:
    text = message.content[slice(*passage.body)]
    found = _WORD.findall(text)
    words = tuple(word.lower() for word in found if word[0].isalnum())
    coded = bool(code_in(text))
    said = text.strip() if coded else " ".join(text.split())
    return _Unit(place, passage, among, words, frozenset(words), found, said, coded)


def _facts(found: list[str]) -> Iterator[str]:
    """What must stand in the other passage in the same order: numbers, negations, signs, names within a sentence."""
    before = "."
    for word in found:
        lower = word.lower()
        if (
            lower in _FACTS
            or (word != lower and before not in ".!?:")
            or (not lower.isalpha() and (lower.endswith(("n't", "n’t")) or _FACT.search(word)))
        ):
            yield lower
        before = word


def _runs(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return set(zip(*(words[start:] for start in range(RUN)), strict=False)) if len(words) >= RUN else set()


def _is_held(
    unit: _Unit,
    runs: set[tuple[str, ...]],
    kept: list[_Unit],
    by_run: dict[tuple[str, ...], list[int]],
    overlap: float,
) -> bool:
    """Whether one of the ``kept`` passages holds what ``unit`` says."""
    if not runs:
        return False
    shared = Counter(place for run in runs if run in by_run for place in by_run[run])
    return any(
        count >= overlap * len(runs)
        and unit.said <= kept[place].said
        and _within(tuple(_facts(unit.found)), tuple(_facts(kept[place].found)))
        for place, count in shared.items()
    )


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """Whether ``part`` is a run of ``whole``."""
    size = len(part)
    return any(whole[start : start + size] == part for start in range(len(whole) - size + 1))
