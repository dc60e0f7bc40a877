"""Fitted backward induction: the regressions behind :class:`router.policy.Induction`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from router.policy import Advantages, Induction
from router.pricing import NANO
from training.heads import Ints
from training.steps import compact_rows
from training.table import Table

SHRINK = 20.0
"""The ridge penalty on standardised inputs."""


TRUSTED = 1000
"""Rows at which labels and confidences count alike in the value of an answer."""


@dataclass(frozen=True)
class Prepared:
    """A table made ready for regressions at many prices.

    ``fold`` (n,) are the table's folds. ``ridges``: per mask of the tiers that have answered, the regression on the
    state's numbers, which at another price are only scaled. ``stops[mask]`` (n,): the tier whose answer would be
    returned there.
    """

    table: Table
    fold: Ints
    ridges: Mapping[int, _Ridge]
    stops: Mapping[int, Ints]


def prepare(table: Table, *, fold: Ints) -> Prepared:
    """Make ``table`` ready; ``fold`` (n,), equal for rows that share a prompt."""
    ridges, stops = {}, {}
    for run in ((), *_told_apart(table)):
        mask = sum(1 << rank for rank in run)
        numbers = compact_rows(table.chances[mask], table.expected[mask], NANO)
        ridges[mask] = _Ridge(numbers, table.weight, fold)
        if run:
            backwards = np.array(run[::-1])  # the later answer on ties
            stops[mask] = backwards[np.argmax(table.chances[mask][:, backwards], axis=1)]
    return Prepared(table, fold, ridges, stops)


def fit_induction(prepared: Prepared, quality_per_dollar: float, *, without: int | None = None) -> Induction:
    """Fit the advantages at one price of cost, from the full set of answers down to none.

    In each state and for each tier that may come next, the realised advantage over stopping (the value of going on
    and acting well afterwards, less the call's cost, less the quality of the answer in hand) is regressed on the
    state's numbers. What an answer is worth is its label and the confidence in it, averaged. The values that earlier
    states see are those of actions chosen by out-of-fold predictions, so that no row profits from its own label.
    The rows of fold ``without`` are not learned from.
    """
    table, price = prepared.table, quality_per_dollar / NANO
    labels = _effective(table.weight[prepared.fold != without])
    values: dict[int, Floats] = {}
    fitted: dict[int, Advantages] = {}
    for run in (*reversed(_told_apart(table)), ()):
        mask = sum(1 << rank for rank in run)
        stop = _stopped(prepared, mask, labels) if run else np.zeros(len(table))
        ridge = prepared.ridges[mask]
        actions: dict[int, tuple[float, tuple[float, ...]]] = {}
        best, gained = np.full(len(table), 0.0 if run else -np.inf), np.zeros(len(table))
        for rank in range(run[-1] + 1 if run else 0, table.tiers):
            later = values.get(mask | 1 << rank)
            if later is None:
                continue  # deeper than states are told apart
            advantage = later - price * table.cost[:, rank] - stop
            line = ridge.fit(advantage, without=without)
            actions[rank] = _at_price(line, price)
            better = line.held_out > best
            best = np.where(better, line.held_out, best)
            gained = np.where(better, advantage, gained)
        values[mask] = stop + gained
        if actions:
            fitted[mask] = Advantages(actions)
    return Induction(quality_per_dollar=quality_per_dollar, states=fitted)


def _told_apart(table: Table) -> list[tuple[int, ...]]:
    """The sets of tiers after which the table knows the chances, however deep; smaller ones first."""
    runs = [tuple(rank for rank in range(table.tiers) if mask >> rank & 1) for mask in table.chances if mask]
    return sorted(runs, key=lambda run: (len(run), run))


def _effective(weight: Floats) -> float:
    """How many equally weighted rows say as much as rows of these weights (Kish 1965): a row that stands for twenty
    requests still has one label.
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def _stopped(prepared: Prepared, mask: int, labels: float) -> Floats:
    """What stopping is worth: the answer of the highest confidence.

    A label says it without bias and with much noise, the confidence in it the other way round: they are averaged,
    the label's share growing with the effective number of rows, ``labels``.
    """
    table, best = prepared.table, prepared.stops[mask]
    rows = np.arange(len(table))
    share = labels / (labels + TRUSTED)
    found: Floats = share * table.quality[rows, best] + (1 - share) * table.chances[mask][rows, best]
    return found


@dataclass(frozen=True)
class _Line:
    """Intercept and weights over the columns as they came, and (n,) out-of-fold predictions."""

    intercept: float
    weights: Floats
    held_out: Floats


def _at_price(line: _Line, price: float) -> tuple[float, tuple[float, ...]]:
    """The line over numbers whose last third, the costs, is multiplied by ``price``."""
    weights = line.weights.copy()
    weights[2 * len(weights) // 3 :] /= price
    return line.intercept, tuple(weights.tolist())


class _Ridge:
    """Weighted ridge regression on standardised columns, in closed form.

    Sums over folds are made once, so that leaving folds out, and regressing ever other targets, is cheap.
    """

    def __init__(self, matrix: Floats, weight: Floats, fold: Ints) -> None:
        self._mean = np.average(matrix, axis=0, weights=weight)
        spread = np.sqrt(np.average((matrix - self._mean) ** 2, axis=0, weights=weight))
        # A column that hardly varies against its own size says nothing.
        self._scale = np.where(spread > 1e-9 * (1 + np.abs(self._mean)), spread, np.inf)
        self._design = np.column_stack([(matrix - self._mean) / self._scale, np.ones(len(matrix))])
        self._weighted = self._design * weight[:, None]
        self._rows = {int(number): np.flatnonzero(fold == number) for number in np.unique(fold)}
        self._curvatures = {number: self._design[rows].T @ self._weighted[rows] for number, rows in self._rows.items()}
        self._inverses: dict[frozenset[int], Floats] = {}

    def fit(self, target: Floats, *, without: int | None) -> _Line:
        """Regress ``target`` (n,); each fold's predictions are from the others, fold ``without`` is in no fit."""
        sums = {number: self._weighted[rows].T @ target[rows] for number, rows in self._rows.items()}
        gone = () if without is None else (without,)
        held_out = np.empty(len(target))
        for number, rows in self._rows.items():
            held_out[rows] = self._design[rows] @ self._solve(sums, (*gone, number))
        theta = self._solve(sums, gone)
        weights = theta[:-1] / self._scale
        return _Line(float(theta[-1] - weights @ self._mean), weights, held_out)

    def _solve(self, sums: Mapping[int, Floats], gone: Sequence[int]) -> Floats:
        key = frozenset(gone)
        if key not in self._inverses:
            penalty = np.full(self._design.shape[1], SHRINK)
            penalty[-1] = 1e-9  # the mean is not shrunk
            kept = [curvature for number, curvature in self._curvatures.items() if number not in key]
            self._inverses[key] = np.linalg.inv(np.sum(kept, axis=0) + np.diag(penalty))
        total = np.sum([value for number, value in sums.items() if number not in key], axis=0)
        return np.asarray(self._inverses[key] @ total, float)
