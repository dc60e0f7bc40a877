"""The terms of prompts as scikit-learn weighs them: the settings that every fit shares."""

from __future__ import annotations

from typing import cast

from sklearn.feature_extraction.text import TfidfVectorizer

from router.estimators import term_keys
from router.features import PromptFeatures

MOST_TERMS = 50_000


def term_weights() -> TfidfVectorizer:
    """TF-IDF over prompts' hashed terms, not fitted yet: terms of two prompts or more, counts by their logarithm."""
    return TfidfVectorizer(analyzer=_terms, sublinear_tf=True, min_df=2, max_features=MOST_TERMS)


def _terms(features: PromptFeatures) -> list[int]:
    return cast("list[int]", term_keys(features).tolist())
