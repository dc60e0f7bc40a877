"""Fitting the complexity classifier: what it holds at once makes no difference to it. All data is simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.features import prompt_features
from tests.training.simulated import random_prompts
from training import prompt_fit
from training.heads import folds_of
from training.prompt_fit import fit_prompts

N = 60


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    return [replace(prompt_features(each), embedding=rng.normal(size=3)) for each in random_prompts(N)]


def fitted(features):
    quality = (np.random.default_rng(1).random((N, 2)) < 0.6).astype(float)
    return fit_prompts(features, quality, weight=np.ones((N, 2)), fold=folds_of([str(row) for row in range(N)]))


def test_a_kernel_read_block_by_block_is_the_kernel(features, monkeypatch):
    """Also where the last block is a short one."""
    whole = fitted(features)
    monkeypatch.setattr(prompt_fit, "_BLOCK", 7)

    parts = fitted(features)

    assert parts.logits == pytest.approx(whole.logits, abs=1e-9)
    assert parts.model.weights == pytest.approx(whole.model.weights, abs=1e-9)
    assert parts.dense.absent == pytest.approx(whole.dense.absent, abs=1e-9)


def test_an_embedding_that_is_absent_counts_as_the_training_mean(features):
    """What is added for it is, on average, what was added for those of training."""
    dense = fitted(features).dense

    added = np.mean([dense.values(np.asarray(each.embedding)) for each in features], axis=0)

    assert dense.values(np.full(3, np.nan)) == pytest.approx(added, abs=1e-9)
