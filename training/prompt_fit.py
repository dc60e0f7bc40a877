"""Fitting the complexity classifier: kernel heads over TF-IDF terms, hand-made features and, where there are any,
embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from router.assess import prompt_logits
from router.estimators import EmbeddingModel, TextModel, logit, standard_hand
from router.features import FORM, HAND, Floats, PromptFeatures
from training.heads import Ints
from training.kernel_heads import LANDMARKS, Heads, Whitening, fit_heads, kernel_error, whitening_of
from training.prompt_terms import term_weights

_MEASURED = 1000  # prompts that the median distance is taken from

_COMPARED, _COMPARED_AT = 2000, 500  # prompts and landmarks that kernels are compared on: so few choices need no more

_UNREAD = 1e9
"""The scale of a hand-made feature that the kernel does not read: over it, all prompts are alike."""

_EMBEDDING_WEIGHTS = (0.3, 1.0)
"""Weights of the embeddings' part beside the other two's 1. The lighter won on questions like those that were labelled,
the heavier where there are few labels or other topics; cross-validation says which it is."""

_BLOCK = 2000  # prompts whose kernel is held at once, beside the columns of all


@dataclass(frozen=True)
class PromptKernel:
    """The kernel between prompts as scikit-learn and scipy reckon it; :meth:`export` makes the runtime's arrays.

    ``mean`` and ``scale`` (H,) standardise the hand-made features, ``landmarks`` are the prompts that the kernel is
    read at, ``hand_rate`` and ``embedding_rate`` its two scales: one over the median distance of hand-made features,
    one over the median squared distance of embeddings, None without any; ``embedding_weight`` is what these count.
    """

    vectorizer: TfidfVectorizer
    mean: Floats
    scale: Floats
    landmarks: tuple[PromptFeatures, ...]
    hand_rate: float
    embedding_rate: float | None
    embedding_weight: float

    def __call__(self, features: Sequence[PromptFeatures]) -> Floats:
        """The kernel (n, L) of ``features`` with each landmark."""
        found = self.of_texts(features)
        return found if self.embedding_rate is None else found + self.of_embeddings(features)

    def of_texts(self, features: Sequence[PromptFeatures]) -> Floats:
        """The part of the kernel that reads terms and hand-made features, (n, L)."""
        return self.of_terms(features) + self.of_hand(features)

    def of_terms(self, features: Sequence[PromptFeatures]) -> Floats:
        """The part that reads terms alone, (n, L)."""
        found: Floats = (self.vectorizer.transform(features) @ self._landmark_terms.T).toarray()
        return found

    def of_hand(self, features: Sequence[PromptFeatures]) -> Floats:
        """The part that reads hand-made features alone, (n, L)."""
        found: Floats = np.exp(-self.hand_rate * cdist(self._hand(features), self._hand(self.landmarks)))
        return found

    def of_embeddings(self, features: Sequence[PromptFeatures]) -> Floats:
        """The part of the kernel that reads embeddings, (n, L)."""
        assert self.embedding_rate is not None
        found: Floats = self.embedding_weight * np.exp(
            -self.embedding_rate * cdist(_embeddings(features), _embeddings(self.landmarks), "sqeuclidean")
        )
        return found

    def export(self, weights: Floats, intercept: Floats) -> TextModel:
        """The heads of ``weights`` (L, K) over the landmarks as the runtime's arrays, keys in ascending order."""
        vocabulary = self.vectorizer.vocabulary_
        keys = np.array(list(vocabulary), np.uint64)
        columns = np.array(list(vocabulary.values()))
        order = np.argsort(keys)
        columns = columns[order]
        terms = self._landmark_terms.T @ weights
        tiers = len(intercept)
        return TextModel(
            keys=keys[order],
            idf=self.vectorizer.idf_[columns],
            terms=np.ascontiguousarray(terms[columns]),
            mean=self.mean,
            scale=self.scale,
            landmarks=self._hand(self.landmarks),
            rate=np.array([self.hand_rate]),
            weights=weights,
            intercept=intercept,
            mix=np.eye(tiers),
            shift=np.zeros(tiers),
        )

    @cached_property
    def _landmark_terms(self) -> Any:
        return self.vectorizer.transform(self.landmarks)

    def _hand(self, features: Sequence[PromptFeatures]) -> Floats:
        return standard_hand(_hands(features), self.mean, self.scale)


@dataclass(frozen=True)
class PromptPipeline:
    """The kernel and the heads over its landmarks: what the runtime's arrays are to agree with."""

    kernel: PromptKernel
    weights: Floats
    intercept: Floats

    def logits(self, features: Sequence[PromptFeatures]) -> Floats:
        """One logit per query and tier, (n, K)."""
        return logit(self.kernel(features) @ self.weights + self.intercept)


@dataclass(frozen=True)
class PromptFit:
    """What reads the prompt: the model, and ``dense`` where it reads an embedding too; their out-of-fold logits (n, K),
    and the scikit-learn objects where there are any.
    """

    model: TextModel
    logits: Floats
    heads: Heads
    pipeline: PromptPipeline | None
    dense: EmbeddingModel | None = None

    @cached_property
    def nested(self) -> Mapping[int, Floats]:
        """Per fold f, out-of-fold logits (n, K) of which none, fold f's own included, come from a fit that saw a label
        of fold f: no coefficient, that is; of the penalties see :meth:`training.kernel_heads.Heads.nested`.
        """
        return {number: logit(values) for number, values in self.heads.nested().items()}

    def of(self, features: PromptFeatures) -> Floats:
        """The logits (K,) of a prompt, by the runtime's own arithmetic.

        Raises:
            ValueError: the model reads an embedding, and the features have none.
        """
        return prompt_logits(self.model, self.dense, features)


def fit_prompts(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """Fit each tier's head and the gains between tiers on the prompts.

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``weight`` (n, K); ``fold`` (n,), equal for rows that
    share a prompt. The vocabulary, the landmarks and the scales are of all n prompts, which look at no label. Whether
    the figures (:data:`router.features.FIGURES`) are read, and what embeddings count, is chosen by
    :func:`training.kernel_heads.kernel_error`. Embeddings are read where the features have them, all or none of them.
    """
    vectorizer = term_weights()
    try:
        vectorizer.fit(features)
    except ValueError:  # no term occurs twice: too few prompts to learn from their words
        return fit_base_rates(features, quality, weight=weight, fold=fold)
    kernel = _chosen(_kernels(vectorizer, features), features, quality, weight=weight, fold=fold)
    whitening = whitening_of(kernel(kernel.landmarks))
    columns, near = _columns(kernel, whitening, features)
    heads = fit_heads(columns, quality, weight=weight, fold=fold)
    weights = whitening.over_landmarks(heads.line.weights)
    pipeline = PromptPipeline(kernel, weights, heads.line.intercept)
    return PromptFit(
        model=kernel.export(weights, heads.line.intercept),
        logits=logit(heads.held_out),
        heads=heads,
        pipeline=pipeline,
        dense=None if near is None else _dense(kernel, weights, near),
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


def _chosen(
    kernels: Sequence[PromptKernel], features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints
) -> PromptKernel:
    """The one of ``kernels``, which have their terms in common, that has the least error out of fold."""
    places = _drawn(len(features))[:_COMPARED]
    compared = [features[place] for place in places]
    landmarks = tuple(compared[:_COMPARED_AT])
    terms = replace(kernels[0], landmarks=landmarks).of_terms(compared)
    errors = []
    for kernel in kernels:
        few = replace(kernel, landmarks=landmarks)
        part = terms + few.of_hand(compared)
        if kernel.embedding_rate is not None:
            part += few.of_embeddings(compared)
        columns = whitening_of(part[: len(landmarks)]).columns(part)
        errors.append(kernel_error(columns, quality[places], weight=weight[places], fold=fold[places]))
    return kernels[int(np.argmin(errors))]


def _kernels(vectorizer: TfidfVectorizer, features: Sequence[PromptFeatures]) -> list[PromptKernel]:
    """The kernels to choose from: with and without the figures, and by the embeddings' weight where there are any.

    Their landmarks are drawn from the prompts, their scales measured on them.
    """
    scaler = StandardScaler().fit(_hands(features))
    drawn = _drawn(len(features))
    measured = [features[place] for place in drawn[:_MEASURED]]
    dense = features[0].embedding is not None
    found = []
    for scale in (np.where(np.isin(HAND, FORM), scaler.scale_, _UNREAD), scaler.scale_):
        hand = standard_hand(_hands(measured), scaler.mean_, scale)
        kernel = PromptKernel(
            vectorizer=vectorizer,
            mean=scaler.mean_,
            scale=scale,
            landmarks=tuple(features[place] for place in np.sort(drawn[:LANDMARKS])),
            hand_rate=1 / _median(cdist(hand, hand)),
            embedding_rate=1 / _median(cdist(_embeddings(measured), _embeddings(measured), "sqeuclidean"))
            if dense
            else None,
            embedding_weight=0.0,
        )
        found += [replace(kernel, embedding_weight=each) for each in (_EMBEDDING_WEIGHTS if dense else (0.0,))]
    return found


def _drawn(prompts: int) -> NDArray[np.int64]:
    """The order in which prompts are drawn to measure on, to compare by and as landmarks."""
    return np.random.default_rng(0).permutation(prompts)


def _median(distances: Floats) -> float:
    """The median over pairs; 1 where there is no distance to speak of."""
    found = float(np.median(distances[np.triu_indices(len(distances), 1)])) if len(distances) > 1 else 0.0
    return found if found > 1e-9 else 1.0


def _dense(kernel: PromptKernel, weights: Floats, near: Floats) -> EmbeddingModel:
    """``near`` (L,) is the embeddings' part of the kernel, averaged over the prompts."""
    assert kernel.embedding_rate is not None
    return EmbeddingModel(
        landmarks=_embeddings(kernel.landmarks),
        rate=np.array([kernel.embedding_rate]),
        weights=kernel.embedding_weight * weights,
        absent=near @ weights,
    )


def _hands(features: Sequence[PromptFeatures]) -> Floats:
    return np.array([item.hand for item in features])


def _embeddings(features: Sequence[PromptFeatures]) -> Floats:
    return np.array([item.embedding for item in features], float)


def fit_base_rates(features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints) -> PromptFit:
    """The classifier that does not read the prompt: each tier's mean quality."""
    heads = fit_heads(np.zeros((len(features), 1)), quality, weight=weight, fold=fold)
    tiers, hand = quality.shape[1], len(HAND)
    model = TextModel(
        keys=np.zeros(1, np.uint64),
        idf=np.ones(1),
        terms=np.zeros((1, tiers)),
        mean=np.zeros(hand),
        scale=np.ones(hand),
        landmarks=np.zeros((1, hand)),
        rate=np.ones(1),
        weights=np.zeros((1, tiers)),
        intercept=heads.line.intercept,
        mix=np.eye(tiers),
        shift=np.zeros(tiers),
    )
    return PromptFit(model, logit(heads.held_out), heads, None)
