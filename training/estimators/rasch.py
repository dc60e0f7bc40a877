"""A new tier's head from a handful of labels: what the known tiers say, moved by one number."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from router.errors import InputError
from router.estimators import DenseModel, TextModel, sigmoid
from router.features import Floats
from training.estimators.folds import Ints, distinct_rows, grouped_folds, sums
from training.estimators.labels import read_binary
from training.estimators.newton import Logistic
from training.estimators.reading import read_fit, read_rows
from training.estimators.threads import one_thread

Rung = Literal["offset", "slope", "weights"]

RUNGS: tuple[tuple[Rung, int], ...] = (("offset", 0), ("slope", 30), ("weights", 120))
"""What may be fitted, and the labels from which cross-validation may choose it."""

_SHIFT, _SLOPE, _WEIGHT = 1.0, 0.5, 0.5  # standard deviations of the priors around b = 0, slope 1 and weights 1/K


class RaschHead(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """``sigmoid(mean of the known tiers' logits + b)``: a one-parameter item-response head (Rasch 1960).

    Rows are the known tiers' logits (n, K). With more labels the mean gets a slope, then each tier a weight of its
    own; with ``rung="auto"`` cross-validated log-loss takes the richer one only where it is lower by more than a
    standard error. Normal priors hold every rung near the one below it, so that even labels of one kind alone
    (0 or 1) give a finite b. Fitted: ``rung_``, ``coef_`` (K,), ``intercept_``, ``oof_logits_`` and ``folds_``
    (n,) as in :class:`training.estimators.QualityClassifier`.

    >>> import numpy as np
    >>> known = np.array([[0.0, 1.0], [-1.0, 0.0], [2.0, 1.0], [0.0, 0.0]])
    >>> head = RaschHead().fit(known, [1, 1, 1, 0])
    >>> head.rung_, head.coef_.tolist(), bool(head.intercept_ > 0)
    ('offset', [0.5, 0.5], True)
    """

    def __init__(self, *, rung: Literal["auto", "offset", "slope", "weights"] = "auto", n_folds: int = 5) -> None:
        self.rung = rung
        self.n_folds = n_folds

    @one_thread()
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit to known tiers' logits ``X`` (n, K), held out ones, and the new tier's labels ``y`` (n,).

        Raises:
            InputError: one class that is called neither 0 nor 1, or an unknown rung.
        """
        matrix, y = read_fit(self, X, y, missing="refuse")
        names = [name for name, _ in RUNGS]
        if self.rung not in {"auto", *names}:
            raise InputError(f"rung is {self.rung!r}; it is 'auto', 'offset', 'slope' or 'weights'")
        binary = read_binary(y, matrix=matrix, sample_weight=sample_weight)
        if len(binary.classes) < 2:
            raise InputError("every label is of one class that is not called 0 or 1; label more rows")
        (kept,) = np.nonzero(binary.weight > 0)
        rows = distinct_rows(matrix[kept], groups=None if groups is None else np.asarray(groups)[kept])
        weight = sums(rows.inverse, binary.weight[kept])
        target = sums(rows.inverse, (binary.weight * binary.target)[kept]) / weight
        known = matrix[kept][rows.first]
        fold = grouped_folds(rows.group, target=target, weight=weight, folds=self.n_folds)
        if self.rung == "auto":
            wanted = [name for name, least in RUNGS if weight.sum() >= least]
        else:
            wanted = [self.rung]
        chosen, held = _choose(wanted, known, target, weight, fold)
        line = _fit(chosen, known, target, weight)
        self.classes_ = binary.classes
        self.rung_ = chosen
        self.coef_, self.intercept_ = line.weights, line.intercept
        self.oof_logits_ = self._logits(matrix)
        self.oof_logits_[kept] = held[rows.inverse]
        self.folds_ = np.full(len(matrix), -1)
        if fold is not None:
            self.folds_[kept] = fold[rows.inverse]
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Logits (n,) that the new tier's answer is acceptable."""
        return self._logits(read_rows(self, X, missing="refuse"))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, 2) in the order of ``classes_``."""
        chance = sigmoid(self.decision_function(X))
        return np.column_stack((1 - chance, chance))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, (n,)."""
        chosen: NDArray[Any] = (self.decision_function(X) > 0).astype(int)
        out: NDArray[Any] = self.classes_[chosen]
        return out

    def export(self) -> DenseModel:
        """The same head as the runtime's arrays, over the known tiers' logits."""
        check_is_fitted(self)
        size = len(self.coef_)
        return DenseModel(
            mean=np.zeros(size),
            scale=np.ones(size),
            weights=self.coef_[:, None].copy(),
            intercept=np.array([self.intercept_]),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _logits(self, X: Floats) -> Floats:
        out: Floats = (X * self.coef_).sum(axis=1) + self.intercept_
        return out


def graft(model: TextModel, head: RaschHead, *, rank: int) -> TextModel:
    """``model`` with the new tier's head as tier ``rank``: the known logits' weighted sum, plus b.

    It reads what the known tiers' heads read; what reads embeddings beside them stays as it is.

    Raises:
        InputError: the head was fitted on another number of tiers, or the rank is out of reach.
    """
    tiers = len(model.shift)
    if len(head.coef_) != tiers:
        raise InputError(f"the head reads {len(head.coef_)} tiers' logits and the model has {tiers}; refit the head")
    if not 0 <= rank <= tiers:
        raise InputError(f"rank {rank} is no place among {tiers + 1} tiers")
    return replace(
        model,
        mix=np.insert(model.mix, rank, model.mix @ head.coef_, axis=1),
        shift=np.insert(model.shift, rank, model.shift @ head.coef_ + head.intercept_),
    )


@dataclass(frozen=True)
class _Line:
    weights: Floats
    intercept: float


@dataclass(frozen=True)
class _Chosen:
    rung: Rung
    held: Floats

    def __iter__(self) -> Any:
        return iter((self.rung, self.held))


def _choose(wanted: list[Rung], known: Floats, target: Floats, weight: Floats, fold: Ints | None) -> _Chosen:
    """The richest rung that pays, with its held-out logits; the lowest where nothing can be held out."""
    best = _Chosen(wanted[0], np.full(len(known), np.nan))
    if fold is None:
        return best
    best_loss: Floats | None = None
    for rung in wanted:
        held = np.empty(len(known))
        for number in range(int(fold.max()) + 1):
            inside = fold != number
            line = _fit(rung, known[inside], target[inside], weight[inside])
            held[~inside] = known[~inside] @ line.weights + line.intercept
        loss = np.logaddexp(0.0, held) - target * held
        if best_loss is None or _pays(best_loss - loss, weight):
            best, best_loss = _Chosen(rung, held), loss
    return best


def _pays(gain: Floats, weight: Floats) -> bool:
    """Whether the weighted mean of ``gain`` is more than its standard error above 0."""
    total = float(weight.sum())
    mean = float(weight @ gain / total)
    variance = float(weight @ (gain - mean) ** 2 / total)
    return bool(mean > np.sqrt(variance / total))


def _fit(rung: Rung, known: Floats, target: Floats, weight: Floats) -> _Line:
    """The rung's maximum a posteriori line over the known tiers' logits."""
    tiers = known.shape[1]
    mean = known.mean(axis=1)
    ones = np.ones((len(known), 1))
    if rung == "offset":
        extra, spread = np.empty((len(known), 0)), np.empty(0)
    elif rung == "slope":
        extra, spread = mean[:, None], np.array([_SLOPE])
    else:
        extra, spread = known, np.full(tiers, _WEIGHT)
    problem = Logistic(np.hstack((extra, ones)), target=target, weight=weight, offset=mean)
    theta = problem.solve(np.append(spread, _SHIFT) ** -2, tolerance=1e-12)
    step = theta[:-1]
    weights = np.full(tiers, 1 / tiers) + (step if rung == "weights" else step.sum() / tiers)
    return _Line(weights, float(theta[-1]))
