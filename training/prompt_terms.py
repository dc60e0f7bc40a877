"""The terms of prompts as scikit-learn weighs them: the settings that every fit shares."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from router.estimators import term_keys
from router.features import Floats, PromptFeatures

MOST_TERMS = 50_000

TOPICS = 20
"""Directions of the prompts' terms: on RouteLLM's MMLU 10 to 40 of them ranked alike, 100 worse."""


def term_weights() -> TfidfVectorizer:
    """TF-IDF over prompts' hashed terms, not fitted yet: terms of two prompts or more, counts by their logarithm."""
    return TfidfVectorizer(analyzer=_terms, sublinear_tf=True, min_df=2, max_features=MOST_TERMS)


def _terms(features: PromptFeatures) -> list[int]:
    return cast("list[int]", term_keys(features).tolist())


def topics_of(terms: Any, *, most: int = TOPICS) -> Floats:
    """The ``most`` directions (F, T) in which most of the prompts' ``terms`` (n, F), a sparse matrix, lie.

    With fewer prompts or terms there are fewer; where there are too few for any, one direction that holds nothing.
    """
    count = min(most, *(size - 1 for size in terms.shape))
    if count < 1:
        return np.zeros((terms.shape[1], 1))
    _, _, directions = randomized_svd(terms, count, n_iter=5, random_state=0)
    found: Floats = np.ascontiguousarray(directions.T)
    return found
