"""The steps of a rule for many queries at once: what its ``next`` says of each, by arrays.

The runtime decides with :meth:`router.policy.Rule.next`; this is the same for the rules of the library, so that
thousands of candidates can be judged on thousands of queries. A test holds the two equal, step by step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from router.features import Floats
from router.policy import Always, CascadeRouting, CostAware, Induction, Keep, Rule, Thresholds
from router.policy.induction import NEARLY
from router.pricing import NANO

Ranks = NDArray[np.int64]

Stepper = Callable[[Any, Sequence[int], Floats, Floats], Ranks]


def stepper(rule: Rule) -> Stepper | None:
    """The function for rules of this kind, None where there is only ``next``.

    It takes the rule, the tiers that have answered, and the chances and expected costs (n, K) of the queries where
    they have, none of them NaN; it returns (n,) the tier to run, or -1 - k to stop and return the answer of tier k.
    """
    return _STEPPERS.get(type(rule))


def compact_rows(quality: Floats, cost: Floats, quality_per_dollar: float) -> Floats:
    """:func:`router.policy.induction.compact` for many states, (n, 3 K)."""
    inside = np.clip(quality, NEARLY, 1 - NEARLY)
    return np.column_stack([quality, np.log(inside / (1 - inside)), quality_per_dollar / NANO * cost])


def _always(rule: Always, run: Sequence[int], quality: Floats, cost: Floats) -> Ranks:
    del cost
    if run:
        return np.full(len(quality), -1 - run[-1])
    return np.full(len(quality), quality.shape[1] - 1 if rule.rank is None else rule.rank)


def _thresholds(rule: Thresholds, run: Sequence[int], quality: Floats, cost: Floats) -> Ranks:
    del cost
    stronger = _stronger(run, quality)
    if not stronger:
        return -1 - _kept(run, quality, rule.keep)
    enough = quality[:, stronger] >= np.array(rule.start)[stronger]
    first = np.array(stronger)[np.argmax(enough, axis=1)]
    chosen: Ranks = np.where(enough.any(axis=1), first, stronger[-1])
    if not run:
        return chosen
    bar = rule.accept[run[-1]]
    return np.where((bar <= 0) | (quality[:, run[-1]] >= bar), -1 - run[-1], chosen)


def _cost_aware(rule: CostAware, run: Sequence[int], quality: Floats, cost: Floats) -> Ranks:
    stronger = _stronger(run, quality)
    if not stronger:
        return -1 - _kept(run, quality, rule.keep)
    worth = quality[:, stronger] - rule.quality_per_dollar / NANO * cost[:, stronger]
    chosen: Ranks = np.array(stronger)[np.argmax(worth, axis=1)]
    if not run:
        return chosen
    best = _kept(run, quality, rule.keep)
    bar = np.clip(worth.max(axis=1), 0.0, 1.0)
    return np.where(_at(quality, best) >= bar, -1 - best, chosen)


def _cascade_routing(rule: CascadeRouting, run: Sequence[int], quality: Floats, cost: Floats) -> Ranks:
    stronger = _stronger(run, quality)
    if not stronger:
        return -1 - _kept(run, quality, "best")
    price = rule.quality_per_dollar / NANO
    best = _kept(run, quality, "best") if run else None
    top, chosen = np.full(len(quality), -math.inf), np.full(len(quality), stronger[0])
    for size in range(1, len(stronger) + 1):
        for ranks in combinations(stronger, size):
            mean, variance = quality[:, ranks[0]], np.full(len(quality), rule.spread[ranks[0]] ** 2)
            for rank in ranks[1:]:
                mean, variance = _clark(mean, variance, quality[:, rank], rule.spread[rank] ** 2)
            if best is not None:
                mean, _ = _clark(mean, variance, _at(quality, best), 0.0)
            worth = mean - price * cost[:, list(ranks)].sum(axis=1)
            better = worth > top
            top, chosen = np.where(better, worth, top), np.where(better, ranks[0], chosen)
    if best is None:
        return chosen
    return np.where(_at(quality, best) >= np.maximum(top, 0.0), -1 - best, chosen)


def _clark(mean: Floats, variance: Floats, other: Floats, other_variance: float) -> tuple[Floats, Floats]:
    """Mean and variance of the maximum of two independent normals, as :mod:`router.policy.cascade_routing` has it."""
    width = np.sqrt(variance + other_variance)
    certain = width < 1e-12
    width = np.where(certain, 1.0, width)
    at = (mean - other) / width
    above = 0.5 * erfc(-at / math.sqrt(2.0))
    density = np.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
    first = mean * above + other * (1.0 - above) + width * density
    second = (
        (mean**2 + variance) * above + (other**2 + other_variance) * (1.0 - above) + (mean + other) * width * density
    )
    higher = mean >= other
    return (
        np.where(certain, np.where(higher, mean, other), first),
        np.where(certain, np.where(higher, variance, other_variance), np.maximum(second - first * first, 0.0)),
    )


def _induction(rule: Induction, run: Sequence[int], quality: Floats, cost: Floats) -> Ranks:
    stronger = _stronger(run, quality)
    if not stronger:
        return -1 - _kept(run, quality, "best")
    fitted = rule.states.get(sum(1 << rank for rank in run))
    numbers = compact_rows(quality, cost, rule.quality_per_dollar)
    best = _kept(run, quality, "best") if run else None
    top, chosen = np.full(len(quality), -math.inf), np.full(len(quality), stronger[-1])
    for rank in stronger:
        if fitted is not None and rank in fitted.actions:
            intercept, weights = fitted.actions[rank]
            advantage = intercept + numbers @ np.array(weights)
        else:
            advantage = quality[:, rank] - rule.quality_per_dollar / NANO * cost[:, rank]
            advantage = advantage - _at(quality, best) if best is not None else advantage
        better = advantage > top
        top, chosen = np.where(better, advantage, top), np.where(better, rank, chosen)
    return chosen if best is None else np.where(top <= 0, -1 - best, chosen)


def _stronger(run: Sequence[int], quality: Floats) -> list[int]:
    return list(range(run[-1] + 1 if run else 0, quality.shape[1]))


def _kept(run: Sequence[int], quality: Floats, keep: Keep) -> Ranks:
    """As :func:`router.policy.kept`: the last answer, or the surest, the later one on ties."""
    if keep == "last":
        return np.full(len(quality), run[-1])
    backwards = np.array(run[::-1])
    return np.asarray(backwards[np.argmax(quality[:, backwards], axis=1)], np.int64)


def _at(quality: Floats, ranks: Ranks) -> Floats:
    return np.asarray(quality[np.arange(len(quality)), ranks], float)


_STEPPERS: Mapping[type, Stepper] = {
    Always: _always,
    Thresholds: _thresholds,
    CostAware: _cost_aware,
    CascadeRouting: _cascade_routing,
    Induction: _induction,
}
