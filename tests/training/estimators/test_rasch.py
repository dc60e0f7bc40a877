"""A new tier's head: right with a handful of labels, and grafted into the runtime's model."""

from __future__ import annotations

import numpy as np
import pytest

from router.errors import InputError
from router.estimators import TextModel, sigmoid
from router.features import HAND, prompt_features
from router.types import Request, as_messages
from training.estimators import RaschHead, graft


def simulated(n, *, weights=(0.5, 0.5), shift=1.0, seed=0):
    random = np.random.default_rng(seed)
    known = random.normal(size=(n, 1)) + 0.7 * random.normal(size=(n, 2))
    return known, (random.random(n) < sigmoid(known @ np.array(weights) + shift)).astype(int)


def test_fifteen_labels_move_the_mean_logit():
    """Below thirty labels there is one parameter, and it goes the way the labels say."""
    head = RaschHead().fit(*simulated(15, shift=1.5))

    assert head.rung_ == "offset"
    assert head.coef_.tolist() == [0.5, 0.5]
    assert 0 < head.intercept_ < 4


def test_labels_of_one_kind_give_a_finite_head():
    """Fifteen good answers in fifteen are no proof of perfection."""
    known, _ = simulated(15)
    head = RaschHead().fit(known, np.ones(15, int))

    assert head.classes_.tolist() == [0, 1]
    assert 0 < head.intercept_ < 6


def test_many_labels_find_the_tier_that_matters():
    """With a thousand labels of a tier that follows one known tier alone, cross-validation takes its own weights."""
    head = RaschHead().fit(*simulated(1000, weights=(1.6, -0.2)))

    assert head.rung_ == "weights"
    assert head.coef_ == pytest.approx([1.6, -0.2], abs=0.25)


def test_a_richer_rung_must_pay():
    """Where the mean is all there is, a thousand labels still keep the single parameter."""
    assert RaschHead().fit(*simulated(1000)).rung_ == "offset"


def test_the_grafted_model_says_what_the_head_says():
    """A text model with the new tier's column gives the head's logit on the known tiers' logits."""
    random = np.random.default_rng(0)
    features = prompt_features(Request(messages=as_messages("What is the capital of France?")))
    keys = np.unique(features.words)
    model = TextModel(
        keys=keys,
        idf=np.ones(len(keys)),
        terms=random.normal(size=(len(keys), 2)) / 5,
        mean=np.zeros(len(HAND)),
        scale=np.ones(len(HAND)),
        topics=random.normal(size=(len(keys), 2)),
        landmarks=random.normal(size=(5, len(HAND))),
        rate=np.array([0.2]),
        places=random.normal(size=(5, 2)),
        topic_rate=np.array([0.7]),
        topic_weight=np.ones(1),
        weights=random.normal(size=(5, 2)) / 5,
        intercept=np.full(2, 0.5),
        mix=np.eye(2),
        shift=np.zeros(2),
    )
    head = RaschHead(rung="weights").fit(*simulated(200))
    grown = graft(model, head, rank=1)
    known = model.logits(model.read(features)[0])

    assert grown.logits(grown.read(features)[0]) == pytest.approx(
        [known[0], head.decision_function(known[None])[0], known[1]]
    )


def test_bad_input_is_one_sentence():
    """An unknown rung, a class of another name, and a head of another width are told."""
    known, labels = simulated(20)
    with pytest.raises(InputError, match="rung is 'best'"):
        RaschHead(rung="best").fit(known, labels)
    with pytest.raises(InputError, match="one class that is not called 0 or 1"):
        RaschHead().fit(known, ["good"] * 20)
    head = RaschHead().fit(known, labels)
    none = np.zeros(0)
    three = TextModel(
        keys=none.astype(np.uint64), idf=none, terms=np.zeros((0, 3)), topics=np.zeros((0, 1)), mean=none,
        scale=none, landmarks=np.zeros((1, 0)), rate=np.ones(1), places=np.zeros((1, 1)), topic_rate=np.ones(1),
        topic_weight=np.ones(1), weights=np.zeros((1, 3)), intercept=np.zeros(3), mix=np.eye(3),
        shift=np.zeros(3),
    )  # fmt: skip
    with pytest.raises(InputError, match="reads 2 tiers' logits and the model has 3"):
        graft(three, head, rank=0)
