"""Fitting the complexity classifier: a logistic head per tier over TF-IDF terms and hand-made features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from router.errors import InputError
from router.estimators import TextModel, term_keys
from router.features import Floats, PromptFeatures

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse penalties C that cross-validation chooses from."""

FOLDS = 5

ACCEPTABLE = 0.5
"""The quality from which an answer counts as acceptable."""


def _terms(features: PromptFeatures) -> list[int]:
    return cast("list[int]", term_keys(features).tolist())


@dataclass(frozen=True)
class PromptPipeline:
    """The fitted scikit-learn objects; :meth:`export` makes the runtime's arrays of them."""

    vectorizer: TfidfVectorizer
    scaler: StandardScaler
    heads: tuple[Any, ...]

    def matrix(self, features: Sequence[PromptFeatures]) -> scipy.sparse.csr_matrix:
        """Terms and hand-made features side by side, (n, F + H)."""
        hand = self.scaler.transform(np.array([item.hand for item in features]))
        return scipy.sparse.hstack([self.vectorizer.transform(features), hand], format="csr")

    def logits(self, features: Sequence[PromptFeatures]) -> Floats:
        """One logit per query and tier, (n, K)."""
        matrix = self.matrix(features)
        return np.column_stack([head.decision_function(matrix) for head in self.heads])

    def export(self) -> TextModel:
        """The same function as arrays, keys in ascending order."""
        vocabulary = self.vectorizer.vocabulary_
        keys = np.array(list(vocabulary), np.uint64)
        columns = np.array(list(vocabulary.values()))
        order = np.argsort(keys)
        columns = columns[order]
        weights = np.column_stack([head.coef_[0] for head in self.heads])
        size = len(columns)
        return TextModel(
            keys=keys[order],
            idf=self.vectorizer.idf_[columns],
            terms=np.ascontiguousarray(weights[columns]),
            mean=self.scaler.mean_,
            scale=self.scaler.scale_,
            hand=np.ascontiguousarray(weights[size:]),
            intercept=np.array([head.intercept_[0] for head in self.heads]),
        )


def fit_prompts(
    features: Sequence[PromptFeatures], labels: Floats, *, groups: Sequence[str]
) -> tuple[PromptPipeline, Floats]:
    """Fit one head per tier, and give the out-of-fold logits (n, K) that the confidence scorer is fitted on.

    ``labels`` (n, K) are qualities in [0, 1]; an answer is acceptable from :data:`ACCEPTABLE` up. Each head's
    penalty is chosen by grouped cross-validation on log-loss; rows that share a group share a fold.
    """
    vectorizer = TfidfVectorizer(analyzer=_terms, sublinear_tf=True, min_df=2, max_features=50_000)
    scaler = StandardScaler()
    terms = vectorizer.fit_transform(features)
    hand = scaler.fit_transform(np.array([item.hand for item in features]))
    matrix = scipy.sparse.hstack([terms, hand], format="csr")
    heads, held_out = [], []
    for column in labels.T:
        head, logits = fit_logistic(matrix, column, groups=groups)
        heads.append(head)
        held_out.append(logits)
    return PromptPipeline(vectorizer, scaler, tuple(heads)), np.column_stack(held_out)


def fit_logistic(
    matrix: Any, quality: Floats, *, groups: Sequence[str], penalties: Sequence[float] = PENALTIES
) -> tuple[Any, Floats]:
    """A logistic regression whose penalty is chosen by grouped cross-validation; and its out-of-fold logits."""
    target = (quality >= ACCEPTABLE).astype(int)
    folds = _folds(matrix, target, groups)
    best: tuple[float, float, Floats] | None = None
    for penalty in penalties:
        model = LogisticRegression(C=penalty, max_iter=2000)
        logits = cross_val_predict(model, matrix, target, cv=folds, method="decision_function")
        loss = float(np.mean(np.logaddexp(0, np.where(target == 1, -logits, logits))))
        if best is None or loss < best[0]:
            best = (loss, penalty, logits)
    assert best is not None
    model = LogisticRegression(C=best[1], max_iter=2000).fit(matrix, target)
    return model, best[2]


def _folds(matrix: Any, target: Floats, groups: Sequence[str]) -> list[Any]:
    """Folds that share no group, each with both classes to learn from.

    Raises:
        InputError: one class is missing, or too rare for that.
    """
    rarest = min(len({group for group, found in zip(groups, target, strict=True) if found == kind}) for kind in (0, 1))
    if rarest == 0:
        kind = "acceptable" if target[0] else "unacceptable"
        raise InputError(f"every label is {kind}: there is nothing to learn from one class")
    if rarest < FOLDS:
        kind = "acceptable" if target.mean() < ACCEPTABLE else "unacceptable"
        raise InputError(f"a tier has an {kind} answer to only {rarest} prompts; label at least {FOLDS} of them")
    return list(StratifiedGroupKFold(FOLDS).split(matrix, target, groups))
