"""Fitting the complexity classifier: kernel heads over prompts, and trees beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sklearn.decomposition import PCA

from router.assess import prompt_logits
from router.estimators import EmbeddingModel, TextModel, logit
from router.features import HAND, Floats, PromptFeatures
from router.trees import TreeModel
from training.heads import Ints
from training.kernel_heads import Heads, Whitening, fit_heads, whitening_of
from training.prompt_forest import PromptForest, fit_prompt_forest
from training.prompt_kernel import PromptKernel, choose_kernel, embeddings, hands

DIRECTIONS = 30
"""Principal directions of embeddings that trees read."""

_BLOCK = 2000  # prompts whose kernel is held at once, beside the columns of all


@dataclass(frozen=True)
class Directions:
    """Principal ``directions`` (D, P) of the prompts' embeddings, and their ``middle`` (P,)."""

    directions: Floats
    middle: Floats

    @classmethod
    def of(cls, vectors: Floats) -> Directions:
        """Up to :data:`DIRECTIONS` of them, from embeddings ``vectors`` (n, D)."""
        count = min(DIRECTIONS, *vectors.shape)
        found = PCA(count, svd_solver="covariance_eigh").fit(vectors)
        directions = np.ascontiguousarray(found.components_.T)
        return cls(directions, vectors.mean(axis=0) @ directions)


@dataclass(frozen=True)
class PromptPipeline:
    """The kernel, the heads over its landmarks and the trees beside them: what the runtime's arrays agree with."""

    kernel: PromptKernel
    weights: Floats
    intercept: Floats
    directions: Directions | None
    forest: PromptForest | None

    def logits(self, features: Sequence[PromptFeatures]) -> Floats:
        """One logit per query and tier, (n, K)."""
        values = self.kernel(features) @ self.weights + self.intercept
        if self.forest is not None:
            values += self.forest.predict(tree_rows(self.kernel, self.directions, features))
        return logit(values)


def tree_rows(kernel: PromptKernel, directions: Directions | None, features: Sequence[PromptFeatures]) -> Floats:
    """What trees read of prompts, (n, D): hand-made features, topics, and embeddings along their directions."""
    parts = [hands(features), kernel.topics_of(kernel.vectorizer.transform(features))]
    return np.hstack(parts if directions is None else [*parts, embeddings(features) @ directions.directions])


@dataclass(frozen=True)
class PromptFit:
    """What reads the prompt: the model, ``dense`` where it reads an embedding too, ``trees`` where they add to it;
    their out-of-fold logits (n, K), and the scikit-learn objects where there are any.
    """

    model: TextModel
    logits: Floats
    heads: Heads
    pipeline: PromptPipeline | None
    dense: EmbeddingModel | None = None
    trees: TreeModel | None = None

    @cached_property
    def nested(self) -> Mapping[int, Floats]:
        """Per fold f, out-of-fold logits (n, K) of which none, fold f's own included, come from a fit that saw a label
        of fold f: no coefficient and no tree, that is; of the penalties see
        :meth:`training.kernel_heads.Heads.nested`, and of what the trees count the same holds.
        """
        found = self.heads.nested()
        forest = None if self.pipeline is None else self.pipeline.forest
        if forest is None:
            return {number: logit(values) for number, values in found.items()}
        grown = forest.nested()
        return {number: logit(forest.mix(values, grown[number])) for number, values in found.items()}

    def of(self, features: PromptFeatures) -> Floats:
        """The logits (K,) of a prompt, by the runtime's own arithmetic.

        Raises:
            ValueError: the model reads an embedding, and the features have none.
        """
        return prompt_logits(features, text=self.model, dense=self.dense, trees=self.trees)


def fit_prompts(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """Fit each tier's head and the gains between tiers on the prompts, and trees beside them.

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``weight`` (n, K); ``fold`` (n,), equal for rows that
    share a prompt. Embeddings are read where the features have them, all or none of them.
    """
    fitted = fit_kernel(features, quality, weight=weight, fold=fold)
    if fitted.pipeline is None:
        return fitted
    heads, pipeline, dense = fitted.heads, fitted.pipeline, fitted.dense
    rows = tree_rows(pipeline.kernel, pipeline.directions, features)
    forest = fit_prompt_forest(rows, quality, weight=weight, fold=fold, beside=heads.held_out)
    if forest is None:
        return fitted
    left = forest.mix.kernel_part
    weights, intercept = left(pipeline.weights), left(pipeline.intercept)
    return PromptFit(
        model=pipeline.kernel.export(weights, intercept),
        logits=logit(forest.mix(heads.held_out, forest.held_out)),
        heads=heads,
        pipeline=replace(pipeline, weights=weights, intercept=intercept, forest=forest),
        dense=None if dense is None else replace(dense, weights=left(dense.weights), absent=left(dense.absent)),
        trees=forest.export(),
    )


def fit_kernel(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """:func:`fit_prompts` without the trees."""
    kernel = choose_kernel(features, quality, weight=weight, fold=fold)
    if kernel is None:  # no term occurs twice: too few prompts to learn from their words
        return fit_base_rates(features, quality, weight=weight, fold=fold)
    whitening = whitening_of(kernel(kernel.landmarks))
    columns, near = _columns(kernel, whitening, features)
    heads = fit_heads(columns, quality, weight=weight, fold=fold)
    weights, intercept = whitening.over_landmarks(heads.line.weights), heads.line.intercept
    directions = None if near is None else Directions.of(embeddings(features))
    return PromptFit(
        model=kernel.export(weights, intercept),
        logits=logit(heads.held_out),
        heads=heads,
        pipeline=PromptPipeline(kernel, weights, intercept, directions, None),
        dense=None if near is None or directions is None else _dense(kernel, weights, near, directions),
    )


def _columns(
    kernel: PromptKernel, whitening: Whitening, features: Sequence[PromptFeatures]
) -> tuple[Floats, Floats | None]:
    """The columns (n, L), and the embeddings' part of the kernel averaged over the prompts (L,) where there is one.

    Block by block: the kernel and its parts, each as large as the columns, are never held whole.
    """
    found = np.empty((len(features), len(kernel.landmarks)))
    near = None if kernel.embedding_rate is None else np.zeros(len(kernel.landmarks))
    for start in range(0, len(features), _BLOCK):
        block = features[start : start + _BLOCK]
        part = kernel.of_texts(block)
        if near is not None:
            embedded = kernel.of_embeddings(block)
            near += embedded.sum(axis=0) / len(features)
            part += embedded
        found[start : start + _BLOCK] = whitening.columns(part)
    return found, near


def _dense(kernel: PromptKernel, weights: Floats, near: Floats, directions: Directions) -> EmbeddingModel:
    """``near`` (L,) is the embeddings' part of the kernel, averaged over the prompts."""
    assert kernel.embedding_rate is not None
    return EmbeddingModel(
        landmarks=embeddings(kernel.landmarks),
        rate=np.array([kernel.embedding_rate]),
        weights=kernel.embedding_weight * weights,
        absent=near @ weights,
        directions=directions.directions,
        middle=directions.middle,
    )


def fit_base_rates(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """The classifier that does not read the prompt: each tier's mean quality."""
    heads = fit_heads(np.zeros((len(features), 1)), quality, weight=weight, fold=fold)
    tiers, hand = quality.shape[1], len(HAND)
    model = TextModel(
        keys=np.zeros(1, np.uint64),
        idf=np.ones(1),
        terms=np.zeros((1, tiers)),
        topics=np.zeros((1, 1)),
        mean=np.zeros(hand),
        scale=np.ones(hand),
        landmarks=np.zeros((1, hand)),
        rate=np.ones(1),
        places=np.zeros((1, 1)),
        topic_rate=np.ones(1),
        topic_weight=np.zeros(1),
        weights=np.zeros((1, tiers)),
        intercept=heads.line.intercept,
        mix=np.eye(tiers),
        shift=np.zeros(tiers),
    )
    return PromptFit(model, logit(heads.held_out), heads, None)
