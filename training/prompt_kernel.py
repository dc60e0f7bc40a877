"""The kernel that says how near prompts are: terms, topics, hand-made features and, where there are any, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import StandardScaler

from router.estimators import TextModel, standard_hand, unit
from router.features import FORM, HAND, Floats, PromptFeatures
from training.heads import Ints
from training.kernel_heads import LANDMARKS, kernel_error, whitening_of
from training.prompt_terms import term_weights, topics_of

_MEASURED = 1000  # prompts that the median distance is taken from

_COMPARED, _COMPARED_AT = 2000, 500  # prompts and landmarks that kernels are compared on: so few choices need no more

_UNREAD = 1e9
"""The scale of a hand-made feature that the kernel does not read: over it, all prompts are alike."""

_EMBEDDING_WEIGHTS = (0.3, 1.0)
"""Weights of the embeddings' part beside the others' 1. The lighter won on questions like those that were labelled,
the heavier where there are few labels or other topics; cross-validation says which it is."""


@dataclass(frozen=True)
class PromptKernel:
    """The kernel between prompts as scikit-learn and scipy reckon it; :meth:`export` makes the runtime's arrays.

    ``topics`` (F, T) are the directions in which most of the prompts' terms lie (latent semantic analysis, Deerwester
    et al. 1990), ``topic_rate`` is one over the median distance of what they make of a prompt, at length 1, and
    ``topic_weight`` what these count, 1 or 0.
    ``mean`` and ``scale`` (H,) standardise the hand-made features, ``landmarks`` are the prompts that the kernel is
    read at, ``hand_rate`` and ``embedding_rate`` its two scales: one over the median distance of hand-made features,
    one over the median squared distance of embeddings, None without any; ``embedding_weight`` is what these count.
    """

    vectorizer: TfidfVectorizer
    topics: Floats
    topic_rate: float
    topic_weight: float
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
        """The part of the kernel that reads terms, topics and hand-made features, (n, L)."""
        terms = self.vectorizer.transform(features)
        return self.of_terms(terms) + self.of_topics(terms) + self.of_hand(features)

    def of_terms(self, terms: Any) -> Floats:
        """The part that reads terms alone, (n, L); ``terms`` (n, F) are the vectorizer's."""
        found: Floats = (terms @ self._landmark_terms.T).toarray()
        return found

    def of_topics(self, terms: Any) -> Floats:
        """The part that reads topics alone, (n, L)."""
        if not self.topic_weight:
            return np.zeros((terms.shape[0], len(self.landmarks)))
        found: Floats = self.topic_weight * np.exp(-self.topic_rate * cdist(self.topics_of(terms), self._places))
        return found

    def topics_of(self, terms: Any) -> Floats:
        """The topics (n, T) of prompts whose ``terms`` (n, F) are the vectorizer's."""
        return unit(terms @ self.topics)

    def of_hand(self, features: Sequence[PromptFeatures]) -> Floats:
        """The part that reads hand-made features alone, (n, L)."""
        found: Floats = np.exp(-self.hand_rate * cdist(self._hand(features), self._hand(self.landmarks)))
        return found

    def of_embeddings(self, features: Sequence[PromptFeatures]) -> Floats:
        """The part of the kernel that reads embeddings, (n, L)."""
        assert self.embedding_rate is not None
        found: Floats = self.embedding_weight * np.exp(
            -self.embedding_rate * cdist(embeddings(features), embeddings(self.landmarks), "sqeuclidean")
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
            topics=np.ascontiguousarray(self.topics[columns]),
            mean=self.mean,
            scale=self.scale,
            landmarks=self._hand(self.landmarks),
            rate=np.array([self.hand_rate]),
            places=self._places,
            topic_rate=np.array([self.topic_rate]),
            topic_weight=np.array([self.topic_weight]),
            weights=weights,
            intercept=intercept,
            mix=np.eye(tiers),
            shift=np.zeros(tiers),
        )

    @cached_property
    def _landmark_terms(self) -> Any:
        return self.vectorizer.transform(self.landmarks)

    @cached_property
    def _places(self) -> Floats:
        """The landmarks' topics, (L, T)."""
        return self.topics_of(self._landmark_terms)

    def _hand(self, features: Sequence[PromptFeatures]) -> Floats:
        return standard_hand(hands(features), self.mean, self.scale)


def choose_kernel(
    features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints
) -> PromptKernel | None:
    """The kernel by which ``quality`` (n, K) is told best out of fold; None where no term occurs in two prompts.

    The vocabulary, the topics, the landmarks and the scales are of all n prompts, which look at no label. Whether
    figures (:data:`router.features.FIGURES`) and topics are read, and what embeddings count, is chosen by
    :func:`training.kernel_heads.kernel_error`; ``weight`` (n, K) and ``fold`` (n,) are as there.
    """
    vectorizer = term_weights()
    try:
        terms = vectorizer.fit_transform(features)
    except ValueError:
        return None
    return _chosen(_kernels(vectorizer, terms, features), features, quality, weight=weight, fold=fold)


def _chosen(
    kernels: Sequence[PromptKernel], features: Sequence[PromptFeatures], quality: Floats, *, weight: Floats, fold: Ints
) -> PromptKernel:
    """The one of ``kernels``, which have their terms in common, that has the least error out of fold."""
    places = _drawn(len(features))[:_COMPARED]
    compared = [features[place] for place in places]
    landmarks = tuple(compared[:_COMPARED_AT])
    terms = kernels[0].vectorizer.transform(compared)
    alike = replace(kernels[0], landmarks=landmarks).of_terms(terms)
    errors = []
    for kernel in kernels:
        few = replace(kernel, landmarks=landmarks)
        part = alike + few.of_topics(terms) + few.of_hand(compared)
        if kernel.embedding_rate is not None:
            part += few.of_embeddings(compared)
        columns = whitening_of(part[: len(landmarks)]).columns(part)
        errors.append(kernel_error(columns, quality[places], weight=weight[places], fold=fold[places]))
    return kernels[int(np.argmin(errors))]


def _kernels(vectorizer: TfidfVectorizer, terms: Any, features: Sequence[PromptFeatures]) -> list[PromptKernel]:
    """The kernels to choose from: with and without figures and topics, and by the embeddings' weight if there are any.

    Their landmarks are drawn from the prompts, their scales and topics measured on them and their ``terms``.
    """
    scaler = StandardScaler().fit(hands(features))
    drawn = _drawn(len(features))
    measured = [features[place] for place in drawn[:_MEASURED]]
    dense = features[0].embedding is not None
    topics = topics_of(terms)
    places = unit(terms[drawn[:_MEASURED]] @ topics)
    found = []
    for scale in (np.where(np.isin(HAND, FORM), scaler.scale_, _UNREAD), scaler.scale_):
        hand = standard_hand(hands(measured), scaler.mean_, scale)
        kernel = PromptKernel(
            vectorizer=vectorizer,
            topics=topics,
            topic_rate=1 / _median(cdist(places, places)),
            topic_weight=1.0,
            mean=scaler.mean_,
            scale=scale,
            landmarks=tuple(features[place] for place in np.sort(drawn[:LANDMARKS])),
            hand_rate=1 / _median(cdist(hand, hand)),
            embedding_rate=1 / _median(cdist(embeddings(measured), embeddings(measured), "sqeuclidean"))
            if dense
            else None,
            embedding_weight=0.0,
        )
        for each in (kernel, replace(kernel, topic_weight=0.0)):
            found += [replace(each, embedding_weight=weight) for weight in (_EMBEDDING_WEIGHTS if dense else (0.0,))]
    return found


def _drawn(prompts: int) -> NDArray[np.int64]:
    """The order in which prompts are drawn to measure on, to compare by and as landmarks."""
    return np.random.default_rng(0).permutation(prompts)


def _median(distances: Floats) -> float:
    """The median over pairs; 1 where there is no distance to speak of."""
    found = float(np.median(distances[np.triu_indices(len(distances), 1)])) if len(distances) > 1 else 0.0
    return found if found > 1e-9 else 1.0


def hands(features: Sequence[PromptFeatures]) -> Floats:
    """Hand-made features, (n, H)."""
    return np.array([item.hand for item in features])


def embeddings(features: Sequence[PromptFeatures]) -> Floats:
    """Embeddings, (n, D)."""
    return np.array([item.embedding for item in features], float)
