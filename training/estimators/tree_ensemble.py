"""The rung for thousands of labels: a linear head and boosted trees together."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import check_is_fitted

from router.errors import InputError
from router.estimators import DenseModel, sigmoid
from router.features import Floats
from router.trees import LARGEST, Blend, TreeModel
from training.estimators.bins import MOST, Bins, fit_bins
from training.estimators.folds import Ints, distinct_rows, sums
from training.estimators.labels import need_both, read_binary
from training.estimators.logistic_head import QualityClassifier
from training.estimators.newton import Logistic
from training.estimators.reading import read_fit, read_rows
from training.estimators.soft_rows import soft_rows
from training.estimators.standard import Standard
from training.estimators.threads import one_thread


class TreeEnsemble(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A :class:`QualityClassifier` and shallow gradient-boosted trees, blended on their held-out logits.

    The trees (``max_depth``, ``learning_rate``, at least ``min_samples_leaf`` rows a leaf) are as many, up to
    ``max_trees``, as lose least on the held-out folds, and are then fitted to all rows: nothing is random. The
    blend is ``a * linear + b * trees + c`` with a and b from 0 up, held near 1/2 each by a normal prior; its three
    numbers are fitted on the held-out logits that they blend. A missing number (NaN) is the mean to the linear
    head and has its own way in each tree. ``standard`` is the linear head's.

    Fitted: ``linear_``, ``trees_`` (a :class:`router.trees.TreeModel`), ``n_trees_``, ``blend_`` (3,), and
    ``oof_logits_``, ``folds_`` (n,) as in the linear head. Where nothing can be held out, it is the linear head.

    >>> import numpy as np
    >>> X = np.linspace(-3, 3, 400)[:, None]
    >>> y = (np.abs(X[:, 0]) > 1.5).astype(int)  # no line tells these apart
    >>> TreeEnsemble().fit(X, y).predict([[-2.0], [0.0], [2.0]]).tolist()
    [1, 0, 1]
    """

    def __init__(
        self,
        *,
        max_trees: int = 100,
        max_depth: int = 4,
        learning_rate: float = 0.1,
        min_samples_leaf: int = 20,
        n_folds: int = 5,
        standard: Standard | None = None,
    ) -> None:
        self.max_trees = max_trees
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.min_samples_leaf = min_samples_leaf
        self.n_folds = n_folds
        self.standard = standard

    @one_thread()
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        folds: ArrayLike | None = None,
    ) -> Self:
        """Fit to ``X`` (n, d) and labels ``y`` (n,) of two classes; ``groups`` and ``folds`` as in the linear head.

        Raises:
            InputError: one class only, an option out of range, or lengths that differ.
        """
        matrix, y = read_fit(self, X, y, missing="mean")
        if not (self.max_trees >= 1 and 1 <= self.max_depth <= 16 and self.learning_rate > 0):
            raise InputError("max_trees is 1 or more, max_depth 1 to 16, learning_rate above 0")
        binary = read_binary(y, matrix=matrix, sample_weight=sample_weight)
        need_both(binary)
        head: Any = QualityClassifier(n_folds=self.n_folds, standard=self.standard)
        self.linear_ = head.fit(matrix, binary.target, sample_weight=binary.weight, groups=groups, folds=folds)
        self.classes_ = binary.classes
        self.folds_ = self.linear_.folds_
        self.blend_ = np.array([1.0, 0.0, 0.0])
        self.n_trees_ = 0
        self.trees_ = no_trees()
        self.oof_logits_ = self.linear_.oof_logits_
        (kept,) = np.nonzero(binary.weight > 0)
        if self.folds_.max() < 1:
            return self
        rows = distinct_rows(matrix[kept], groups=self.folds_[kept])
        unique, fold = matrix[kept][rows.first], self.folds_[kept][rows.first]
        weight = sums(rows.inverse, binary.weight[kept])
        target = sums(rows.inverse, binary.weight[kept] * binary.target[kept]) / weight
        bins = fit_bins(unique)
        codes = bins.codes(unique)
        staged = self._staged(codes, target, weight, fold)
        loss = weight @ (np.logaddexp(0.0, staged) - target[:, None] * staged)
        self.n_trees_ = int(np.argmin(loss)) + 1
        held = np.column_stack((self.linear_.oof_logits_[kept][rows.first], staged[:, self.n_trees_ - 1]))
        self.blend_ = _blend(held, target, weight)
        self.trees_ = export_trees(self._boost(codes, target, weight, self.n_trees_), bins=bins)
        self.oof_logits_ = self._logits(matrix)
        self.oof_logits_[kept] = (held @ self.blend_[:2] + self.blend_[2])[rows.inverse]
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Logits (n,) of the second class."""
        return self._logits(read_rows(self, X, missing="mean"))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, 2) in the order of ``classes_``."""
        chance = sigmoid(self.decision_function(X))
        return np.column_stack((1 - chance, chance))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row, (n,)."""
        chosen: NDArray[Any] = (self.decision_function(X) > 0).astype(int)
        out: NDArray[Any] = self.classes_[chosen]
        return out

    def export(self) -> Blend:
        """The same function as the runtime's arrays, one tier wide, the blend's numbers multiplied in."""
        check_is_fitted(self)
        linear, trees = self.linear_.export(), self.trees_
        first, second, shift = self.blend_.tolist()
        return Blend(
            linear=DenseModel(
                mean=linear.mean,
                scale=linear.scale,
                weights=first * linear.weights,
                intercept=first * linear.intercept + shift,
            ),
            trees=TreeModel(
                feature=trees.feature,
                threshold=trees.threshold,
                left=trees.left,
                right=trees.right,
                missing_left=trees.missing_left,
                value=second * trees.value,
                roots=trees.roots,
                head=trees.head,
                intercept=second * trees.intercept,
            ),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def _logits(self, matrix: Floats) -> Floats:
        first, second, shift = self.blend_.tolist()
        linear: Floats = self.linear_.decision_function(matrix)
        boosted: Floats = np.array([self.trees_.logits(row)[0] for row in matrix])
        out: Floats = first * linear + second * boosted + shift
        return out

    def _boost(self, matrix: Floats, target: Floats, weight: Floats, trees: int) -> Any:
        known = np.where(np.isnan(matrix).all(axis=0), 0.0, matrix)  # it cannot bin a column of which nothing is known
        rows = soft_rows(known, target, weight)
        booster = HistGradientBoostingClassifier(
            max_iter=trees,
            max_depth=self.max_depth,
            max_leaf_nodes=None,
            learning_rate=self.learning_rate,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=1.0,
            max_bins=MOST,
            early_stopping=False,
        )
        return booster.fit(rows.X, rows.y, sample_weight=rows.weight)

    def _staged(self, matrix: Floats, target: Floats, weight: Floats, fold: Ints) -> Floats:
        """Held-out logits (m, max_trees) after each tree."""
        out = np.empty((len(matrix), self.max_trees))
        for number in np.unique(fold):
            inside = fold != number
            booster = self._boost(matrix[inside], target[inside], weight[inside], self.max_trees)
            for place, logits in enumerate(booster.staged_decision_function(matrix[~inside])):
                out[~inside, place] = logits
        return out


def no_trees() -> TreeModel:
    """A single leaf of value 0."""
    zero = np.zeros(1, np.uint32)
    return TreeModel(
        feature=zero, threshold=np.zeros(1), left=zero, right=zero, missing_left=np.zeros(1, np.uint8),
        value=np.zeros(1), roots=zero, head=zero, intercept=np.zeros(1),
    )  # fmt: skip


def _blend(held: Floats, target: Floats, weight: Floats) -> Floats:
    """The blend's a, b and c; a member that would count against itself is left out."""
    active = np.array([True, True])
    while True:
        share = active / max(active.sum(), 1)  # none is left where both count against themselves
        design = np.column_stack((held[:, active], np.ones(len(held))))
        problem = Logistic(design, target=target, weight=weight, offset=held @ share)
        penalty = np.append(np.full(int(active.sum()), 4.0), 0.25)  # standard deviations 1/2, and 2 of the shift
        theta = problem.solve(penalty, tolerance=1e-12)
        out = np.append(share, theta[-1])
        out[:2][active] += theta[:-1]
        if (out[:2] >= 0).all() or not active.any():
            return np.append(np.maximum(out[:2], 0.0), out[2])
        active = out[:2] > 0


def export_trees(booster: Any, *, bins: Bins) -> TreeModel:
    """The trees of a booster that was fitted on ``bins.codes(matrix)``, as arrays that read ``matrix``."""
    # scikit-learn has no public way to a booster's trees; a test holds the walk equal to its predictions.
    trees = [stage[0].nodes for stage in booster._predictors]  # noqa: SLF001
    sizes = np.array([len(nodes) for nodes in trees])
    starts = np.cumsum(sizes) - sizes
    joined = np.concatenate(trees)
    here = np.arange(len(joined))
    start = np.repeat(starts, sizes)
    leaf = joined["is_leaf"].astype(bool)
    feature = np.where(leaf, 0, joined["feature_idx"])
    threshold = [
        0.0 if ends else bins.threshold(column, code)
        for ends, column, code in zip(leaf.tolist(), feature.tolist(), joined["num_threshold"].tolist(), strict=True)
    ]
    return TreeModel(
        feature=feature.astype(np.uint32),
        threshold=np.clip(threshold, -LARGEST, LARGEST),
        left=np.where(leaf, here, start + joined["left"]).astype(np.uint32),
        right=np.where(leaf, here, start + joined["right"]).astype(np.uint32),
        missing_left=np.where(leaf, 0, joined["missing_go_to_left"]).astype(np.uint8),
        value=np.where(leaf, joined["value"], 0.0),
        roots=starts.astype(np.uint32),
        head=np.zeros(len(trees), np.uint32),
        intercept=np.asarray(booster._baseline_prediction, float).reshape(1),  # noqa: SLF001
    )
