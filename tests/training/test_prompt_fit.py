"""Fitting the complexity classifier: what it holds at once makes no difference to it. All data is simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.features import FIGURES, FORM, prompt_features
from tests.kit import ask
from tests.training.simulated import random_prompts
from training import prompt_fit, prompt_kernel
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


def reckoned(n, *, figures):
    """Simulated prompts that differ in their numbers alone, and qualities whose gain follows these, or follows nothing.

    The numbers have as many digits everywhere, so that only the figures tell prompts apart.
    """
    rng = np.random.default_rng(4)
    small = rng.random(n) < 0.5
    prompts = [
        prompt_features(ask(f"Add {' and '.join(['11', '11', '11'] if few else ['11', '57', '93'])} of word{row % 7}."))
        for row, few in enumerate(small)
    ]
    chance = np.where(small, 0.1, 0.9) if figures else np.full(n, 0.5)
    strong = (rng.random(n) < chance).astype(float)
    return prompts, np.column_stack([np.zeros(n), strong])


def test_figures_are_read_where_they_tell_of_the_gain():
    features, quality = reckoned(200, figures=True)

    fitted = fit_prompts(features, quality, weight=np.ones_like(quality), fold=np.arange(200) % 5)

    assert fitted.pipeline.kernel.scale[len(FORM) :].max() < 10
    assert np.mean((fitted.logits[:, 1] > 0) == (quality[:, 1] > 0.5)) > 0.8


def test_figures_that_are_not_read_change_no_prediction(features, monkeypatch):
    """By the runtime's arithmetic, in which such a feature has a scale so large that all prompts are alike.

    There are no trees, which so few rows do not have.
    """
    monkeypatch.setattr(prompt_kernel, "kernel_error", lambda *_, **__: 1.0)  # the first of equals has no figures
    fitted_ = fitted(features)
    kernel = fitted_.pipeline.kernel
    assert (kernel.scale[len(FORM) :] > 1e6).all()
    assert fitted_.trees is None
    other = replace(features[0], hand=features[0].hand + np.repeat([0.0, 5.0], [len(FORM), len(FIGURES)]))

    assert fitted_.of(other) == pytest.approx(fitted_.of(features[0]), abs=1e-6)


@pytest.mark.parametrize("better", range(8))
def test_the_kernel_of_least_error_out_of_fold_is_taken(features, monkeypatch, better):
    errors = iter([1.0 if place == better else 2.0 for place in range(8)])
    monkeypatch.setattr(prompt_kernel, "kernel_error", lambda *_, **__: next(errors))

    kernel = fitted(features).pipeline.kernel

    chosen = (bool(kernel.scale[-1] < 1e6), kernel.topic_weight, kernel.embedding_weight)
    assert chosen == (better >= 4, (1.0, 0.0)[better // 2 % 2], (0.3, 1.0)[better % 2])


def test_runtime_and_kernel_agree_whatever_embeddings_count(features, monkeypatch):
    monkeypatch.setattr(prompt_kernel, "kernel_error", lambda *_, **__: 1.0)
    found = fitted(features)

    assert found.pipeline.kernel.embedding_weight == 0.3
    ours = np.array([found.of(each) for each in features])
    assert ours == pytest.approx(found.pipeline.logits(features), abs=1e-9)


def test_the_runtime_reads_topics_as_training_does(features, monkeypatch):
    """Also of a prompt without any known term, which is at the origin of the topics."""
    monkeypatch.setattr(prompt_kernel, "kernel_error", lambda *_, **__: 1.0)  # the first of equals reads topics
    found = fitted(features)
    asked = [features[0], replace(prompt_features(random_prompts(1, seed=9)[0]), embedding=np.ones(3))]
    asked[1] = replace(asked[1], words=asked[1].words[:0], tail=0)

    assert found.model.topic_weight == [1.0]
    assert found.model.topics.shape[1] == found.model.places.shape[1] > 1
    assert [found.of(each) for each in asked] == pytest.approx(found.pipeline.logits(asked), abs=1e-6)
