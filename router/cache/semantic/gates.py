"""The gates: what two questions must agree in, whatever the angle between their vectors.

Averaged or pooled vectors hardly move when a number, a `not` or two names change places; the answer does. A gate that
stays shut costs a hit, never a wrong answer, so each is strict where it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from router.cache.semantic.asks import EXCLUSIVE, MEASURES
from router.cache.semantic.facts import Facts, facts_of
from router.cache.semantic.phrases import DECISIVE, DIRECTIONS
from router.cache.semantic.quantities import SCALES
from router.cache.semantic.words import stem

_PARTS = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

Gate = Callable[[Facts, Facts], bool]
"""Whether two questions may ask the same, as far as this gate sees."""


def language(one: Facts, other: Facts) -> bool:
    """The same language or script: an answer must be in the language of its question.

    Where one is too short to tell, half of its words must be in the other.
    """
    if one.language and other.language:
        return one.language == other.language
    short, long = (one, other) if not one.language else (other, one)
    return 2 * len(short.words & long.words) >= len(short.words)


def code(one: Facts, other: Facts) -> bool:
    """The same code and the same signs, letter by letter."""
    return one.code == other.code


def quotes(one: Facts, other: Facts) -> bool:
    """The same words in quotation marks; marks may be missing around words that are there."""
    return all(
        quote in theirs.quotes
        or quote.lower().split() == [word for word in quote.lower().split() if word in theirs.words]
        for mine, theirs in ((one, other), (other, one))
        for quote in mine.quotes
    )


def links(one: Facts, other: Facts) -> bool:
    """The same addresses, file names, versions and identifiers."""
    return one.links == other.links


def numbers(one: Facts, other: Facts) -> bool:
    """The same numbers, each as often."""
    return one.numbers == other.numbers


def units(one: Facts, other: Facts) -> bool:
    """The same units and currencies."""
    return one.units == other.units


def times(one: Facts, other: Facts) -> bool:
    """The same dates and times."""
    return one.times == other.times


def negation(one: Facts, other: Facts) -> bool:
    """As many negations: two of them need not cancel out."""
    return one.negations == other.negations


def form(one: Facts, other: Facts) -> bool:
    """The same shape, length, register and reader asked for."""
    return one.forms == other.forms


def asking(one: Facts, other: Facts) -> bool:
    """No different kinds of answer asked for: whether, how or why; a time or a place; what one may or must do."""
    for kinds in EXCLUSIVE:
        mine, theirs = kinds.intersection(one.asks), kinds.intersection(other.asks)
        if mine and theirs and not mine & theirs:
            return False
    if ("why" in one.asks) != ("why" in other.asks):
        return False
    if not one.asks or not other.asks:
        return True
    if ("whether" in one.asks) != ("whether" in other.asks):
        return False
    # What a thing is, is not when or where it is.
    return all(
        "what" not in mine.asks or not MEASURES.intersection(theirs.asks) or MEASURES.intersection(mine.asks)
        for mine, theirs in ((one, other), (other, one))
    )


def opposites(one: Facts, other: Facts) -> bool:
    """No word in one whose opposite is in the other instead."""
    mine, theirs = dict(one.opposites), dict(other.opposites)
    return all(mine[place] == theirs[place] for place in mine.keys() & theirs.keys())


def names(one: Facts, other: Facts) -> bool:
    """The same names, written large or small."""
    return all(
        part in theirs.words or any(_derived(part, word) for word in theirs.words)
        for mine, theirs in ((one, other), (other, one))
        for name in mine.names
        for part in _PARTS.findall(name)
    )


def _derived(name: str, word: str) -> bool:
    """Whether `word` is `name` with an ending (Europe, European)."""
    short, long = sorted((name, word), key=len)
    return len(short) > 5 and long.startswith(short[:-1])


def order(one: Facts, other: Facts) -> bool:
    """The same parts played: `from A to B` is not `from B to A`, and when A beats B, B does not beat A.

    How A and B differ is the same question either way.

    Two words have changed places where each follows a preposition that the other follows in the other question, or
    both follow the same one, or where they stand on the other sides of a third or side by side; two names or numbers,
    wherever they stand.
    """
    mine, theirs = _governed(one), _governed(other)
    shared = mine.keys() & theirs.keys()
    if "differ" in shared:
        return True
    for each in shared:
        only, others = mine[each] - theirs[each], theirs[each] - mine[each]
        if (only | others) & DECISIVE or (only & DIRECTIONS and others & DIRECTIONS):
            return False
    left = {after for each in shared for after in mine[each] - theirs[each]}
    right = {after for each in shared for after in theirs[each] - mine[each]}
    if left & right or any(_led(one, other, after) != _led(other, one, after) for after in set().union(*mine.values())):
        return False
    if _numerals(one) != _numerals(other):
        return False
    beside, theirs_beside = _beside(one), _beside(other)
    if any(
        (last, first) in theirs_beside and (last, first) not in beside and (first, last) not in theirs_beside
        for first, last in beside
    ):
        return False
    here, there = _bare(one, other), _bare(other, one)
    called = {stem(name) for name in (*one.names, *other.names)}
    return [name for name in here if name in called] == [name for name in there if name in called] and not _crossed(
        here, there
    )


def _governed(facts: Facts) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for term in facts.terms:
        found.setdefault(term.stem, set()).update({term.after} if term.after else ())
    return found


def _bare(facts: Facts, other: Facts) -> list[str]:
    """The words without a preposition that both have, each once."""
    theirs = {term.stem for term in other.terms if not term.after}
    return list(dict.fromkeys(term.stem for term in facts.terms if not term.after and term.stem in theirs))


def _beside(facts: Facts) -> set[tuple[str, str]]:
    """Words that stand side by side, with nothing between them."""
    return {(term.behind, term.stem) for term in facts.terms}


def _numerals(facts: Facts) -> list[str]:
    return [term.stem for term in facts.terms if term.stem[0].isdecimal()]


def _led(facts: Facts, other: Facts, after: str) -> list[str]:
    """The words behind a preposition that both have there, each once."""
    theirs = {term.stem for term in other.terms if term.after == after}
    return list(dict.fromkeys(term.stem for term in facts.terms if term.after == after and term.stem in theirs))


def _crossed(one: list[str], other: list[str]) -> bool:
    """Whether three of the words stand the other way round: a falling run of three among their places."""
    place = {each: at for at, each in enumerate(other)}
    highest = second = -1  # of all places so far, and of those with a higher one before them
    for each in one:
        at = place[each]
        if at < second:
            return True
        second = max(second, at) if at < highest else second
        highest = max(highest, at)
    return False


def content(one: Facts, other: Facts) -> bool:
    """The same words that matter, by their stems and synonyms: one more is another scope, one for one another thing.

    Where a question is about words themselves, or gives a text, by the letter.
    """
    mine, theirs = _things(one), _things(other)
    return mine == theirs and one.worded == other.worded and (bool(mine) or one.words == other.words)


def _things(facts: Facts) -> set[str]:
    """The words but for numbers, which have a gate that knows how they are written."""
    return {term.stem for term in facts.terms if not term.stem[0].isdecimal() and term.stem not in SCALES}


def verbs(one: Facts, other: Facts) -> bool:
    """No verb like `make` in one where another like `use` is in the other."""
    return not one.verbs or not other.verbs or bool(set(one.verbs) & set(other.verbs))


GATES: Mapping[str, Gate] = {
    gate.__name__: gate
    for gate in (
        *(language, code, quotes, links, numbers, units, times, negation),
        *(form, asking, opposites, names, order, verbs, content),
    )
}
"""Every gate by its name, in the order in which they are asked."""


def shut(one: str, other: str) -> str | None:
    """The first gate that keeps two questions apart, None when all are open."""
    if one == other:
        return None
    mine, theirs = facts_of(one), facts_of(other)
    return next((name for name, gate in GATES.items() if not gate(mine, theirs)), None)
