"""What an answer's log-probabilities say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from router.types import Logprobs

Floats = NDArray[np.float64]

SIGNALS = (
    "logprob_sum", "logprob_mean", "logprob_min", "logprob_q05", "logprob_q10", "logprob_q25", "logprob_q50",
    "logprob_q75", "logprob_first", "unsure_share", "longest_unsure", "margin_mean", "margin_min", "margin_first",
    "entropy_mean", "entropy_first", "min_place", "logit_mean", "logit_min", "logit_first",
)  # fmt: skip
"""What :func:`likelihood` returns; the logits are of the geometric mean, the least and the first probability."""

_UNKNOWN = (math.nan,) * len(SIGNALS)
_UNSURE = math.log(0.5)
_FARTHEST = 1e300  # so that no chance of an impossible token counts nothing, and is not undefined
_SUREST = 1e-7  # of a token, as a logarithm; 32-bit floats say 0 for anything surer


def likelihood(logprobs: Logprobs | None) -> tuple[float, ...]:
    """Return the signals, in the order of :data:`SIGNALS`; NaN where there is nothing to read them off."""
    if logprobs is None or not logprobs.values:
        return _UNKNOWN
    values = logprobs.values
    count, first, least = len(values), float(values[0]), float(min(values))
    total = float(np.add.reduce(np.array(values, float)))
    unsure = [value < _UNSURE for value in values]
    margin_mean = margin_min = margin_first = entropy_mean = entropy_first = math.nan
    if logprobs.top:
        top = _padded(logprobs.top)
        margins = top[:, 0] - top[:, 1]
        mass = np.exp(top)
        tail = np.maximum(1 - np.add.reduce(mass, 1), 1e-12)
        entropies = -np.add.reduce(mass * np.maximum(top, -_FARTHEST), 1) - tail * np.log(tail)
        places = len(top)
        margin_mean, margin_min, margin_first = np.add.reduce(margins) / places, margins.min(), margins[0]
        entropy_mean, entropy_first = np.add.reduce(entropies) / places, entropies[0]
    q05, q10, q25, q50, q75 = _quantiles(sorted(values))
    return (
        total, total / count, least, q05, q10, q25, q50, q75, first, sum(unsure) / count,
        _longest_run(unsure), margin_mean, margin_min, margin_first, entropy_mean, entropy_first,
        values.index(least) / count, _logit(total / count), _logit(least), _logit(first),
    )  # fmt: skip


def _logit(logprob: float) -> float:
    """The logit of a probability given as its logarithm: it tells 0.999 from 0.9999, where the logarithm cannot."""
    below = min(logprob, -_SUREST)
    return float(below - math.log(-math.expm1(below)))


def _quantiles(ordered: Sequence[float]) -> list[float]:
    """The quantiles that are signals, between neighbours by straight lines, as numpy's default is."""
    last = len(ordered) - 1
    found = []
    for share in (0.05, 0.1, 0.25, 0.5, 0.75):
        place = share * last
        low = int(place)
        high = min(low + 1, last)
        found.append(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
    return found


def _padded(top: Sequence[Sequence[float]]) -> Floats:
    """The likeliest tokens' log-probabilities as (tokens, at least 2); a place with fewer is filled with -100."""
    widths = {*map(len, top)}
    width = max(2, *widths)
    if widths != {width}:
        top = [(*values, *(-100.0,) * (width - len(values))) for values in top]
    return np.fromiter(chain.from_iterable(top), float, len(top) * width).reshape(len(top), width)


def _longest_run(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        if flag:
            run += 1
        elif run:
            longest, run = max(longest, run), 0
    return max(longest, run)
