"""Isotonic calibration: any map from logit to probability that never falls."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from router.estimators import Calibration, sigmoid
from router.features import Floats
from training.estimators.labels import need_both, read_binary
from training.estimators.pool import pooled
from training.estimators.reading import read_fit, read_rows


class IsotonicCalibrator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Isotonic regression of the label on the logit (Zadrozny and Elkan 2002), straight between its knots.

    Its ends are kept off 0 and 1 by one pseudo-count of the labels' total weight: nothing is ever certain. Several
    columns are logits of several models, and their mean is calibrated. Fitted: ``x_``, ``y_`` (m,), the knots
    over ``sigmoid(logit)``.

    >>> import numpy as np
    >>> logits, y = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]]), np.array([0, 1, 0, 1, 1])
    >>> IsotonicCalibrator().fit(logits, y).predict_proba([[-0.5]])[0].round(3).tolist()
    [0.5, 0.5]
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to logits ``X`` (n, 1) and labels ``y`` (n,) of two classes; weights count as repetitions.

        Raises:
            InputError: one class only.
        """
        matrix, y = read_fit(self, X, y, missing="refuse")
        binary = read_binary(y, matrix=matrix, sample_weight=sample_weight)
        need_both(binary)
        fitted = IsotonicRegression(out_of_bounds="clip").fit(
            sigmoid(pooled(matrix)), binary.target, sample_weight=binary.weight
        )
        margin = 1 / (float(binary.weight.sum()) + 2)
        self.classes_ = binary.classes
        self.x_: Floats = fitted.X_thresholds_
        self.y_: Floats = np.clip(fitted.y_thresholds_, margin, 1 - margin)
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Calibrated probabilities (n, 2) in the order of ``classes_``."""
        matrix = read_rows(self, X, missing="refuse")
        chance = np.interp(sigmoid(pooled(matrix)), self.x_, self.y_)
        return np.column_stack((1 - chance, chance))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, (n,)."""
        chosen = np.argmax(self.predict_proba(X), axis=1)
        out: NDArray[Any] = self.classes_[chosen]
        return out

    def export(self) -> Calibration:
        """The same map as the runtime's arrays, one tier wide."""
        check_is_fitted(self)
        return Calibration(slope=np.ones(1), shift=np.zeros(1), x=self.x_[None].copy(), y=self.y_[None].copy())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # it keeps the order of the logits, right or wrong
        return tags
