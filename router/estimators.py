"""Trained estimators as plain arrays, evaluated by numpy alone.

Training fits them with scikit-learn and exports the coefficients; what is evaluated here equals scikit-learn's
``predict_proba`` to rounding, without importing it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from router.features import Floats, Keys, PromptFeatures

Arrays = dict[str, NDArray[Any]]

T = TypeVar("T")

PAIR = np.uint64(0x9E3779B97F4A7C15)
"""Multiplier that mixes a word's key into the key of the pair it begins."""

_SHIFT = np.uint64(29)

TAIL = np.uint64(0xC2B2AE3D27D4EB4F)
"""Added to the key of a word of the last paragraph, which is where most prompts put their question."""

_TINY = 1e-12
"""A length below this is that of a prompt without any known term, but for rounding."""

_IDENTITY = [0.0, 1.0]
"""The knots, in x as in y, of a map that changes nothing."""


def sigmoid(logits: Floats) -> Floats:
    """The logistic function, without overflow."""
    return 1.0 / (1.0 + np.exp(np.minimum(-logits, 700.0)))


def term_keys(features: PromptFeatures) -> Keys:
    """The keys of a prompt's terms: its words, its pairs of neighbouring words, the words of its last paragraph.

    64-bit hashes: a bundle's vocabulary is numbers from which no text can be read, though a guess can be checked.
    """
    words = features.words
    spread = words[:-1] * PAIR
    pairs = (spread ^ (spread >> _SHIFT)) + words[1:]
    tail = words[len(words) - min(features.tail, len(words)) :] + TAIL
    return np.concatenate((words, pairs, tail))


EDGE = 0.01
"""How near 0 and 1 the classifier's predictions are taken to be at most: what a prompt says is never certain."""

FARTHEST = 3.0
"""Standard deviations at which a hand-made feature is cut off, so that one odd prompt is not far from all others."""


@dataclass(frozen=True, slots=True)
class TextModel:
    """Kernel heads over TF-IDF terms, their topics and hand-made features, and the link to one logit per tier.

    B heads predict qualities: ``intercept`` (B,), plus the TF-IDF vector over ``terms`` (F, B), plus
    ``exp(-rate |h - l|)`` of the standardised hand-made features h and each of the ``landmarks`` l (L, H), over
    ``weights`` (L, B), plus ``topic_weight exp(-topic_rate |t - p|)`` of the prompt's topics t and those of each
    landmark, its ``places`` p (L, T), over the same weights. ``keys`` (F,) ascending, ``idf`` (F,), ``mean`` and
    ``scale`` (H,), ``rate``, ``topic_rate`` and ``topic_weight`` (1,). Term frequency is ``1 + ln(count)``, each
    prompt's TF-IDF vector has length 1, and so has what ``topics`` (F, T) make of it. The logits are those of the
    predictions, kept ``EDGE`` off 0 and 1, over ``mix`` (B, K), plus ``shift`` (K,): the identity, but for tiers
    grafted on.
    """

    keys: Keys
    idf: Floats
    terms: Floats
    topics: Floats
    mean: Floats
    scale: Floats
    landmarks: Floats
    rate: Floats
    places: Floats
    topic_rate: Floats
    topic_weight: Floats
    weights: Floats
    intercept: Floats
    mix: Floats
    shift: Floats
    _nearness: Nearness = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kernels = [(self.landmarks, self.rate, self.weights)]
        if self.topic_weight[0]:
            kernels.append((self.places, self.topic_rate, self.topic_weight * self.weights))
        object.__setattr__(self, "_nearness", Nearness.of(kernels))

    def read(self, features: PromptFeatures) -> tuple[Floats, Floats]:
        """One prediction per head, shape (B,), before anything is added for an embedding or by trees; and the prompt's
        topics (T,).
        """
        hand = standard_hand(features.hand, self.mean, self.scale)
        terms, weights = self._weighed(features)
        topics = weights @ self.topics.take(terms, axis=0)
        length = math.sqrt(topics @ topics)
        if length > _TINY:
            topics /= length
        out: Floats = self.intercept + self._nearness(hand, topics) + weights @ self.terms.take(terms, axis=0)
        return out, topics

    def _weighed(self, features: PromptFeatures) -> tuple[NDArray[np.int64], Floats]:
        """The places of the prompt's known terms, and its TF-IDF vector at them."""
        found = term_keys(features)
        found.sort()  # equal terms stand together, and neighbours are looked up in neighbouring places
        edge = np.ones(len(found) + 1, bool)
        np.not_equal(found[1:], found[:-1], out=edge[1:-1])
        edges = edge.nonzero()[0]
        unique = found[edges[:-1]]
        places = self.keys.searchsorted(unique)
        known = (self.keys.take(places, mode="clip") == unique).nonzero()[0]
        terms = places[known]
        weights = (1.0 + np.log((edges[1:] - edges[:-1])[known])) * self.idf[terms]
        return terms, weights / (math.sqrt(weights @ weights) or 1.0)

    def logits(self, values: Floats) -> Floats:
        """One logit per tier, shape (K,), of predictions (B,)."""
        out: Floats = logit(values) @ self.mix + self.shift
        return out


@dataclass(frozen=True, slots=True)
class Nearness:
    """Kernels ``exp(-rate |v - l|)`` of vectors v, one a kernel, and L landmarks l each, over weights.

    ``products`` are a kernel's (D + 2, L): ``(v, 1, v @ v)`` times it are the squared distances times ``rate ** 2``.
    ``weights`` (n L, B) are those of all n kernels.
    """

    products: tuple[Floats, ...]
    weights: Floats

    @classmethod
    def of(cls, kernels: Sequence[tuple[Floats, Floats, Floats]]) -> Nearness:
        """Of each kernel's landmarks (L, D), rate (1,) and weights (L, B)."""
        return cls(
            tuple(
                np.vstack((-2 * landmarks.T, squared(landmarks), np.ones(len(landmarks)))) * rate**2
                for landmarks, rate, _ in kernels
            ),
            np.asfortranarray(np.vstack([weights for *_, weights in kernels])),
        )

    def __call__(self, *vectors: Floats) -> Floats:
        """The kernels' sum over the weights, shape (B,), at a vector (D,) for each; what is beyond them is not read."""
        near = np.concatenate(
            [
                np.concatenate((vector, [1.0, float(vector @ vector)])) @ product
                for vector, product in zip(vectors, self.products, strict=False)
            ]
        )
        np.maximum(near, 0.0, out=near)
        np.sqrt(near, out=near)
        np.negative(near, out=near)
        out: Floats = np.exp(near, out=near) @ self.weights
        return out


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """What the same heads read of an embedding e: ``exp(-rate |e - l|^2)`` for each of the ``landmarks`` l (L, D), over
    ``weights`` (L, B); ``rate`` (1,). ``absent`` (B,) stands for an embedding that could not be had: the training mean.
    Trees read the embedding along ``directions`` (D, P), of which ``middle`` (P,) is the training mean.
    """

    landmarks: Floats
    rate: Floats
    weights: Floats
    absent: Floats
    directions: Floats
    middle: Floats
    lengths: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", squared(self.landmarks))

    def values(self, embedding: Floats) -> Floats:
        """What is added to each head's prediction, shape (B,)."""
        if np.isnan(embedding).any():
            return self.absent
        out: Floats = np.exp(-self.rate * squares(embedding, self.landmarks, self.lengths)) @ self.weights
        return out

    def along(self, embedding: Floats) -> Floats:
        """What trees read of it, shape (P,)."""
        if np.isnan(embedding).any():
            return self.middle
        out: Floats = embedding @ self.directions
        return out


def logit(chances: Floats) -> Floats:
    """Logits of chances, which are taken to be ``EDGE`` off 0 and 1 at least."""
    inside = np.minimum(np.maximum(chances, EDGE), 1 - EDGE)
    out: Floats = np.log(inside / (1 - inside))
    return out


def standard_hand(hand: Floats, mean: Floats, scale: Floats) -> Floats:
    """Hand-made features (..., H) standardised and cut off at ``FARTHEST``."""
    out: Floats = np.minimum(np.maximum((hand - mean) / scale, -FARTHEST), FARTHEST)
    return out


def unit(vectors: Floats) -> Floats:
    """Vectors (..., D) at length 1; one without a length stays as it is."""
    lengths = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    out: Floats = vectors / np.where(lengths > _TINY, lengths, 1.0)
    return out


def squared(landmarks: Floats) -> Floats:
    """The squared lengths (L,) of landmarks (L, D)."""
    out: Floats = np.einsum("ld,ld->l", landmarks, landmarks)
    return out


def squares(one: Floats, landmarks: Floats, lengths: Floats) -> Floats:
    """The squared distances (L,) of ``one`` (D,) from landmarks (L, D) of the squared ``lengths`` (L,)."""
    out: Floats = np.maximum(lengths + (one @ one - 2 * (landmarks @ one)), 0.0)
    return out


@dataclass(frozen=True, slots=True)
class DenseModel:
    """Logistic heads over numbers: ``mean``, ``scale`` (D,), ``weights`` (D, K), ``intercept`` (K,).

    A missing number (NaN) counts as the training mean.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: Floats

    def logits(self, row: Floats) -> Floats:
        """One logit per tier, shape (K,), from ``row`` (D,)."""
        standard = (row - self.mean) / self.scale
        return self.intercept + np.where(np.isnan(standard), 0.0, standard) @ self.weights


@dataclass(frozen=True, slots=True)
class Calibration:
    """From logits to probabilities that can be trusted, per tier.

    ``sigmoid(slope * logit + shift)`` (Platt), then a monotone map through the knots ``x``, ``y`` of shape
    (K, M) (isotonic); with the knots (0, 0), (1, 1) the map changes nothing.
    """

    slope: Floats
    shift: Floats
    x: Floats
    y: Floats
    _plain: bool = field(init=False, repr=False, compare=False)
    """Whether the monotone maps change nothing, as most do; an isotonic fit may have two knots as well."""

    def __post_init__(self) -> None:
        knots = [*self.x.tolist(), *self.y.tolist()]
        object.__setattr__(self, "_plain", all(each == _IDENTITY for each in knots))

    def apply(self, logits: Floats) -> Floats:
        """Probabilities (K,) for logits (K,)."""
        chances = sigmoid(self.slope * logits + self.shift)
        if self._plain:
            return chances
        return np.array([np.interp(chance, x, y) for chance, x, y in zip(chances, self.x, self.y, strict=True)])


def pack(estimator: Any, prefix: str) -> Arrays:
    """An estimator's arrays by name, ``prefix`` before each."""
    return {f"{prefix}.{each.name}": getattr(estimator, each.name) for each in fields(estimator) if each.init}


def unpack(kind: type[T], arrays: Mapping[str, NDArray[Any]], prefix: str) -> T:
    """The estimator that :func:`pack` took apart.

    Raises:
        KeyError: an array is missing.
    """
    return kind(**{each.name: arrays[f"{prefix}.{each.name}"] for each in fields(kind) if each.init})  # type: ignore[arg-type]
