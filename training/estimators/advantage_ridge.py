"""Ridge regression of the advantage of going on over stopping."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from router.errors import InputError
from router.estimators import DenseModel
from router.features import Floats
from training.estimators.reading import read_fit, read_rows
from training.estimators.standard import Standard, fit_standard


class AdvantageRidge(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares on standardised columns with an L2 penalty ``alpha``, for fitted backward induction.

    A missing number (NaN) counts as its column's mean. The intercept is free. With several targets, the advantage
    of each tier that may be asked next, they share the factorisation. Fitted: ``mean_``, ``scale_`` (d,),
    ``coef_`` (d,) or (targets, d) on standardised columns, ``intercept_``.

    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 2.0, 3.0])
    >>> AdvantageRidge(alpha=0.0).fit(X, y).predict([[4.0]]).round(6).tolist()
    [4.0]
    >>> AdvantageRidge(alpha=4.0).fit(X, y).predict([[3.0]]).tolist()  # half way to the mean
    [2.25]
    """

    def __init__(self, *, alpha: float = 20.0) -> None:
        self.alpha = alpha

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to ``X`` (n, d) and ``y`` (n,) or (n, targets); weights count as repetitions.

        Raises:
            InputError: alpha below 0.
        """
        given, y = read_fit(self, X, y, missing="mean", multi_output=True, y_numeric=True)
        if not self.alpha >= 0:
            raise InputError(f"alpha is {self.alpha!r}; give a number of 0 or more")
        if not np.isfinite(np.asarray(y, float)).all():
            raise InputError("y holds NaN or infinity; leave out the rows whose advantage is unknown")
        weight: Floats = _check_sample_weight(
            sample_weight, given, dtype=np.float64, ensure_non_negative=True, allow_all_zero_weights=False
        )
        target = np.asarray(y, float).reshape(len(given), -1)
        standard = fit_standard(given, weight=weight)
        matrix = standard.apply(given)
        # Columns with missing numbers are centred on what is known, and that is not the centre of all rows.
        total = float(weight.sum())
        middle, level = weight @ matrix / total, weight @ target / total
        centred = matrix - middle
        gram = (centred * weight[:, None]).T @ centred + self.alpha * np.eye(given.shape[1])
        moment = (centred * weight[:, None]).T @ (target - level)
        if self.alpha > 0:
            coef = solve(gram, moment, assume_a="pos")
        else:
            coef = np.linalg.lstsq(gram, moment, rcond=None)[0]
        intercept = level - middle @ coef
        single = np.ndim(y) == 1
        self.mean_, self.scale_ = standard.mean, standard.scale
        self.coef_ = coef[:, 0] if single else coef.T
        self.intercept_ = float(intercept[0]) if single else intercept
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Expected advantages (n,), or (n, targets)."""
        given = read_rows(self, X, missing="mean")
        matrix = Standard(self.mean_, self.scale_).apply(given)
        if self.coef_.ndim == 1:
            one: Floats = (matrix * self.coef_).sum(axis=1) + self.intercept_
            return one
        return np.column_stack([(matrix * row).sum(axis=1) for row in self.coef_]) + self.intercept_

    def export(self) -> DenseModel:
        """The same regression as the runtime's arrays: its "logits" are the advantages."""
        check_is_fitted(self)
        return DenseModel(
            mean=self.mean_,
            scale=self.scale_,
            weights=np.atleast_2d(self.coef_).T.copy(),
            intercept=np.atleast_1d(np.asarray(self.intercept_, float)),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
