"""Fitting the complexity classifier: a logistic head per tier over TF-IDF terms and hand-made features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from router.estimators import TextModel, term_keys
from router.features import HAND, Floats, PromptFeatures
from training.heads import Head, Ints, fit_head

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse penalties C that cross-validation chooses from."""

MOST_TERMS = 50_000


def _terms(features: PromptFeatures) -> list[int]:
    return cast("list[int]", term_keys(features).tolist())


@dataclass(frozen=True)
class PromptPipeline:
    """The fitted scikit-learn objects and heads; :meth:`export` makes the runtime's arrays of them."""

    vectorizer: TfidfVectorizer
    scaler: StandardScaler
    heads: tuple[Head, ...]

    def matrix(self, features: Sequence[PromptFeatures]) -> scipy.sparse.csr_matrix:
        """Terms and hand-made features side by side, (n, F + H)."""
        hand = self.scaler.transform(np.array([item.hand for item in features]))
        return scipy.sparse.hstack([self.vectorizer.transform(features), hand], format="csr")

    def logits(self, features: Sequence[PromptFeatures]) -> Floats:
        """One logit per query and tier, (n, K)."""
        matrix = self.matrix(features)
        return np.column_stack([matrix @ head.weights + head.intercept for head in self.heads])

    def export(self) -> TextModel:
        """The same function as arrays, keys in ascending order."""
        vocabulary = self.vectorizer.vocabulary_
        keys = np.array(list(vocabulary), np.uint64)
        columns = np.array(list(vocabulary.values()))
        order = np.argsort(keys)
        columns = columns[order]
        weights = np.column_stack([head.weights for head in self.heads])
        size = len(columns)
        return TextModel(
            keys=keys[order],
            idf=self.vectorizer.idf_[columns],
            terms=np.ascontiguousarray(weights[columns]),
            mean=self.scaler.mean_,
            scale=self.scaler.scale_,
            hand=np.ascontiguousarray(weights[size:]),
            intercept=np.array([head.intercept for head in self.heads]),
        )


@dataclass(frozen=True)
class PromptFit:
    """What reads the prompt: the model, its out-of-fold logits (n, K), and the scikit-learn objects where there are
    any. ``nested[f]`` (n, K) are out-of-fold logits of which none, fold f's own included, come from a fit that saw a
    label of fold f.
    """

    model: TextModel
    logits: Floats
    nested: Mapping[int, Floats]
    pipeline: PromptPipeline | None


def fit_prompts(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """Fit one head per tier over the prompts' terms and features.

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``weight`` (n, K); ``fold`` (n,), equal for rows that
    share a prompt. The vocabulary is that of all n prompts, which looks at no label.
    """
    vectorizer = TfidfVectorizer(analyzer=_terms, sublinear_tf=True, min_df=2, max_features=MOST_TERMS)
    scaler = StandardScaler()
    try:
        terms: Any = vectorizer.fit_transform(features)
    except ValueError:  # no term occurs twice: too few prompts to learn from their words
        return fit_base_rates(features, quality, weight=weight, fold=fold)
    hand = scaler.fit_transform(np.array([item.hand for item in features]))
    matrix = scipy.sparse.hstack([terms, hand], format="csr")
    heads = tuple(
        fit_head(matrix, column, weight=own, fold=fold, penalties=PENALTIES)
        for column, own in zip(quality.T, weight.T, strict=True)
    )
    pipeline = PromptPipeline(vectorizer, scaler, heads)
    nested = _nested(matrix, quality, weight, fold, heads)
    return PromptFit(pipeline.export(), np.column_stack([head.logits for head in heads]), nested, pipeline)


def _nested(matrix: Any, quality: Floats, weight: Floats, fold: Ints, heads: Sequence[Head]) -> dict[int, Floats]:
    """Per fold f, every row's logits from fits without f and without the row's own fold, at the penalties chosen."""
    found = {}
    for number in np.unique(fold).tolist():
        rest = fold != number
        logits = np.column_stack([head.logits for head in heads])  # fold f's own are from fits without f already
        for rank, head in enumerate(heads):
            penalties = (head.penalty or 1.0,)
            inner = fit_head(
                matrix[rest], quality[rest, rank], weight=weight[rest, rank], fold=fold[rest], penalties=penalties
            )
            logits[rest, rank] = inner.logits
        found[number] = logits
    return found


def fit_base_rates(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """The classifier that does not read the prompt: each tier's share of acceptable answers."""
    nothing = np.zeros((len(features), 0))
    heads = [
        fit_head(nothing, column, weight=own, fold=fold, penalties=(1.0,))
        for column, own in zip(quality.T, weight.T, strict=True)
    ]
    tiers, hand = quality.shape[1], len(HAND)
    model = TextModel(
        keys=np.zeros(1, np.uint64),
        idf=np.ones(1),
        terms=np.zeros((1, tiers)),
        mean=np.zeros(hand),
        scale=np.ones(hand),
        hand=np.zeros((hand, tiers)),
        intercept=np.array([head.intercept for head in heads]),
    )
    nested = _nested(nothing, quality, weight, fold, heads)
    return PromptFit(model, np.column_stack([head.logits for head in heads]), nested, None)
