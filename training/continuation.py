"""What a walk is still expected to bring from where it stands, learned from the walks that a log shows further."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from router.features import Floats
from training.bandit import NONE, Bools, Ints, Trails

PENALTY = 20.0
"""Ridge penalty on standardised columns: with few observations the estimate stays near what the state itself says."""

LIMIT = 1e-3
"""Chances are kept this far from 0 and 1 before their logarithm is taken."""


def continuation(
    trails: Trails, *, brought: Floats, last: Floats, offset: Floats, weights: Floats, fold: NDArray[np.int64]
) -> Floats:
    """Before each step of a walk, the expected sum of what this and later steps bring, (n, K); NaN past its end.

    Fitted backwards, as in fitted Q evaluation, each row on rows of other folds: ``fold`` (n,).

    ``brought`` (n, K) is what each observed step brought, ``last`` (n,) what the end of a whole walk brings on top.
    ``offset`` (n, K) is what the state already says of the step; a ridge regression on the state's logits corrects
    it, one per place in the order of tiers, each row weighted by its inverse probability.
    """
    value = np.full(trails.asked.shape, np.nan)
    for held in np.unique(fold):
        train = fold != held
        guess = np.full(trails.asked.shape, np.nan)
        for place in reversed(range(trails.asked.shape[1])):
            ends = trails.steps == place + 1
            for node in _nodes(trails.asked, place):
                fitted = node & train & (trails.seen > place)
                onward = last if place + 1 == trails.asked.shape[1] else np.where(ends, last, guess[:, place + 1])
                rows = node & (trails.steps > place)
                base = np.nan_to_num(offset[:, place])
                inputs = _logits(trails.chances[:, place])
                guess[rows, place] = base[rows] + _ridge(
                    inputs[fitted], (brought[:, place] + onward - base)[fitted], weights[fitted, place], inputs[rows]
                )
        value[~train] = guess[~train]
    return value


def _nodes(asked: Ints, place: int) -> Iterator[Bools]:
    """The rows that have asked the same tiers in the same order up to ``place``."""
    going = asked[:, place] != NONE
    for path in np.unique(asked[going, : place + 1], axis=0):
        yield going & (asked[:, : place + 1] == path).all(axis=1)


def _logits(chances: Floats) -> Floats:
    bounded = np.clip(np.nan_to_num(chances, nan=0.5), LIMIT, 1 - LIMIT)
    return np.log(bounded / (1 - bounded))


def _ridge(inputs: Floats, target: Floats, weights: Floats, at: Floats) -> Floats:
    """Weighted ridge regression, fitted on (``inputs``, ``target``) and applied to ``at``; 0 without observations."""
    if not len(target):
        return np.zeros(len(at))
    share = weights / weights.mean()
    mean = np.average(inputs, axis=0, weights=share)
    spread = np.sqrt(np.average((inputs - mean) ** 2, axis=0, weights=share))
    spread = np.where(spread > 1e-9, spread, 1.0)
    # The intercept is penalised like one more observation that the offset is right.
    design = np.column_stack(((inputs - mean) / spread, np.ones(len(inputs))))
    penalty = np.append(np.full(inputs.shape[1], PENALTY), 1.0)
    weighted = design * share[:, None]
    solution = np.linalg.solve(weighted.T @ design + np.diag(penalty), weighted.T @ target)
    found: Floats = np.column_stack(((at - mean) / spread, np.ones(len(at)))) @ solution
    return found
