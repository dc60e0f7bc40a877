"""Trees that predict the quality of all tiers at once, so that tiers with few labels of their own share the splits.

One logistic head a tier learns each tier from scratch, and choosing the best of many such estimates chooses, often,
the one that errs most. A forest whose every leaf holds the mean quality of all tiers at the same prompts keeps what
tiers have in common: within a leaf they are compared on the very same prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from router.errors import InputError
from router.features import Floats, PromptFeatures, prompt_features
from router.types import Request
from training.heads import folds_of
from training.prompt_terms import term_weights

TREES = 100
LEAF = 10
"""The least rows in a leaf."""
SHARE = 1 / 3
"""The share of the columns that each split may choose from."""
TOPICS = 20
"""Directions of the prompts' terms (latent semantic analysis) that the trees read beside the hand-made features."""


@dataclass(frozen=True)
class SharedForest:
    """``held_out`` (n, K): each training row's expected quality from trees that did not see its labels."""

    topics: Topics
    trees: ExtraTreesRegressor
    held_out: Floats

    def chances(self, requests: Sequence[Request]) -> Floats:
        """Expected quality (m, K) of every tier."""
        return _clipped(self.trees.predict(self.topics.rows([prompt_features(request) for request in requests])))


@dataclass(frozen=True)
class Topics:
    """From a prompt to the numbers that trees can split: directions of its terms, then the hand-made features."""

    vectorizer: TfidfVectorizer | None
    directions: TruncatedSVD | None

    def rows(self, features: Sequence[PromptFeatures]) -> Floats:
        """One row a prompt, (m, :data:`TOPICS` + H) or (m, H) where no term ever occurred twice."""
        hand = np.array([item.hand for item in features])
        if self.vectorizer is None or self.directions is None:
            return hand
        return np.hstack([self.directions.transform(self.vectorizer.transform(features)), hand])


def fit_forest(
    requests: Sequence[Request],
    quality: Floats,
    *,
    keys: Sequence[str],
    leaf: int = LEAF,
    seed: int = 0,
) -> SharedForest:
    """Fit trees to ``quality`` (n, K) in [0, 1], which every tier must have for every row.

    ``keys`` (n,): rows that share one share a fold; ``leaf`` is the least number of rows in a leaf. The terms'
    directions are those of all n prompts, which looks at no label.

    Raises:
        InputError: a label is missing, or the lengths differ.
    """
    if len(quality) != len(requests) or len(keys) != len(requests):
        raise InputError(f"there are {len(requests)} requests, {len(quality)} rows of quality and {len(keys)} keys")
    if np.isnan(quality).any():
        row = int(np.isnan(quality).any(axis=1).argmax())
        raise InputError(f"row {row} has no label of some tier; trees shared by all tiers need a label of every one")
    with threadpool_limits(1):
        features = [prompt_features(request) for request in requests]
        topics = _topics(features, seed)
        rows = topics.rows(features)
        fold = folds_of(keys)
        held_out = np.empty_like(quality)
        for number in np.unique(fold):
            inside, outside = fold != number, fold == number
            trees = _trees(leaf, seed).fit(rows[inside], quality[inside])
            held_out[outside] = trees.predict(rows[outside]).reshape(-1, quality.shape[1])
        trees = _trees(leaf, seed).fit(rows, quality)
    return SharedForest(topics, trees, _clipped(held_out))


def _topics(features: Sequence[PromptFeatures], seed: int) -> Topics:
    vectorizer = term_weights()
    try:
        terms: Any = vectorizer.fit_transform(features)
    except ValueError:  # no term occurs twice
        return Topics(None, None)
    if min(terms.shape) <= TOPICS:
        return Topics(None, None)
    return Topics(vectorizer, TruncatedSVD(TOPICS, random_state=seed).fit(terms))


def _trees(leaf: int, seed: int) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(TREES, min_samples_leaf=leaf, max_features=SHARE, random_state=seed)


def _clipped(expected: Floats) -> Floats:
    found: Floats = np.clip(expected, 0.0, 1.0)
    return found
