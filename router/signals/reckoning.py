"""How an answer reckons: where its numbers come from, which of the prompt's it uses, and what number it ends on."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from router.signals.reading import Reading, rounded
from router.signals.sums import Equation

SIGNALS = (
    "steps", "fraction_steps", "idle_steps", "idle_share", "unknown_operands", "results_reused", "results_grow",
    "largest_result", "last_step_minus", "last_step_operands",
    "givens", "givens_unused", "givens_unused_share", "givens_reused", "givens_disordered", "givens_relabelled",
    "ratios", "ratios_unused_share", "signs_over_givens", "steps_over_givens", "sums_minus", "sums_times", "sums_over",
    "final_log", "final_negative", "final_decimals", "final_fives", "final_over_largest", "final_over_smallest",
    "final_given", "final_computed", "final_latest", "final_repeated", "numbers_last_line",
)  # fmt: skip
"""What :func:`reckoning` returns: see there."""

TELLING = frozenset(
    {
        *("largest_result", "final_log", "final_negative", "final_decimals", "final_fives"),
        *("final_over_largest", "final_over_smallest"),
    }
)
"""Signals from which an answer that is a number could be told, so that they are not kept where its text is not."""

_COUNTED = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_CARDINALS = {word: float(value) for value, word in enumerate(_COUNTED.split(), start=1)}
_CARDINALS |= {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "hundred": 100.0, "thousand": 1000.0, "dozen": 12.0}
_RATIOS = {
    **dict.fromkeys(("half", "twice", "double", "doubled", "doubles", "couple", "pair", "both"), 2.0),
    **dict.fromkeys(("thrice", "triple", "tripled", "triples", "third", "thirds"), 3.0),
    **dict.fromkeys(("quarter", "quarters", "quadruple", "fourth", "fourths"), 4.0),
    **dict.fromkeys(("fifth", "fifths"), 5.0),
}
_UNITS = frozenset((1.0, 7.0, 12.0, 24.0, 30.0, 52.0, 60.0, 100.0, 365.0, 1000.0))
"""Numbers that nobody needs to be told: of days, months, hours, minutes, per cent."""

_UNDEFINED = frozenset(
    {
        *("results_grow", "largest_result", "last_step_operands", "givens_disordered", "final_log", "final_negative"),
        *("final_decimals", "final_fives", "final_over_largest", "final_over_smallest", "final_given"),
        *("final_computed", "final_latest"),
    }
)
_NOTHING = tuple(math.nan if name in _UNDEFINED else 0.0 for name in SIGNALS)
"""The signals of an answer without a number to a prompt without one."""

_MOST = 60
"""Steps and given numbers that are followed: what comes after is not."""


def reckoning(prompt: Reading, answer: Reading, sums: Sequence[Equation]) -> tuple[float, ...]:
    """Return the signals, in the order of :data:`SIGNALS`.

    A *step* computes one number from others; it is *idle* when its result is neither used by a later step nor what
    the answer ends on. An operand is *unknown* when it is neither of the prompt, nor a result, nor a common unit. The
    *givens* are the prompt's numbers, in figures or words; *ratios* its words like "half" and "twice". A given is
    *relabelled* when none of the words next to it in the prompt stands next to it in the answer. The *final* number
    is the answer's last: as a logarithm, beside the givens, and whether it was computed, and by the last step.
    """
    figures = list(dict.fromkeys(prompt.values.values()))[:_MOST]
    in_words, ratios = _meant(prompt.words, _CARDINALS), _meant(prompt.words, _RATIOS)
    asked = len(prompt.values) + len(in_words) + len(ratios)
    if not answer.values:
        return _without_numbers(len(figures), len(ratios), asked)
    steps = [one for one in sums if one.is_step][:_MOST]
    operands = [tuple(map(rounded, one.operands)) for one in steps]
    results = [rounded(one.stated) for one in steps]
    final, ends_negative, decimals = _final(answer)
    forms = {given: _forms(given) for given in figures}
    known = set(in_words).union(*forms.values(), *map(_forms, ratios))

    made: set[float] = set()
    unknown = reused = 0
    from_prompt: list[float] = []
    for values, result in zip(operands, results, strict=True):
        for value in values:
            if value in made:
                reused += 1
            elif value in known:
                from_prompt.append(value)
            elif value not in _UNITS:
                unknown += 1
        made.add(result)
    later: set[float] = {final}
    idle = 0
    for values, result in zip(reversed(operands), reversed(results), strict=True):
        idle += result not in later
        later.update(values)
    taken = set(from_prompt)
    unused = sum(map(taken.isdisjoint, forms.values()))
    mentioned = taken.union(answer.values.values())
    ratios_unused = sum(mentioned.isdisjoint(_forms(ratio)) for ratio in ratios)
    signs = [sign for one in steps for sign in one.left[1:] if sign in _ARITHMETIC]
    count, n_signs, sizes = len(steps), max(len(signs), 1), [abs(given) for given in figures if given]
    largest, smallest = max(sizes, default=math.nan), min(sizes, default=math.nan)
    size = abs(final) + 1e-3
    peak = max(map(abs, results), default=math.nan)
    return (
        math.log1p(count),
        sum(not result.is_integer() for result in results) / max(count, 1),
        float(idle),
        idle / max(count, 1),
        unknown / max(sum(map(len, operands)), 1),
        float(reused),
        _share([second >= first for first, second in pairwise(results)]),
        _log(peak) - _log(largest),
        float(bool(steps) and "-" in steps[-1].left[1:]),
        float(len(operands[-1])) if steps else math.nan,
        math.log1p(len(figures)),
        float(unused),
        unused / max(len(figures), 1),
        float(len(from_prompt) - len(taken)),
        _disorder([figures.index(value) for value in dict.fromkeys(from_prompt) if value in forms]),
        _relabelled(prompt, answer),
        float(len(ratios)),
        ratios_unused / max(len(ratios), 1),
        float(len(signs) - asked),
        float(count - len(figures) - len(ratios)),
        signs.count("-") / n_signs,
        signs.count("*") / n_signs,
        signs.count("/") / n_signs,
        _log(abs(final)),
        ends_negative,
        decimals,
        float(final % 5 == 0) if math.isfinite(final) else math.nan,
        math.log(size / largest),
        math.log(size / smallest),
        _flag(final, final in known),
        _flag(final, final in made),
        _flag(final, bool(results) and final == results[-1]),
        math.log1p(list(answer.values.values()).count(final)),
        float(_last_line(answer).count("n")),
    )


_ARITHMETIC = frozenset("+-*/^")


def _meant(words: Sequence[str], numbers: Mapping[str, float]) -> list[float]:
    """What those of ``words`` mean that are ``numbers``."""
    return [] if numbers.keys().isdisjoint(words) else [numbers[word] for word in words if word in numbers][:_MOST]


def _without_numbers(givens: int, ratios: int, asked: int) -> tuple[float, ...]:
    """The signals of an answer that has no number, so that nothing of the prompt is used."""
    known = {
        "givens": math.log1p(givens),
        "givens_unused": float(givens),
        "givens_unused_share": float(givens > 0),
        "ratios": float(ratios),
        "ratios_unused_share": float(ratios > 0),
        "signs_over_givens": float(-asked),
        "steps_over_givens": float(-givens - ratios),
    }
    return (*map(known.get, SIGNALS, _NOTHING),)


@lru_cache(maxsize=4096)
def _forms(given: float) -> frozenset[float]:
    """In which forms a number can enter a sum: itself, as a share or a percentage, less or more by it, its inverse."""
    share = given / 100
    forms = [given, share, 100 * given, 1 - given, 1 + given, 1 - share, 1 + share, 100 - given, 100 + given]
    if given:
        forms.append(1 / given)
    return frozenset(map(rounded, forms))


def _final(answer: Reading) -> tuple[float, float, float]:
    """The answer's last number, whether a minus stands before it, and how many decimals it has; NaN when none."""
    place = answer.codes.rfind("n")
    if place < 0:
        return math.nan, math.nan, math.nan
    before = answer.codes[max(place - 3, 0) : place].rstrip("$")
    negative = before.endswith("m") and not before.endswith(("nm", ")m"))
    decimals = len(answer.tokens[place].rstrip("%").partition(".")[2])
    return answer.values[place], float(negative), float(decimals)


def _last_line(answer: Reading) -> str:
    """The codes of the last sentence or line."""
    return answer.codes[answer.sentences[-1]] if answer.sentences else ""


def _relabelled(prompt: Reading, answer: Reading) -> float:
    """How many of the prompt's numbers stand in the answer, and nowhere beside a word that they stood beside."""
    both = set(prompt.values.values()).intersection(answer.values.values())
    if not both:
        return 0.0
    first, second = _labels(prompt, both), _labels(answer, both)
    return float(sum(bool(words) and words.isdisjoint(second[value]) for value, words in first.items()))


def _labels(reading: Reading, values: Container[float]) -> dict[float, set[str]]:
    """The words that carry a meaning within three places of each of these numbers."""
    found: dict[float, set[str]] = {}
    stems = reading.stems
    for place, value in reading.values.items():
        if value in values:
            found.setdefault(value, set()).update(stems[max(place - 3, 0) : place + 4])
    for words in found.values():
        words.discard("")
    return found


def _disorder(places: Sequence[int]) -> float:
    """The share of pairs that stand the other way round; NaN for fewer than two."""
    count = len(places)
    wrong = sum(places[i] > places[j] for i in range(count) for j in range(i + 1, count))
    return wrong / (count * (count - 1) / 2) if count > 1 else math.nan


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else math.nan


def _log(value: float) -> float:
    return math.log1p(min(value, 1e12)) if value == value else math.nan  # noqa: PLR0124 - NaN


def _flag(value: float, flag: bool) -> float:
    return float(flag) if math.isfinite(value) else math.nan
