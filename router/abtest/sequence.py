"""A confidence sequence by betting: an interval for a bounded mean that holds at every look, however often one looks.

For each value ``m`` that the mean might have, a gambler bets on the values being above ``m``. Were the mean ``m``, her
wealth would be expected not to grow, and by Ville's inequality it ever reaches ``2 / delta`` with probability at most
``delta / 2``; so with probability ``1 - delta`` the true mean is never among those excluded, from below or from above
(Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by betting"). Her bets here are constant:
the wealth is split evenly over :data:`BETS`, from nearly all of it down to about one part in a thousand, and so some
part of it suits any number of values and any variance. The interval does not hang on the order of the values, and has
no end at which it must be read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats

BETS = tuple(0.99 * 0.6**step for step in range(14))
"""Shares of the wealth that is bet, the worst value losing all of a bet."""

_HALVINGS = 48
_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A ``mean``, and what it may truly be: from ``low`` to ``high``."""

    mean: float
    low: float
    high: float


def log_wealth(values: Floats, mean: float, *, low: float) -> Floats:
    """The logarithm of the wealth after each of ``values`` (..., n) of a gambler who bets on more than ``mean``.

    ``low`` < ``mean`` is the least that a value can be. The result has the shape of ``values``.
    """
    excess = (np.asarray(values, float) - low) / (mean - low)
    peak = np.full(excess.shape, -math.inf)
    paths = [np.cumsum(np.log1p(bet * (excess - 1)), axis=-1) for bet in BETS]
    for path in paths:
        peak = np.maximum(peak, path)
    total: Floats = peak + np.log(sum((np.exp(path - peak) for path in paths), np.zeros(excess.shape)) / len(BETS))
    return total


def interval(values: Floats, *, low: float, high: float, delta: float) -> Interval:
    """What the mean of ``values`` (n,) in [``low``, ``high``] may be, valid at every n at once.

    With probability at least ``1 - delta`` none of the intervals, one after each value, leaves the true mean out: as
    long as each value has that mean, whatever the ones before it were.

    Raises:
        InputError: a value is missing or outside its range, or the range or ``delta`` makes no sense.
    """
    values = np.asarray(values, float)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"values lie in a range low < high, not [{low}, {high}]")
    if not 0 < delta < 1:
        raise InputError(f"delta is the chance of a wrong statement, between 0 and 1, not {delta}")
    if not values.size:
        return Interval(mean=math.nan, low=low, high=high)
    slack = 1e-9 * (high - low)
    if not np.isfinite(values).all() or values.min() < low - slack or values.max() > high + slack:
        raise InputError(f"a value is missing or outside the stated range [{low:g}, {high:g}]")
    different, counts = np.unique(np.clip((values - low) / (high - low), 0.0, 1.0), return_counts=True)
    times, wanted = counts.astype(float), math.log(2 / delta)
    return Interval(
        mean=float(values.mean()),
        low=low + (high - low) * _excluded(different, times, wanted),
        high=high - (high - low) * _excluded(1.0 - different, times, wanted),
    )


def _excluded(values: Floats, counts: Floats, wanted: float) -> float:
    """The largest mean in [0, 1] that values in [0, 1], each as often as ``counts`` says, are too large for."""
    least, most = 0.0, float(values @ counts / counts.sum())  # at their own mean the wealth is 1 at most
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        if middle <= 0:
            break
        if _log_wealth_at(values, counts, middle) >= wanted:
            least = middle
        else:
            most = middle
    return least


def _log_wealth_at(values: Floats, counts: Floats, mean: float) -> float:
    excess = values / mean - 1
    ends = np.zeros(len(BETS))
    for start in range(0, len(values), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        ends += np.log1p(np.multiply.outer(BETS, excess[some])) @ counts[some]
    peak = float(ends.max())
    return peak + math.log(float(np.exp(ends - peak).mean()))
