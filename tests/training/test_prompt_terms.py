"""The terms of prompts and their topics. All prompts are simulated."""

from __future__ import annotations

import numpy as np
import pytest

from router.estimators import unit
from router.features import prompt_features
from router.types import Request, as_messages
from training.prompt_terms import term_weights, topics_of

SUBJECTS = ("river lake sea tide shore wave harbour delta", "tax fee loan rate bank debt bond fund")


def features(texts):
    return [prompt_features(Request(messages=as_messages(text))) for text in texts]


@pytest.fixture(scope="module")
def known():
    """Prompts of four words of one subject each."""
    rng = np.random.default_rng(0)
    return features(
        " ".join(rng.choice(SUBJECTS[row % 2].split(), 4, replace=False).tolist()) for row in range(200)
    )  # fmt: skip


def test_prompts_of_one_subject_are_near_without_a_word_in_common(known):
    """Their terms have nothing to do with each other, and their topics do."""
    weights = term_weights()
    topics = topics_of(weights.fit_transform(known), most=2)
    asked = weights.transform(features(["river lake sea", "tide shore wave", "tax fee loan"]))
    near = unit(asked @ topics) @ unit(asked @ topics).T

    assert topics.shape == (len(weights.vocabulary_), 2)
    assert (asked @ asked.T).toarray()[0, 1] == 0
    assert near[0, 1] > near[0, 2] + 0.3


def test_one_prompt_has_no_topic(known):
    """And a direction that holds nothing makes no prompts alike or different."""
    weights = term_weights()
    terms = weights.fit_transform([known[0], known[0]])

    assert topics_of(terms[:1]).tolist() == [[0.0]] * terms.shape[1]
    assert unit(terms @ topics_of(terms[:1])).tolist() == [[0.0], [0.0]]
