"""Zellinger and Thomson's calibration, and thresholds by grid search, as in their experiments (arXiv 2501.09345)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from router.estimators import sigmoid
from router.features import Floats
from training.benchmarks.chains import Chain, Followed, Ints, Logs, in_order, per_million, stopped
from training.estimators.newton import Logistic

Transform = Literal["one_sided", "two_sided"]

STEP, EDGE = 0.025, 0.01
"""Thresholds are tried at every quantile of 2.5 %, from 1 % up."""

_SURE = -1e-5
_UNSURE = -10.0


@dataclass(frozen=True)
class Calibrated:
    """Each model's calibrated confidence in its own answer: ``train`` (n, K) and ``test`` (m, K)."""

    train: Floats
    test: Floats


@dataclass(frozen=True)
class Bars:
    """Thresholds (m, k - 1) for a chain of k models, and what they are expected to cost and to get right, (m,)."""

    chain: Chain
    thresholds: Floats
    cost: Floats
    correct: Floats


def transformed(logprob: Floats, transform: Transform) -> Floats:
    """Their transform of a confidence p: log 1/(1-p), or where p < 1/2 and ``two_sided`` log p, both from log 2 on."""
    with np.errstate(divide="ignore"):
        sure = -np.log(-np.minimum(logprob, 0.0))
        between = -np.log(-np.expm1(np.clip(logprob, _UNSURE, _SURE)))
    one_sided = np.where(logprob > _SURE, sure, np.where(logprob < _UNSURE, np.exp(logprob), between))
    if transform == "one_sided":
        return one_sided
    found: Floats = np.where(logprob >= np.log(0.5), one_sided - np.log(2), logprob + np.log(2))
    return found


def calibrate(train: Logs, test: Logs, transform: Transform) -> Calibrated:
    """A logistic regression per model on the transformed confidence, without a penalty; infinities become the ends."""
    seen, asked = transformed(train.logprob, transform), transformed(test.logprob, transform)
    low = np.where(np.isneginf(seen), np.inf, seen).min(axis=0)
    high = np.where(np.isposinf(seen), -np.inf, seen).max(axis=0)
    # Only infinities are moved: a test confidence beyond all of the training ones stays where it is.
    seen, asked = (np.where(np.isposinf(x), high, np.where(np.isneginf(x), low, x)) for x in (seen, asked))
    found = Calibrated(np.empty_like(seen), np.empty_like(asked))
    for rank in range(seen.shape[1]):
        design = np.column_stack([seen[:, rank], np.ones(len(seen))])
        solver = Logistic(design, target=train.quality[:, rank], weight=np.ones(len(seen)))
        slope, shift = solver.solve(np.zeros(2), tolerance=1e-12)
        found.train[:, rank] = sigmoid(slope * seen[:, rank] + shift)
        found.test[:, rank] = sigmoid(slope * asked[:, rank] + shift)
    return found


def follow(logs: Logs, chain: Chain, confidence: Floats, thresholds: Floats) -> Followed:
    """What each row of ``thresholds`` (m, k - 1) does: an answer is accepted iff its confidence is above its bar."""
    own = confidence[:, list(chain[:-1])]
    return in_order(logs, chain, [stopped(logs, chain, list((own > bars).T)) for bars in thresholds])


def search(train: Logs, chain: Chain, confidence: Floats, *, step: float = STEP) -> Bars:
    """The thresholds that no other on the grid beats in both expected cost and expected correctness.

    Every combination of quantiles of the calibrated ``confidence`` (n, K) is tried. As in their code, correctness is
    expected, from the confidences, and not counted.
    """
    levels = np.arange(EDGE, 1 - EDGE, step)
    grids = [np.quantile(confidence[:, rank], levels) for rank in chain[:-1]]
    defers = [(confidence[:, rank] <= grid[:, None]).astype(float) for rank, grid in zip(chain, grids, strict=False)]
    paid = np.cumsum(per_million(train)[list(chain)])
    worth = [np.stack([np.full(len(train), paid[place]), confidence[:, rank]]) for place, rank in enumerate(chain)]
    cost, gain = (_sums(np.ones(len(train)), defers, [each[part] for each in worth]) / len(train) for part in (0, 1))
    best = _undominated(cost, gain)
    picked = np.unravel_index(best, (len(levels),) * len(grids))
    bars = np.column_stack([grid[places] for grid, places in zip(grids, picked, strict=True)])
    return Bars(chain, bars, cost[best], gain[best])


def alone(train: Logs, rank: int, confidence: Floats) -> Bars:
    """One model and no other, as a chain of one."""
    cost, correct = per_million(train)[[rank]], confidence[:, rank].mean(keepdims=True)
    return Bars((rank,), np.empty((1, 0)), cost, correct)


def follow_any(logs: Logs, chain: Chain, confidence: Floats, found: Iterable[Bars]) -> Followed:
    """The same search where models of ``chain`` may be left out: of all ``found`` within it, what no other beats."""
    within = [bars for bars in found if set(bars.chain) <= set(chain)]
    best = _undominated(np.concatenate([bars.cost for bars in within]), np.concatenate([b.correct for b in within]))
    starts = np.cumsum([0, *(len(bars.cost) for bars in within)])
    done = []
    for bars, start in zip(within, starts, strict=False):
        chosen = best[(best >= start) & (best < start + len(bars.cost))] - start
        if len(chosen):
            done.append(follow(logs, bars.chain, confidence, bars.thresholds[chosen]))
    return Followed(
        cost=np.concatenate([each.cost for each in done]), quality=np.concatenate([each.quality for each in done])
    )


def _sums(weight: Floats, defers: list[Floats], worth: list[Floats]) -> Floats:
    """Sums over questions of what stopping is worth, for every combination of thresholds, the last one fastest.

    ``weight`` (n,) says which questions have come so far; ``defers`` (m, n) per place, which ones go on.
    """
    if len(defers) == 1:
        on = defers[0] * weight
        return (weight - on) @ worth[0] + on @ worth[1]
    if len(defers) == 2:  # the innermost two at once: a product of matrices in place of a loop
        on = defers[0] * weight
        here = (weight - on) @ worth[0] + on @ worth[1]
        found: Floats = here[:, None] + (on * (worth[2] - worth[1])) @ defers[1].T
        return found.ravel()
    parts = []
    for bars in defers[0]:
        on = bars * weight
        parts.append((weight - on) @ worth[0] + _sums(on, defers[1:], worth[1:]))
    return np.concatenate(parts)


def _undominated(cost: Floats, gain: Floats) -> Ints:
    """Places of the points that no other beats, by ascending cost; the first of equal ones."""
    order = np.lexsort((-gain, cost))
    top = np.maximum.accumulate(np.concatenate([[-np.inf], gain[order][:-1]]))
    return np.asarray(order[gain[order] > top + 1e-12])
