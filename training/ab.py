"""Two policies compared on live traffic, with intervals that may be looked at every day."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from router.abtest.experiment import Arm, Experiment, block
from router.abtest.sequence import interval
from router.errors import InputError
from router.features import Floats
from router.ledger import Ledger
from router.pricing import NANO, usd
from training.ab_units import Reading, Tally, UnitLog, read

Verdict = Literal["take b", "keep a", "choose", "go on"]
"""choose: *b* is better and dearer, and which counts for more is not for figures to say."""

WINDOWS = {"user": 7 * 86_400.0, "session": 86_400.0, "request": 0.0}
"""Seconds from a unit's first request until it counts, by what the unit is."""

SUSPECT = 1000.0
"""Evidence that the arms are not split as they should be: as much comes once in a thousand right splits."""

_UNEVEN = 4.0  # standard errors between the arms' shares of labelled requests that are told of


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """One arm: its requests, the ``units`` that count so far, and means over those; money in USD.

    ``quality`` and ``cost`` are None where nothing counts yet. ``upgrades`` were asked for later, and are not in
    ``cost``; ``capped`` requests cost more than the cap, and count as it.
    """

    requests: int
    units: int
    labelled: int
    quality: float | None
    cost: float | None
    total_cost: float
    failed: int
    escalated: int
    cached: int
    capped: int
    upgrades: int
    upgrades_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """*b* less *a*: the mean over ``blocks`` of units held against each other, and what it may truly be.

    ``mean`` is None without a block; ``low`` and ``high`` are None where the cost has no cap, for then it has no bound.
    """

    mean: float | None
    low: float | None
    high: float | None
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What may be said of an experiment now; ``delta`` is the chance that either interval is ever wrong.

    ``quality`` is in [-1, 1], ``cost`` in USD a request. ``ready`` counts the units that count, ``waiting`` those whose
    ``window`` (seconds) is not over, ``crossed`` those seen in both arms, which are left out.
    """

    name: str
    unit: str
    share: float
    delta: float
    margin: float
    cap: float | None
    window: float
    arms: dict[Arm, ArmFigures]
    quality: Difference
    cost: Difference
    verdict: Verdict
    ready: int
    waiting: int
    crossed: int
    outside: int
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Value:
    arm: Arm
    at: float
    value: float


def compare(
    ledger: Ledger,
    test: Experiment,
    *,
    now: float,
    since: float | None = None,
    until: float | None = None,
    delta: float = 0.05,
    margin: float = 0.0,
    window: float | None = None,
) -> Comparison:
    """Compare the arms of ``test`` by what ``ledger`` says from ``since`` until before ``until``; ``now`` ends windows.

    Each unit counts once, for its mean over the ``window`` seconds (None: by its kind) from its first request, when
    that is over; so no unit counts for more because it asks more, and what one user's requests have in common does
    not pass for evidence. Units are held against each other in blocks, in the order in which they (or their first
    labels) came, and :func:`router.abtest.sequence.interval` says what the mean difference may be: half of ``delta``
    for quality, half for cost. ``margin`` is the loss of quality that a cheaper *b* may bring.

    Raises:
        InputError: the ledger has no request of the experiment, or a number is outside its range.
        LedgerError: the ledger cannot be read.
    """
    if not 0 < delta < 1:
        raise InputError(f"delta is the chance of a wrong statement, between 0 and 1, not {delta}")
    if not 0 <= margin < 1:
        raise InputError(f"margin is a loss of quality, from 0 to below 1, not {margin}")
    span = WINDOWS[test.unit] if window is None else window
    if not 0 <= span < math.inf:
        raise InputError(f"window is a number of seconds of at least 0, not {window}")
    found = read(ledger, test, since=since, until=until, cap=test.cap)
    if not found.units:
        raise InputError(
            f"the ledger has no request of the experiment {test.name!r} in this time; its requests bear the tag "
            f"ab={test.name}:a or ab={test.name}:b"
        )
    end = now if until is None else min(now, until)
    return compared(found, test, now=end, delta=delta, margin=margin, window=span)


def compared(found: Reading, test: Experiment, *, now: float, delta: float, margin: float, window: float) -> Comparison:
    """:func:`compare` of what was read already; units whose ``window`` is over at ``now`` count."""
    single = [unit for unit in found.units if len(unit.arms) == 1]
    ready = [unit for unit in single if unit.first + window <= now]
    qualities = _values(ready, lambda unit: _quality(unit, window))
    costs = _values(ready, lambda unit: _cost(unit, window))
    quality = _difference(qualities, test, bound=1.0, delta=delta / 2)
    cost = _difference(costs, test, bound=None if test.cap is None else float(test.cap), delta=delta / 2)
    cost = _scaled(cost, 1 / NANO)
    return Comparison(
        name=test.name,
        unit=test.unit,
        share=test.share,
        delta=delta,
        margin=margin,
        cap=None if test.cap is None else usd(test.cap),
        window=window,
        arms={arm: _figures(arm, tally, ready, qualities, costs) for arm, tally in found.tallies.items()},
        quality=quality,
        cost=cost,
        verdict=_verdict(quality, cost, margin),
        ready=len(ready),
        waiting=len(single) - len(ready),
        crossed=len(found.units) - len(single),
        outside=found.outside,
        warnings=tuple(_warnings(found, test, single)),
    )


def _values(units: Iterable[UnitLog], value: Callable[[UnitLog], tuple[float, float]]) -> list[_Value]:
    """The values there are, each once, in the order in which they came to count."""
    found = []
    for unit in units:
        (arm,) = unit.arms
        at, worth = value(unit)
        if not math.isnan(worth):
            found.append(_Value(arm, at, worth))
    return sorted(found, key=lambda each: each.at)


def _quality(unit: UnitLog, span: float) -> tuple[float, float]:
    """When a unit's quality came to count, and what it is: NaN without a label."""
    seen = [each for each in unit.requests if each.created <= unit.first + span and not math.isnan(each.quality)]
    if not seen:
        return math.inf, math.nan
    at = max(unit.first + span, min(each.labelled_at for each in seen))
    return at, sum(each.quality for each in seen) / len(seen)


def _cost(unit: UnitLog, span: float) -> tuple[float, float]:
    seen = [each.cost for each in unit.requests if each.created <= unit.first + span]
    return unit.first + span, sum(seen) / len(seen)


def _difference(values: list[_Value], test: Experiment, *, bound: float | None, delta: float) -> Difference:
    """*b* less *a* over blocks; values lie in [0, ``bound``]."""
    sizes = block(test.share)
    means = {}
    for arm, size in (("a", sizes.a), ("b", sizes.b)):
        own = np.array([each.value for each in values if each.arm == arm])
        whole = len(own) // size
        means[arm] = own[: whole * size].reshape(whole, size).mean(axis=1)
    blocks = min(len(means["a"]), len(means["b"]))
    differences: Floats = means["b"][:blocks] - means["a"][:blocks]
    mean = float(differences.mean()) if blocks else None
    if bound is None:
        return Difference(mean=mean, low=None, high=None, blocks=blocks)
    found = interval(differences, low=-bound, high=bound, delta=delta)
    return Difference(mean=mean, low=found.low, high=found.high, blocks=blocks)


def _scaled(found: Difference, factor: float) -> Difference:
    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    return Difference(mean=times(found.mean), low=times(found.low), high=times(found.high), blocks=found.blocks)


def _verdict(quality: Difference, cost: Difference, margin: float) -> Verdict:
    """*b* is taken where it is better and not dearer, or cheaper and no worse than the margin."""
    assert quality.low is not None
    assert quality.high is not None
    cheaper = cost.high is not None and cost.high < 0
    dearer = cost.low is not None and cost.low >= 0
    if quality.low > 0:
        return "choose" if dearer else "take b"
    if cheaper and quality.low >= -margin:
        return "take b"
    if quality.high < -margin or (quality.high <= 0 and dearer):
        return "keep a"
    return "go on"


def _figures(arm: Arm, tally: Tally, ready: list[UnitLog], qualities: list[_Value], costs: list[_Value]) -> ArmFigures:
    def mean(values: list[_Value]) -> float | None:
        own = [each.value for each in values if each.arm == arm]
        return sum(own) / len(own) if own else None

    cost = mean(costs)
    return ArmFigures(
        requests=tally.requests,
        units=sum(arm in unit.arms for unit in ready),
        labelled=tally.labelled,
        quality=mean(qualities),
        cost=None if cost is None else cost / NANO,
        total_cost=usd(tally.cost),
        failed=tally.failed,
        escalated=tally.escalated,
        cached=tally.cached,
        capped=tally.capped,
        upgrades=tally.upgrades,
        upgrades_cost=usd(tally.upgrades_cost),
    )


def _warnings(found: Reading, test: Experiment, units: list[UnitLog]) -> Iterable[str]:
    """What a reader of the figures must know."""
    a, b = found.tallies["a"], found.tallies["b"]
    labelled, requests = a.labelled + b.labelled, a.requests + b.requests
    if labelled < requests:
        yield (
            f"{labelled:,} of {requests:,} requests have a quality label ({_share(a)} in a, {_share(b)} in b). What is "
            "said of quality is said of those: it holds for all only if who gets a label hangs neither on the answer "
            "nor on the arm."
        )
    if _apart(a, b) > _UNEVEN:
        yield (
            "The arms are not labelled alike, so the labelled requests of one may be of another kind than those of the "
            "other; label a random sample of both before you trust the difference."
        )
    if found.weighted:
        yield (
            f"{found.weighted:,} labels are of answers that were chosen for labelling with unequal chances; here every "
            "label counts the same."
        )
    in_b = sum("b" in unit.arms for unit in units)
    if uneven(len(units) - in_b, in_b, share=test.share) >= math.log(SUSPECT):
        yield (
            f"{in_b:,} of {len(units):,} {test.unit}s are in b, and its share is {test.share:g}: something sorts them "
            "besides the draw, or the share was changed. Do not trust the comparison before that is found."
        )


def uneven(a: int, b: int, *, share: float) -> float:
    """The logarithm of the evidence that units do not fall to *b* with probability ``share``, ``a`` and ``b`` of them.

    The likelihood under every share alike, over that under ``share``: a test martingale, so it may be looked at any
    time, and reaches k with probability 1 / k at most where the split is right.
    """
    total = math.lgamma(a + 1) + math.lgamma(b + 1) - math.lgamma(a + b + 2)
    return total - a * math.log(1 - share) - b * math.log(share)


def _share(tally: Tally) -> str:
    return "none" if not tally.requests else f"{tally.labelled / tally.requests:.1%}"


def _apart(a: Tally, b: Tally) -> float:
    """How many standard errors lie between the arms' shares of labelled requests."""
    if not a.requests or not b.requests:
        return 0.0
    pooled = (a.labelled + b.labelled) / (a.requests + b.requests)
    error = math.sqrt(pooled * (1 - pooled) * (1 / a.requests + 1 / b.requests))
    return abs(a.labelled / a.requests - b.labelled / b.requests) / error if error else 0.0
