"""The threshold: the laxest cosine at which the share of wrong hits is still bounded.

The hits of a pairs file are those pairs that every gate lets through and whose cosine reaches the threshold; a wrong
one is a hit whose two questions do not ask the same. Thresholds are tested one after the other from the strictest, each
by the exact binomial test of ``H0: P(wrong | hit) > max_wrong``, and the first that fails ends the walk (fixed-sequence
testing), so that the one that is chosen errs with probability at most ``1 - confidence`` over the whole walk. Which
thresholds there are, and that the first has enough hits to pass at all, depends on cosines alone and not on labels: so
given the cosines the order is fixed, and the number of wrong hits, a sum of independent draws of unequal odds, is no
likelier to be small than a binomial one of the same mean (Hoeffding, "On the distribution of the number of successes in
independent trials", 1956). What is bounded is thus the mean chance of a wrong hit over pairs like those of the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats

_FLOOR = 0.3
"""No threshold is below it: vectors of such an angle have nothing to do with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two questions, and whether the answer to one answers the other. ``kind`` and ``split`` are for reports."""

    one: str
    other: str
    same: bool
    kind: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Hits and wrong hits of a rule on pairs.

    ``precision`` and ``recall`` are None where there is nothing to divide by; ``bound`` is the upper confidence bound
    of P(wrong | hit), ``lookup_bound`` that of wrong hits per lookup.
    """

    pairs: int
    same: int
    hits: int
    wrong: int
    bound: float
    lookup_bound: float

    @property
    def precision(self) -> float | None:
        """The share of hits that are right."""
        return (self.hits - self.wrong) / self.hits if self.hits else None

    @property
    def recall(self) -> float | None:
        """The share of pairs that ask the same and hit."""
        return (self.hits - self.wrong) / self.same if self.same else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What was fitted: hit where the cosine is at least ``value``. ``sides`` is how that does on the fitted pairs."""

    value: float
    max_wrong: float
    confidence: float
    sides: Sides


def judged(hits: Sequence[bool], same: Sequence[bool], *, confidence: float) -> Sides:
    """Count what hits on pairs of which ``same`` ask the same."""
    count = sum(hits)
    wrong = sum(hit and not alike for hit, alike in zip(hits, same, strict=True))
    return Sides(
        pairs=len(same),
        same=sum(same),
        hits=count,
        wrong=wrong,
        bound=upper(wrong, count, confidence=confidence),
        lookup_bound=upper(wrong, len(same), confidence=confidence),
    )


def fitted(
    cosines: Floats, opened: Sequence[bool], same: Sequence[bool], *, max_wrong: float, confidence: float
) -> Threshold:
    """The laxest threshold that keeps P(wrong | hit) at ``max_wrong`` or below, with ``confidence``.

    ``cosines`` (n,), ``opened`` (every gate lets the pair through) and ``same`` are one per pair. Pairs must be drawn
    independently of each other.

    Raises:
        InputError: too few pairs hit, or too many of the closest ones are wrong; the message says how many would do.
    """
    order = [int(place) for place in np.argsort(-cosines, kind="stable") if opened[place] and cosines[place] >= _FLOOR]
    least = fewest(0, max_wrong=max_wrong, confidence=confidence)
    if len(order) < least:
        right = sum(same[place] for place in order)
        raise InputError(_too_few(right, least, len(same), sum(same), max_wrong, confidence))
    chosen: float | None = None
    seen = wrong = 0
    for at, place in enumerate(order):
        seen, wrong = seen + 1, wrong + (not same[place])
        tied = at + 1 < len(order) and cosines[order[at + 1]] == cosines[place]
        if seen < least or tied:
            continue
        if tail(wrong, seen, max_wrong) > 1 - confidence:
            break
        chosen = float(cosines[place])
    if chosen is None:
        raise InputError(_too_wrong(wrong, seen, max_wrong, confidence))
    # Rounded down by less than the vectors of another machine differ by; no pair's cosine lies between in practice.
    value = math.floor(chosen * 1e6) / 1e6
    hits = [bool(pair) and bool(cosine >= value) for pair, cosine in zip(opened, cosines, strict=True)]
    return Threshold(
        value=value, max_wrong=max_wrong, confidence=confidence, sides=judged(hits, same, confidence=confidence)
    )


def tail(wrong: int, hits: int, share: float) -> float:
    """``P(X <= wrong)`` for X binomial over ``hits`` draws of chance ``share``."""
    if wrong >= hits or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    logs = (
        float(math.lgamma(hits + 1)) - math.lgamma(k + 1) - math.lgamma(hits - k + 1)
        + k * math.log(share) + (hits - k) * math.log1p(-share)
        for k in range(wrong + 1)
    )  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def upper(wrong: int, hits: int, *, confidence: float) -> float:
    """The upper bound of a share of which ``wrong`` of ``hits`` were seen (Clopper and Pearson, 1934)."""
    if wrong >= hits:
        return 1.0
    low, high = wrong / hits, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(wrong, hits, middle) > 1 - confidence else (low, middle)
    return high


def fewest(wrong: int, *, max_wrong: float, confidence: float) -> int:
    """The fewest hits, ``wrong`` of them wrong, whose upper bound is at most ``max_wrong``."""
    return _first(lambda hits: tail(wrong, hits, max_wrong) <= 1 - confidence, wrong + 1)


def _first(passes: Callable[[int], bool], least: int) -> int:
    high = least
    while not passes(high):
        high *= 2
    low = max(least, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle + 1, high)
    return high


def _too_few(right: int, least: int, pairs: int, same: int, max_wrong: float, confidence: float) -> str:
    wish = f"a bound of {max_wrong:.2%} on wrong hits at {confidence:.0%} confidence"
    if not same:
        return f"none of the {pairs:,} pairs ask the same, so nothing can be learnt from them; add pairs that do"
    if not right:
        return (
            f"{wish} needs at least {least:,} hits, and the gates let none of the {same:,} pairs that ask the same "
            "through; add pairs that ask the same in nearly the same words"
        )
    about = math.ceil(pairs * least / right)
    return (
        f"{wish} needs at least {least:,} hits without a wrong one, and {right:,} of the {pairs:,} pairs are "
        f"right ones; with about {_round(about):,} pairs like these it can be had, or ask for a larger `--max-wrong`"
    )


def _too_wrong(wrong: int, hits: int, max_wrong: float, confidence: float) -> str:
    rate = wrong / hits
    head = (
        f"{wrong:,} of the {hits:,} closest pairs are wrong hits, which is too many for a bound of {max_wrong:.2%} at "
        f"{confidence:.0%} confidence"
    )
    if rate >= max_wrong:
        return f"{head}; more pairs will not help, but another embedder may, or a larger `--max-wrong`"
    least = _first(lambda n: tail(math.ceil(rate * n), n, max_wrong) <= 1 - confidence, hits + 1)
    return f"{head}; with about {_round(least):,} hits of which as few are wrong it can be had"


def _round(count: int) -> int:
    """Two digits, rounded up: more would pretend to know."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return math.ceil(count / step) * step
