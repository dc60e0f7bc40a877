"""Fitting the complexity classifier: a logistic head per tier over TF-IDF terms and hand-made features.

Where the prompts are embedded, a second head per tier reads their vectors, and the two heads' logits are averaged: each
has a penalty of its own, which one fit over both could not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from router.assess import prompt_logits
from router.estimators import DenseModel, TextModel, term_keys
from router.features import HAND, Floats, PromptFeatures
from training.heads import Head, Ints, fit_head

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse penalties C that cross-validation chooses from."""

DENSE_PENALTIES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
"""The same for the heads that read embeddings, whose columns are all of one spread."""

SHARE = 0.5
"""The weight of the head that reads embeddings beside the one that reads words."""

MOST_TERMS = 50_000


def _terms(features: PromptFeatures) -> list[int]:
    return cast("list[int]", term_keys(features).tolist())


@dataclass(frozen=True)
class DensePipeline:
    """The scaler and the heads that read embeddings."""

    scaler: StandardScaler
    heads: tuple[Head, ...]

    def logits(self, features: Sequence[PromptFeatures]) -> Floats:
        """One logit per query and tier, (n, K)."""
        matrix = self.scaler.transform(_embeddings(features))
        return np.column_stack([matrix @ head.weights + head.intercept for head in self.heads])

    def export(self, share: float) -> DenseModel:
        """``share`` times the same function as arrays."""
        return DenseModel(
            mean=self.scaler.mean_,
            scale=self.scaler.scale_,
            weights=share * np.column_stack([head.weights for head in self.heads]),
            intercept=share * np.array([head.intercept for head in self.heads]),
        )


@dataclass(frozen=True)
class PromptPipeline:
    """The fitted scikit-learn objects and heads; :meth:`export` makes the runtime's arrays of them. ``dense`` is there
    where the prompts were embedded.
    """

    vectorizer: TfidfVectorizer
    scaler: StandardScaler
    heads: tuple[Head, ...]
    dense: DensePipeline | None = None

    @property
    def share(self) -> float:
        """The weight of the heads that read words."""
        return 1.0 if self.dense is None else 1.0 - SHARE

    def matrix(self, features: Sequence[PromptFeatures]) -> scipy.sparse.csr_matrix:
        """Terms and hand-made features side by side, (n, F + H)."""
        hand = self.scaler.transform(np.array([item.hand for item in features]))
        return scipy.sparse.hstack([self.vectorizer.transform(features), hand], format="csr")

    def logits(self, features: Sequence[PromptFeatures]) -> Floats:
        """One logit per query and tier, (n, K)."""
        matrix = self.matrix(features)
        text: Floats = np.column_stack([matrix @ head.weights + head.intercept for head in self.heads])
        return text if self.dense is None else self.share * text + SHARE * self.dense.logits(features)

    def export(self) -> TextModel:
        """What reads words as arrays, keys in ascending order."""
        vocabulary = self.vectorizer.vocabulary_
        keys = np.array(list(vocabulary), np.uint64)
        columns = np.array(list(vocabulary.values()))
        order = np.argsort(keys)
        columns = columns[order]
        weights = self.share * np.column_stack([head.weights for head in self.heads])
        size = len(columns)
        return TextModel(
            keys=keys[order],
            idf=self.vectorizer.idf_[columns],
            terms=np.ascontiguousarray(weights[columns]),
            mean=self.scaler.mean_,
            scale=self.scaler.scale_,
            hand=np.ascontiguousarray(weights[size:]),
            intercept=self.share * np.array([head.intercept for head in self.heads]),
        )


@dataclass(frozen=True)
class PromptFit:
    """What reads the prompt: the model, and ``dense`` where it reads an embedding too; their out-of-fold logits (n, K),
    and the scikit-learn objects where there are any. ``nested[f]`` (n, K) are out-of-fold logits of which none, fold
    f's own included, come from a fit that saw a label of fold f.
    """

    model: TextModel
    logits: Floats
    nested: Mapping[int, Floats]
    pipeline: PromptPipeline | None
    dense: DenseModel | None = None

    def of(self, features: PromptFeatures) -> Floats:
        """The logits (K,) of a prompt, by the runtime's own arithmetic.

        Raises:
            ValueError: the model reads an embedding, and the features have none.
        """
        return prompt_logits(self.model, self.dense, features)


def fit_prompts(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """Fit one head per tier over the prompts' terms and features.

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``weight`` (n, K); ``fold`` (n,), equal for rows that
    share a prompt. The vocabulary is that of all n prompts, which looks at no label. Embeddings are read where the
    features have them, all or none of them.
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
    nested = _nested(matrix, quality, weight, fold, heads)
    logits = np.column_stack([head.logits for head in heads])
    if features[0].embedding is None:
        pipeline = PromptPipeline(vectorizer, scaler, heads)
        return PromptFit(pipeline.export(), logits, nested, pipeline)
    found = _fit_dense(features, quality, weight=weight, fold=fold)
    pipeline = PromptPipeline(vectorizer, scaler, heads, found.pipeline)
    return PromptFit(
        model=pipeline.export(),
        logits=pipeline.share * logits + SHARE * found.logits,
        nested={number: pipeline.share * held + SHARE * found.nested[number] for number, held in nested.items()},
        pipeline=pipeline,
        dense=found.pipeline.export(SHARE),
    )


@dataclass(frozen=True)
class _DenseFit:
    pipeline: DensePipeline
    logits: Floats
    nested: Mapping[int, Floats]


def _fit_dense(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> _DenseFit:
    """The heads that read embeddings alone."""
    scaler = StandardScaler()
    matrix = scaler.fit_transform(_embeddings(features))
    heads = tuple(
        fit_head(matrix, column, weight=own, fold=fold, penalties=DENSE_PENALTIES)
        for column, own in zip(quality.T, weight.T, strict=True)
    )
    nested = _nested(matrix, quality, weight, fold, heads)
    return _DenseFit(DensePipeline(scaler, heads), np.column_stack([head.logits for head in heads]), nested)


def _embeddings(features: Sequence[PromptFeatures]) -> Floats:
    return np.array([item.embedding for item in features], float)


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
