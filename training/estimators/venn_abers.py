"""Venn-Abers calibration: two isotonic fits a probability, and an interval that says how far to trust it."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import isotonic_regression
from sklearn.utils.validation import check_is_fitted

from router.estimators import Calibration, sigmoid
from router.features import Floats
from training.estimators.folds import sums
from training.estimators.labels import need_both, read_binary
from training.estimators.pool import pooled
from training.estimators.reading import read_fit, read_rows

GRID = 200
"""The most scores at which the two fits are made; between them the map is straight."""


@dataclass(frozen=True)
class Bounds:
    """The two probabilities of each row, ``lower`` (n,) and ``upper`` (n,): one of them is valid."""

    lower: Floats
    upper: Floats

    @property
    def width(self) -> Floats:
        """How far they are apart, (n,): wide means that few labels were like this row."""
        return self.upper - self.lower


class VennAbersCalibrator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Inductive Venn-Abers prediction (Vovk, Petej and Fedorova 2015).

    A score s joins the calibration rows once as unacceptable and once as acceptable; isotonic regression gives it
    p0 and p1, one of which is perfectly calibrated where rows are exchangeable. The probability that loses least
    in log-loss whichever it is, is ``p1 / (1 - p0 + p1)``. Both fits are made at up to ``GRID`` scores over
    ``sigmoid(logit)``: ``x_``, ``lower_``, ``upper_`` (m,). A weight counts as repetitions, and the new row as one.
    Several columns are logits of several models, and their mean is calibrated.

    >>> import numpy as np
    >>> logits, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> calibrator = VennAbersCalibrator().fit(logits, y)
    >>> calibrator.predict_proba([[2.0]])[0].round(3).tolist()
    [0.25, 0.75]
    >>> calibrator.bounds([[2.0]]).width.round(3).tolist()
    [0.333]
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to logits ``X`` (n, 1) and labels ``y`` (n,) of two classes.

        Raises:
            InputError: one class only.
        """
        matrix, y = read_fit(self, X, y, missing="refuse")
        binary = read_binary(y, matrix=matrix, sample_weight=sample_weight)
        need_both(binary)
        kept = binary.weight > 0
        score, place = np.unique(sigmoid(pooled(matrix))[kept], return_inverse=True)
        weight = sums(place, binary.weight[kept])
        target = sums(place, (binary.weight * binary.target)[kept]) / weight
        grid = np.unique(np.linspace(0, len(score) - 1, min(GRID, len(score))).round().astype(int))
        both = [[_with(target, weight, at, label) for at in grid.tolist()] for label in (0.0, 1.0)]
        self.classes_ = binary.classes
        self.x_: Floats = score[grid]
        self.lower_, self.upper_ = np.array(both[0]), np.array(both[1])
        return self

    def bounds(self, X: ArrayLike) -> Bounds:
        """The two probabilities of the second class for each row."""
        score = sigmoid(pooled(read_rows(self, X, missing="refuse")))
        return Bounds(np.interp(score, self.x_, self.lower_), np.interp(score, self.x_, self.upper_))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Calibrated probabilities (n, 2) in the order of ``classes_``."""
        score = sigmoid(pooled(read_rows(self, X, missing="refuse")))
        chance = np.interp(score, self.x_, self._merged())
        return np.column_stack((1 - chance, chance))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, (n,)."""
        chosen = np.argmax(self.predict_proba(X), axis=1)
        out: NDArray[Any] = self.classes_[chosen]
        return out

    def export(self) -> Calibration:
        """The same map as the runtime's arrays, one tier wide."""
        check_is_fitted(self)
        return Calibration(slope=np.ones(1), shift=np.zeros(1), x=self.x_[None].copy(), y=self._merged()[None])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # it keeps the order of the logits, right or wrong
        return tags

    def _merged(self) -> Floats:
        out: Floats = self.upper_ / (1 - self.lower_ + self.upper_)
        return out


def _with(target: Floats, weight: Floats, at: int, label: float) -> float:
    """The isotonic value at place ``at`` once a row of this ``label`` has joined there."""
    joined, heavier = target.copy(), weight.copy()
    heavier[at] += 1
    joined[at] = (target[at] * weight[at] + label) / heavier[at]
    return float(isotonic_regression(joined, sample_weight=heavier)[at])
