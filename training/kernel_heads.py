"""Kernel heads: by the prompt alone, how good each tier's answer will be, and how much better than another's.

Ridge regression on one kernel: the cosine of the TF-IDF terms, plus ``exp(-d)`` of the distance between the hand-made
features and, where it helps, of that between topics, plus ``exp(-d^2)`` of that between embeddings where there are any.
The kernel is read at ``LANDMARKS`` of the training prompts (Nystrom, Williams and Seeger 2001): with no more prompts
than that it is kernel ridge regression.

Two sets of heads share it. A tier's head predicts the quality of its answer; a *gain* head predicts how far that is
from the mean over the tiers, from the prompts that every tier answered. Ridge is linear in its targets, so the two
differ in their penalties alone; yet differences are smaller and noisier than qualities and want a heavier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from router.features import Floats
from training.heads import Ints

LANDMARKS = 1000
"""Prompts at which the kernel is read: on 9,400 prompts a thousand were as good as all of them."""

PENALTIES = tuple(float(value) for value in np.logspace(-0.3, 2.4, 10))
"""Ridge penalties tried; each prompt's kernel with itself is 2, with topics 3, with embeddings up to 1 more."""

_FEW = PENALTIES[1::3]
"""Those tried where kernels are compared."""

_JITTER = 1e-6  # on the landmarks' own kernel: two of them may be alike


@dataclass(frozen=True)
class Whitening:
    """Turns kernels with the landmarks into columns whose inner products are the kernel itself (Nystrom's estimate).

    ``root`` (L, L) is the Cholesky factor of the landmarks' own kernel.
    """

    root: Floats

    def columns(self, kernel: Floats) -> Floats:
        """The columns (n, L) of prompts whose ``kernel`` (n, L) with the landmarks is given."""
        found: Floats = scipy.linalg.solve_triangular(self.root, kernel.T, lower=True).T
        return np.ascontiguousarray(found)

    def over_landmarks(self, weights: Floats) -> Floats:
        """Weights (L, B) over the columns as weights over the landmarks' kernels."""
        found: Floats = scipy.linalg.solve_triangular(self.root, weights, lower=True, trans=1)
        return found


def whitening_of(own: Floats) -> Whitening:
    """The whitening by the landmarks' ``own`` kernel (L, L)."""
    return Whitening(scipy.linalg.cholesky(own + _JITTER * np.eye(len(own)), lower=True))


@dataclass(frozen=True)
class Line:
    """``weights`` (p, B) over the columns, ``intercept`` (B,)."""

    weights: Floats
    intercept: Floats


@dataclass(frozen=True)
class Heads:
    """What :func:`fit_heads` made: ``line`` predicts each tier's quality, ``held_out`` (n, K) are the same predictions
    out of fold. ``penalties`` (K,) are the tiers', ``gain_penalty`` the gains', 0 where there are none;
    ``gain_share`` in [0, 1] is how much of the differences between tiers comes from the gain heads.
    """

    line: Line
    held_out: Floats
    penalties: tuple[float, ...]
    gain_penalty: float
    gain_share: float
    tiers: _Ridges
    gains: _Ridge | None

    def nested(self) -> dict[int, Floats]:
        """Per fold f, every row's predictions (n, K) from fits without f and without the row's own fold.

        The penalties and the gains' share are those of :func:`fit_heads`, which chose them on the errors of all
        folds, f's among them: these few numbers, and no coefficient, know the labels of fold f; so does the choice
        between kernels (:func:`kernel_error`).
        On simulated labels that are pure noise (300 rows, 260 draws) predicted and true gains within fold f correlated
        by .002 with a standard error of .006 where one kernel was given, by .018 with .005 where it was chosen among
        four: that much leaks.
        """
        folds = self.tiers.folds
        found = {number: np.empty_like(self.held_out) for number in folds}
        for place, one in enumerate(folds):
            for other in folds[place:]:
                line = self._line(without=(one, other))
                for seen, held in ((one, other), (other, one)):
                    rows = self.tiers.rows(held)
                    found[seen][rows] = self.tiers.columns[rows] @ line.weights + line.intercept
        return found

    def _line(self, *, without: Sequence[int]) -> Line:
        return _joined(
            self.tiers.solve(self.penalties, without=without),
            None if self.gains is None else self.gains.solve(self.gain_penalty, without=without),
            self.gain_share,
        )


def fit_heads(columns: Floats, quality: Floats, *, weight: Floats, fold: Ints) -> Heads:
    """Fit on ``columns`` (n, p).

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``weight`` (n, K), 0 where a label is not to count;
    ``fold`` (n,). Penalties are chosen by squared error out of fold: one for the tiers whose labels
    count alike, one for all gains. The gains' share is the least-squares one out of fold, times the prompts that every
    tier answered over the labels of the tier that has fewest: a few whole rows are not to overrule many labels.
    """
    mass = np.where(np.isnan(quality), 0.0, weight)
    known = np.nan_to_num(quality)
    tiers = _Ridges(columns, known, mass, fold)
    penalties, held = tiers.chosen()
    full = (mass > 0).all(axis=1)
    gains, gain_penalty, share = None, 0.0, 0.0
    if _spread(fold[full]):
        heaviest = np.where(full, mass.max(axis=1), 0.0)
        target = known - known.mean(axis=1, keepdims=True)
        gains = _Ridge(columns, target, heaviest, fold)
        gain_penalty, gained = gains.chosen()
        plain = held - held.mean(axis=1, keepdims=True)
        complete = int(np.count_nonzero(full)) / int(np.count_nonzero(mass, axis=0).min())
        share = complete * _share(target[full], plain[full], gained[full], heaviest[full])
        held = held + share * (gained - plain)
    line = _joined(tiers.solve(penalties), None if gains is None else gains.solve(gain_penalty), share)
    return Heads(line, held, penalties, gain_penalty, share, tiers, gains)


def kernel_error(columns: Floats, quality: Floats, *, weight: Floats, fold: Ints) -> float:
    """What kernels are compared by: the squared error out of fold of their ``columns`` at the best of a few penalties.

    It is that of the differences between tiers where most rows have all labels, else that of the qualities: a few whole
    rows are not to overrule many labels. The arguments are those of :func:`fit_heads`.
    """
    mass = np.where(np.isnan(quality), 0.0, weight)
    known = np.nan_to_num(quality)
    full = (mass > 0).all(axis=1)
    if 2 * np.count_nonzero(full) > len(mass) and _spread(fold[full]):
        heaviest = np.where(full, mass.max(axis=1), 0.0)
        return min(_Ridge(columns, known - known.mean(axis=1, keepdims=True), heaviest, fold).losses(_FEW)[0])
    return _Ridges(columns, known, mass, fold).least_loss()


def _joined(tiers: Line, gains: Line | None, share: float) -> Line:
    """The tiers' heads, ``share`` of whose differences are exchanged for the gain heads'."""
    if gains is None:
        return tiers
    level = Line(tiers.weights.mean(axis=1, keepdims=True), tiers.intercept.mean(keepdims=True))
    return Line(
        (1 - share) * tiers.weights + share * (level.weights + gains.weights),
        (1 - share) * tiers.intercept + share * (level.intercept + gains.intercept),
    )


def _share(target: Floats, plain: Floats, gained: Floats, weight: Floats) -> float:
    """The share s in [0, 1] for which ``(1 - s) plain + s gained`` is nearest to ``target``."""
    step = gained - plain
    length = float((weight[:, None] * step**2).sum())
    if length <= 0:
        return 1.0
    return float(np.clip((weight[:, None] * step * (target - plain)).sum() / length, 0.0, 1.0))


def _spread(fold: Ints) -> bool:
    """Whether leaving one or two folds out leaves rows to learn from."""
    return len(np.unique(fold)) > 2


@dataclass(frozen=True)
class _Sums:
    """What a fold contributes to the normal equations."""

    gram: Floats
    columns: Floats
    cross: Floats
    target: Floats
    mass: float


class _Ridge:
    """Weighted ridge regression of several targets on the same columns; any folds may be left out of a fit."""

    def __init__(self, columns: Floats, target: Floats, weight: Floats, fold: Ints) -> None:
        self.columns, self._target = columns, target
        self._weight = weight * (np.count_nonzero(weight) / max(weight.sum(), 1e-300))
        self._rows = {int(number): np.flatnonzero(fold == number) for number in np.unique(fold)}
        self._sums = {number: self._of(rows) for number, rows in self._rows.items()}

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds' numbers."""
        return tuple(self._rows)

    def rows(self, number: int) -> Ints:
        """The rows of a fold."""
        return self._rows[number]

    def solve(self, penalty: float, *, without: Iterable[int] = ()) -> Line:
        """The fit on all folds but those of ``without``."""
        return self._lines((penalty,), without)[0]

    def chosen(self) -> tuple[float, Floats]:
        """The penalty of least squared error out of fold over all targets, and its predictions (n, B)."""
        losses, held = self.losses(PENALTIES)
        best = int(np.argmin(losses))
        return PENALTIES[best], held[best]

    def losses(self, penalties: Sequence[float]) -> tuple[list[float], Floats]:
        """Each penalty's squared error out of fold over all targets, and its predictions (P, n, B)."""
        held = np.empty((len(penalties), *self._target.shape))
        for number, rows in self._rows.items():
            seen = self.columns[rows]
            for place, line in enumerate(self._lines(penalties, (number,))):
                held[place, rows] = seen @ line.weights + line.intercept
        return [float((self._weight[:, None] * (each - self._target) ** 2).sum()) for each in held], held

    def _of(self, rows: Ints) -> _Sums:
        seen, weight, target = self.columns[rows], self._weight[rows], self._target[rows]
        heavy = seen * weight[:, None]
        return _Sums(seen.T @ heavy, heavy.sum(axis=0), heavy.T @ target, weight @ target, float(weight.sum()))

    def _lines(self, penalties: Sequence[float], without: Iterable[int]) -> list[Line]:
        left = set(without)
        parts = [sums for number, sums in self._sums.items() if number not in left]
        mass = sum(part.mass for part in parts)
        if mass <= 0:
            flat = Line(np.zeros((self.columns.shape[1], self._target.shape[1])), np.full(self._target.shape[1], 0.5))
            return [flat] * len(penalties)
        columns, target = sum(part.columns for part in parts) / mass, sum(part.target for part in parts) / mass
        gram: Any = sum(part.gram for part in parts) - mass * np.outer(columns, columns)
        cross: Any = sum(part.cross for part in parts) - mass * np.outer(columns, target)
        found = []
        for penalty in penalties:
            heavy = gram.copy()
            heavy[np.diag_indices_from(heavy)] += penalty
            factor = scipy.linalg.cho_factor(heavy, lower=True, overwrite_a=True, check_finite=False)
            weights = scipy.linalg.cho_solve(factor, cross, check_finite=False)
            found.append(Line(weights, target - columns @ weights))
        return found


class _Ridges:
    """A regression a tier; tiers whose labels count alike share one's normal equations."""

    def __init__(self, columns: Floats, quality: Floats, weight: Floats, fold: Ints) -> None:
        self.columns = columns
        self._alike: list[list[int]] = []
        for rank in range(quality.shape[1]):
            for group in self._alike:
                if np.array_equal(weight[:, rank], weight[:, group[0]]):
                    group.append(rank)
                    break
            else:
                self._alike.append([rank])
        self._fits = [_Ridge(columns, quality[:, group], weight[:, group[0]], fold) for group in self._alike]
        self._tiers = quality.shape[1]
        self._quality, self._weight = quality, weight

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds' numbers."""
        return self._fits[0].folds

    def rows(self, number: int) -> Ints:
        """The rows of a fold."""
        return self._fits[0].rows(number)

    def chosen(self) -> tuple[tuple[float, ...], Floats]:
        """Each tier's penalty, and its predictions out of fold (n, K)."""
        penalties, held = np.empty(self._tiers), np.empty_like(self._quality)
        for group, fit in zip(self._alike, self._fits, strict=True):
            penalty, predicted = fit.chosen()
            penalties[group], held[:, group] = penalty, predicted
        return tuple(penalties.tolist()), held

    def least_loss(self) -> float:
        """The squared error out of fold of all tiers, each at the best of a few penalties."""
        return sum(min(fit.losses(_FEW)[0]) for fit in self._fits)

    def solve(self, penalties: Sequence[float], *, without: Sequence[int] = ()) -> Line:
        """The fits on all folds but those of ``without``."""
        weights, intercept = np.empty((self.columns.shape[1], self._tiers)), np.empty(self._tiers)
        for group, fit in zip(self._alike, self._fits, strict=True):
            line = fit.solve(penalties[group[0]], without=without)
            weights[:, group], intercept[group] = line.weights, line.intercept
        return Line(weights, intercept)
