"""Platt scaling: two numbers between a logit and a probability that can be trusted."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from router.estimators import Calibration, sigmoid
from router.features import Floats
from training.estimators.labels import need_both, read_binary
from training.estimators.newton import Logistic
from training.estimators.pool import pooled
from training.estimators.reading import read_fit, read_rows


class PlattCalibrator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """``sigmoid(slope * logit + shift)``, fitted by maximum likelihood to smoothed targets (Platt 1999).

    The targets are (N+ + 1)/(N+ + 2) and 1/(N- + 2), so that a few labels that happen to be separable do not make
    it certain. The slope is never negative: calibration changes how sure one is, not the order. Several columns
    are logits of several models, and their mean is calibrated.

    >>> import numpy as np
    >>> logits, y = np.array([[-4.0], [-3.0], [-2.0], [2.0], [3.0], [4.0]]), np.array([0, 0, 1, 0, 1, 1])
    >>> calibrator = PlattCalibrator().fit(logits, y)
    >>> bool(calibrator.predict_proba([[4.0]])[0, 1] < 1 / (1 + np.exp(-4.0)))  # it was too sure of itself
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to logits ``X`` (n, 1) and labels ``y`` (n,) of two classes; weights count as repetitions.

        Raises:
            InputError: one class only.
        """
        matrix, y = read_fit(self, X, y, missing="refuse")
        binary = read_binary(y, matrix=matrix, sample_weight=sample_weight)
        need_both(binary)
        logit, weight = pooled(matrix), binary.weight
        good = float(weight @ binary.target)
        bad = float(weight.sum()) - good
        target = np.where(binary.target == 1, (good + 1) / (good + 2), 1 / (bad + 2))
        centre = float(weight @ logit / weight.sum())
        spread = float(np.sqrt(weight @ (logit - centre) ** 2 / weight.sum()))
        slope = 0.0
        base = float(weight @ target / weight.sum())
        shift = float(np.log(base / (1 - base)))
        if spread > 1e-9 * max(abs(centre), 1.0):
            design = np.column_stack(((logit - centre) / spread, np.ones(len(logit))))
            problem = Logistic(design, target=target, weight=weight)
            steep, level = problem.solve(np.zeros(2), tolerance=1e-12).tolist()
            if steep > 0:
                slope, shift = steep / spread, level - steep / spread * centre
        self.classes_ = binary.classes
        self.slope_, self.shift_ = slope, shift
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Calibrated probabilities (n, 2) in the order of ``classes_``."""
        matrix = read_rows(self, X, missing="refuse")
        chance = sigmoid(self.slope_ * pooled(matrix) + self.shift_)
        return np.column_stack((1 - chance, chance))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, (n,)."""
        chosen = np.argmax(self.predict_proba(X), axis=1)
        out: NDArray[Any] = self.classes_[chosen]
        return out

    def export(self) -> Calibration:
        """The same map as the runtime's arrays, one tier wide."""
        check_is_fitted(self)
        line = np.array([[0.0, 1.0]])
        return Calibration(slope=np.array([self.slope_]), shift=np.array([self.shift_]), x=line, y=line.copy())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # it keeps the order of the logits, right or wrong
        return tags
