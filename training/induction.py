"""Fitted backward induction: the regressions behind :class:`router.policy.Induction`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from router.policy import Advantages, Induction
from router.policy.induction import compact
from router.policy.state import State
from router.pricing import NANO
from training.heads import Bools, Ints
from training.table import Table, states

SHRINK = 20.0
"""The ridge penalty on standardised inputs."""


TRUSTED = 1000
"""Rows at which labels and confidences count alike in the value of an answer."""


@dataclass(frozen=True)
class Compact:
    """What every state's advantages are regressed on, for each row of a table and at a price of cost of 1 a dollar.

    ``numbers[mask]`` (n, 3 K) as :func:`router.policy.induction.compact` has them; the last K columns are to be
    multiplied by the price.
    """

    numbers: Mapping[int, Floats]

    def at(self, mask: int, quality_per_dollar: float) -> Floats:
        """The numbers of one state at a price of cost."""
        found = self.numbers[mask].copy()
        found[:, 2 * found.shape[1] // 3 :] *= quality_per_dollar
        return found


def compact_of(table: Table) -> Compact:
    """The runtime's own numbers for every row and state of ``table``."""
    numbers = {}
    for mask, (quality, cost) in table.seen.items():
        numbers[mask] = np.array(
            [compact(State((), frozenset(), q, c), 1.0) for q, c in zip(quality, cost, strict=True)]
        )
    return Compact(numbers)


def fit_induction(
    table: Table, numbers: Compact, quality_per_dollar: float, *, fold: Ints, rows: Bools | None = None
) -> Induction:
    """Fit the advantages at one price of cost, from the full set of answers down to none.

    In each state and for each tier that may come next, the realised advantage over stopping (the value of going on
    and acting well afterwards, less the call's cost, less the quality of the answer in hand) is regressed on the
    state's numbers. What an answer is worth is its label and the confidence in it, averaged. The values that earlier
    states see are those of actions chosen by out-of-fold predictions, so that no row profits from its own label.
    ``rows`` (n,) picks the rows to learn from, all by default.
    """
    inside = np.ones(len(table), bool) if rows is None else rows
    part = table.take(np.flatnonzero(inside))
    fold = fold[inside]
    price = quality_per_dollar / NANO
    values: dict[int, Floats] = {}
    fitted: dict[int, Advantages] = {}
    for run in (*reversed(states(table.tiers)), ()):
        mask = sum(1 << rank for rank in run)
        stop = _stopped(part, mask, run)
        last = run[-1] if run else -1
        actions: dict[int, tuple[float, tuple[float, ...]]] = {}
        best, gained = np.full(len(part), 0.0 if run else -np.inf), np.zeros(len(part))
        matrix = numbers.at(mask, quality_per_dollar)[inside]
        for rank in range(last + 1, table.tiers):
            later = values.get(mask | 1 << rank)
            if later is None:
                continue  # deeper than states are told apart
            advantage = later - price * part.cost[:, rank] - stop
            ridge = _Ridge(matrix, advantage, part.weight)
            actions[rank] = ridge.line()
            predicted = ridge.held_out(fold)
            better = predicted > best
            best = np.where(better, predicted, best)
            gained = np.where(better, advantage, gained)
        values[mask] = stop + gained
        if actions:
            fitted[mask] = Advantages(actions)
    return Induction(quality_per_dollar=quality_per_dollar, states=fitted)


def _stopped(table: Table, mask: int, run: Sequence[int]) -> Floats:
    """What stopping is worth: the answer of the highest confidence, the later one on ties.

    A label says it without bias and with much noise, the confidence in it the other way round: they are averaged,
    the label's share growing with the number of rows.
    """
    if not run:
        return np.zeros(len(table))
    backwards = list(reversed(run))
    best = np.array(backwards)[np.argmax(table.chances[mask][:, backwards], axis=1)]
    rows = np.arange(len(table))
    labels = float(table.weight.sum())
    share = labels / (labels + TRUSTED)
    found: Floats = share * table.quality[rows, best] + (1 - share) * table.chances[mask][rows, best]
    return found


class _Ridge:
    """Weighted ridge regression on standardised columns, in closed form, so that leaving a fold out is cheap."""

    def __init__(self, matrix: Floats, target: Floats, weight: Floats) -> None:
        self.mean = np.average(matrix, axis=0, weights=weight)
        spread = np.sqrt(np.average((matrix - self.mean) ** 2, axis=0, weights=weight))
        self.scale = np.where(spread > 1e-9, spread, 1.0)
        self.design = np.column_stack([(matrix - self.mean) / self.scale, np.ones(len(matrix))])
        self.target, self.weight = target, weight

    def line(self) -> tuple[float, tuple[float, ...]]:
        """Intercept and weights over the columns as they came."""
        theta = self._solve(np.ones(len(self.target), bool))
        weights = theta[:-1] / self.scale
        return float(theta[-1] - weights @ self.mean), tuple(weights.tolist())

    def held_out(self, fold: Ints) -> Floats:
        """Predictions (n,), each fold's from the others."""
        found = np.empty(len(self.target))
        for number in np.unique(fold):
            outside = fold == number
            found[outside] = self.design[outside] @ self._solve(~outside)
        return found

    def _solve(self, rows: Bools) -> Floats:
        design, weight = self.design[rows], self.weight[rows]
        penalty = np.full(design.shape[1], SHRINK)
        penalty[-1] = 1e-9  # the mean is not shrunk
        curvature = design.T @ (design * weight[:, None]) + np.diag(penalty)
        return np.asarray(np.linalg.solve(curvature, design.T @ (weight * self.target[rows])), float)
