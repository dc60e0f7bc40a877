"""What an answer's log-probabilities say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

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

_UNSURE = math.log(0.5)
_SUREST = 1e-7  # of a token, as a logarithm; 32-bit floats say 0 for anything surer


def likelihood(logprobs: Logprobs | None) -> Floats:
    """Return the signals, in the order of :data:`SIGNALS`; NaN where there is nothing to read them off."""
    if logprobs is None or not logprobs.values:
        return np.full(len(SIGNALS), np.nan)
    values = np.asarray(logprobs.values, float)
    unsure = values < _UNSURE
    top = _padded(logprobs.top) if logprobs.top else None
    margins = entropies = np.full(1, np.nan)
    if top is not None:
        margins = top[:, 0] - top[:, 1]
        mass = np.exp(top)
        tail = np.clip(1 - mass.sum(axis=1), 1e-12, None)
        entropies = -(mass * np.where(mass > 0, top, 0.0)).sum(axis=1) - tail * np.log(tail)
    q05, q10, q25, q50, q75 = _quantiles(sorted(logprobs.values))
    return np.array(
        (
            values.sum(), values.mean(), values.min(), q05, q10, q25, q50, q75, values[0], unsure.mean(),
            _longest_run(unsure.tolist()), margins.mean(), margins.min(), margins[0], entropies.mean(), entropies[0],
            values.argmin() / len(values), _logit(values.mean()), _logit(values.min()), _logit(values[0]),
        )
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
    width = max(2, *map(len, top))
    filled = np.full((len(top), width), -100.0)
    for row, values in zip(filled, top, strict=True):
        row[: len(values)] = values
    return filled


def _longest_run(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
