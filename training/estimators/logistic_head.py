"""Logistic regression of "is this answer acceptable" on numbers some of which are missing."""

# ruff: noqa: N803, N806 - X is scikit-learn's name
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from router.errors import InputError
from router.estimators import DenseModel, sigmoid
from router.features import Floats
from training.estimators.folds import Ints, distinct_rows, grouped_folds, sums
from training.estimators.labels import need_both, read_binary
from training.estimators.newton import Logistic
from training.estimators.reading import read_fit, read_rows
from training.estimators.standard import Standard, fit_standard
from training.estimators.threads import one_thread

PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Inverse penalties that suit standardised columns, a hundred of them or so."""


class QualityClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """L2-penalised logistic regression on standardised columns, its penalty chosen by cross-validation.

    A missing number (NaN) counts as its column's mean, never as zero. ``Cs`` are the inverse penalties to choose
    from, in scikit-learn's sense; ``n_folds`` how many folds, stratified, and grouped by ``groups`` or else by the
    rows' content, so that a repeated row never stands on both sides. ``scoring`` is the held-out loss, ``selection``
    takes its minimum or the strongest penalty within one standard error of it (Breiman et al. 1984).
    ``standard`` fixes the columns' means and scales, so that several heads share them.

    Fitted: ``coef_`` (d,) on standardised columns, ``intercept_``, ``mean_`` and ``scale_`` (d,), ``C_``,
    ``losses_`` (len(Cs),) held out, ``folds_`` (n,), and ``oof_logits_`` (n,), each row's logit by the model of
    the other folds. Where a class is too rare for two folds the strongest penalty is taken, and ``oof_logits_``
    and ``losses_`` are NaN. A row of weight 0 is in no fold (-1): its logit is the final model's.

    >>> import numpy as np
    >>> X = np.array([[-2.0], [-1.0], [np.nan], [1.0], [2.0], [-1.5], [1.5], [0.5]])
    >>> y = np.array([0, 0, 1, 1, 1, 0, 1, 0])
    >>> head = QualityClassifier(Cs=(0.1, 1.0), n_folds=3).fit(X, y)
    >>> head.predict([[-3.0], [3.0]]).tolist()
    [0, 1]
    >>> bool(np.isclose(head.decision_function([[np.nan]])[0], head.intercept_))
    True
    """

    def __init__(
        self,
        *,
        Cs: Sequence[float] = PENALTIES,
        n_folds: int = 5,
        scoring: Literal["log_loss", "brier"] = "log_loss",
        selection: Literal["min", "one_standard_error"] = "min",
        standard: Standard | None = None,
        tol: float = 1e-11,
    ) -> None:
        self.Cs = Cs
        self.n_folds = n_folds
        self.scoring = scoring
        self.selection = selection
        self.standard = standard
        self.tol = tol

    @one_thread()
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        folds: ArrayLike | None = None,
    ) -> Self:
        """Fit to ``X`` (n, d) and labels ``y`` (n,) of two classes; weights may be any numbers from 0.

        ``groups`` (n,) are kept together in a fold; ``folds`` (n,), numbers from 0, are taken as they are instead,
        so that stages that read each other's held-out logits can share them.

        Raises:
            InputError: one class only, an unknown option, or lengths that differ.
        """
        matrix, y = read_fit(self, X, y, missing="mean")
        self._check_options()
        binary = read_binary(y, matrix=matrix, sample_weight=sample_weight)
        need_both(binary)
        for name, given in (("groups", groups), ("folds", folds)):
            if given is not None and len(np.asarray(given)) != len(matrix):
                raise InputError(f"{len(np.asarray(given))} {name} for {len(matrix)} rows; give one per row")
        (kept,) = np.nonzero(binary.weight > 0)
        together = folds if folds is not None else groups
        rows = distinct_rows(matrix[kept], groups=None if together is None else np.asarray(together)[kept])
        weight = sums(rows.inverse, binary.weight[kept])
        target = sums(rows.inverse, binary.weight[kept] * binary.target[kept]) / weight
        unique = matrix[kept][rows.first]
        standard = self.standard or fit_standard(unique, weight=weight)
        design, back = _narrow(standard.apply(unique))
        if folds is None:
            fold = grouped_folds(rows.group, target=target, weight=weight, folds=self.n_folds)
        else:
            fold = np.unique(np.asarray(folds)[kept][rows.first], return_inverse=True)[1]
            fold = fold if _learnable(fold, target, weight) else None
        Cs = np.sort(np.asarray(self.Cs, float))
        path = np.full((len(unique), len(Cs)), np.nan)
        best = 0
        self.losses_ = np.full(len(Cs), np.nan)
        if fold is not None:
            path = _held_out(design, target, weight, fold, Cs)
            best = self._choose(path, target, weight, fold)
        self.C_ = float(Cs[best])
        problem = Logistic(_with_ones(design), target=target, weight=weight)
        theta = problem.solve(_penalty(design, self.C_), tolerance=self.tol)
        self.classes_ = binary.classes
        self.mean_, self.scale_ = standard.mean, standard.scale
        self.coef_ = back @ theta[:-1] if back is not None else theta[:-1].copy()
        self.intercept_ = float(theta[-1])
        self.oof_logits_ = self._logits(matrix)
        self.oof_logits_[kept] = path[rows.inverse, best]
        self.folds_ = np.full(len(matrix), -1)
        if fold is not None:
            self.folds_[kept] = fold[rows.inverse]
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Logits (n,) of the second class."""
        return self._logits(read_rows(self, X, missing="mean"))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, 2) in the order of ``classes_``; not calibrated beyond what the loss does."""
        chance = sigmoid(self.decision_function(X))
        return np.column_stack((1 - chance, chance))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, (n,)."""
        chosen: NDArray[Any] = (self.decision_function(X) > 0).astype(int)
        out: NDArray[Any] = self.classes_[chosen]
        return out

    def export(self) -> DenseModel:
        """The same head as the runtime's arrays, one tier wide."""
        check_is_fitted(self)
        return DenseModel(
            mean=self.mean_,
            scale=self.scale_,
            weights=self.coef_[:, None].copy(),
            intercept=np.array([self.intercept_]),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def _logits(self, X: Floats) -> Floats:
        # Row by row, so that a row's logit does not depend on what stands beside it: BLAS rounds by block.
        out: Floats = (Standard(self.mean_, self.scale_).apply(X) * self.coef_).sum(axis=1) + self.intercept_
        return out

    def _choose(self, path: Floats, target: Floats, weight: Floats, fold: Ints) -> int:
        """Note the losses, and give the place of the chosen penalty in ascending ``Cs``."""
        if self.scoring == "log_loss":
            loss = np.logaddexp(0.0, path) - target[:, None] * path
        else:
            chance = sigmoid(path)
            loss = target[:, None] * (1 - chance) ** 2 + (1 - target[:, None]) * chance**2
        self.losses_ = weight @ loss / weight.sum()
        best = int(np.argmin(self.losses_))
        if self.selection == "min":
            return best
        mass = sums(fold, weight)
        each = np.array([sums(fold, weight * column) / mass for column in loss.T])
        error = float(each[best].std(ddof=1) / np.sqrt(len(mass)))
        return int(np.argmax(self.losses_ <= self.losses_[best] + error))

    def _check_options(self) -> None:
        if self.scoring not in {"log_loss", "brier"}:
            raise InputError(f"scoring is {self.scoring!r}; it is 'log_loss' or 'brier'")
        if self.selection not in {"min", "one_standard_error"}:
            raise InputError(f"selection is {self.selection!r}; it is 'min' or 'one_standard_error'")
        if not len(self.Cs) or not all(value > 0 for value in self.Cs):
            raise InputError(f"Cs is {self.Cs!r}; give one or more numbers above 0")


def stack_heads(heads: Sequence[DenseModel]) -> DenseModel:
    """Several tiers' heads as one model of as many outputs.

    Raises:
        InputError: they are not on the same means and scales; fit them with one ``standard``.
    """
    first = heads[0]
    if any(not np.array_equal(first.mean, head.mean) or not np.array_equal(first.scale, head.scale) for head in heads):
        raise InputError("the heads stand on different means or scales; fit them with the same `standard`")
    return DenseModel(
        mean=first.mean,
        scale=first.scale,
        weights=np.column_stack([head.weights for head in heads]),
        intercept=np.concatenate([head.intercept for head in heads]),
    )


def _narrow(matrix: Floats) -> tuple[Floats, Floats | None]:
    """The design (m, p) turned so that it has no more columns than rows, and the turn back (d, p).

    An L2 penalty does not change under rotation, and the minimiser lies in the span of the rows, so nothing is
    lost; with 30 labels and 170 columns it is the difference between a 30- and a 170-wide Hessian.
    """
    if matrix.shape[1] <= matrix.shape[0]:
        return matrix, None
    left, size, right = np.linalg.svd(matrix, full_matrices=False)
    return left * size, right.T


def _with_ones(design: Floats) -> Floats:
    return np.column_stack((design, np.ones(len(design))))


def _penalty(design: Floats, C: float) -> Floats:
    out = np.full(design.shape[1] + 1, 1 / C)
    out[-1] = 0.0  # the intercept is free
    return out


def _held_out(design: Floats, target: Floats, weight: Floats, fold: Ints, Cs: Floats) -> Floats:
    """Logits (m, len(Cs)), each row's by the model of the other folds."""
    path = np.empty((len(design), len(Cs)))
    full = _with_ones(design)
    for number in range(int(fold.max()) + 1):
        inside = fold != number
        problem = Logistic(full[inside], target=target[inside], weight=weight[inside])
        for place, C in enumerate(Cs):  # from strong to weak: each starts where the last one stopped
            theta = problem.solve(_penalty(design, float(C)), tolerance=_ROUGH)
            path[~inside, place] = full[~inside] @ theta
    return path


_ROUGH = 1e-6
"""Held-out logits need not be exact beyond what their sampling error makes of them."""


def _learnable(fold: Ints, target: Floats, weight: Floats) -> bool:
    """Whether there are two folds or more, and the complement of each holds both classes."""
    good, bad = sums(fold, weight * target), sums(fold, weight * (1 - target))
    return len(good) > 1 and bool((good.sum() - good > 0).all() and (bad.sum() - bad > 0).all())
