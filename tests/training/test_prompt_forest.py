"""The trees beside the kernel heads. All data is simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.assess import UNEMBEDDED
from router.estimators import logit
from router.features import prompt_features
from tests.training.simulated import random_prompts
from training.metrics import auroc
from training.prompt_fit import fit_prompts
from training.prompt_forest import FEWEST, PRIOR_SHARE, Mix, fit_prompt_forest

N = 400
FOLD = np.arange(N) % 5


def sample(n=N, *, seed=0):
    """Rows of which the second column says where the first tells what the dear tier gains."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4))
    gain = np.where(rows[:, 1] > 0, np.where(rows[:, 0] > 0, 0.95, 0.05), 0.5)
    return rows, np.column_stack([np.zeros(n), rng.random(n) < gain]).astype(float)


def grown(rows, quality, **options):
    beside = np.full_like(quality, 0.5)
    return fit_prompt_forest(
        rows, quality, **({"weight": np.ones_like(quality), "fold": FOLD, "beside": beside} | options)
    )


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    return [replace(prompt_features(each), embedding=rng.normal(size=5)) for each in random_prompts(N)]


@pytest.fixture(scope="module")
def fitted(features):
    quality = (np.random.default_rng(1).random((N, 2)) < 0.6).astype(float)
    return fit_prompts(features, quality, weight=np.ones((N, 2)), fold=FOLD)


def test_what_no_kernel_tells_is_found_out_of_fold():
    rows, quality = sample()
    forest = grown(rows, quality)

    kind = rows[:, 1] > 0
    assert auroc(forest.held_out[kind, 1], quality[kind, 1]) > 0.8
    assert forest.mix.gain > 0.7


def test_trees_count_nothing_beside_predictions_that_are_right_already():
    rows, quality = sample()

    assert grown(rows, quality, beside=quality).mix == Mix(0.0, 0.0)


@pytest.mark.parametrize("tiers", [1, 2])
def test_where_no_tier_is_better_than_another_trees_may_still_tell_the_level(tiers):
    """One tier has no gains, and tiers that always do alike have none that are not told already."""
    rows, quality = sample()
    alike = np.repeat(quality[:, 1:], tiers, axis=1)
    forest = grown(rows, alike)

    assert forest.mix.gain == 0.0
    assert forest.mix.level > 0.7
    assert auroc(forest.mix(np.full_like(alike, 0.5), forest.held_out)[:, 0], quality[:, 1]) > 0.6
    assert np.isfinite(forest.nested()[0]).all()
    assert [forest.export().logits(row) for row in rows[:9]] == pytest.approx(forest.predict(rows[:9]), abs=1e-12)


def test_where_the_rows_leave_the_share_open_it_is_the_prior():
    """Predictions that hardly differ from the trees' say nothing of which is nearer."""
    rows, quality = sample()
    held_out = grown(rows, quality).held_out

    mix = grown(rows, quality, beside=held_out + 1e-6 * quality[::-1]).mix

    assert (mix.level, mix.gain) == pytest.approx((PRIOR_SHARE, PRIOR_SHARE), abs=0.01)


def test_level_and_gain_are_mixed_by_themselves():
    kernel, trees = np.array([[0.2, 0.4]]), np.array([[0.5, 0.9]])

    assert Mix(1.0, 0.0)(kernel, trees) == pytest.approx(np.array([[0.6, 0.8]]))
    assert Mix(0.0, 1.0)(kernel, trees) == pytest.approx(np.array([[0.1, 0.5]]))


def test_the_runtime_adds_the_trees_as_training_does(features, fitted):
    """Also to prompts whose embedding could not be had: along each direction they are at the training mean."""
    fresh = [replace(prompt_features(each), embedding=np.ones(5)) for each in random_prompts(20, seed=9)]
    lost = replace(features[0], embedding=UNEMBEDDED)
    mean = np.mean([each.embedding for each in features], axis=0)

    assert fitted.trees is not None
    assert [fitted.of(each) for each in fresh] == pytest.approx(fitted.pipeline.logits(fresh), abs=1e-9)
    assert fitted.dense.along(lost.embedding) == pytest.approx(mean @ fitted.dense.directions, abs=1e-9)
    assert np.isfinite(fitted.of(lost)).all()


def test_a_prompt_that_was_trained_on_ends_in_its_leaves_again(features, fitted):
    """Trees cut at numbers of the training prompts, which the runtime reckons in another order."""
    assert [fitted.of(each) for each in features] == pytest.approx(fitted.pipeline.logits(features), abs=1e-6)


def test_kernel_and_trees_share_the_prediction(fitted):
    """What is predicted out of fold is the two's mix, and so is what a fold's scorer is fitted on."""
    forest = fitted.pipeline.forest

    assert fitted.logits == pytest.approx(logit(forest.mix(fitted.heads.held_out, forest.held_out)), abs=1e-12)
    nested = logit(forest.mix(fitted.heads.nested()[2], forest.nested()[2]))
    assert fitted.nested[2] == pytest.approx(nested, abs=1e-12)


def test_no_fold_tells_of_its_own_labels():
    """Turned round, the labels of fold 3 change no prediction for it, nor any that is made without it."""
    rows, quality = sample()
    turned = np.where((FOLD == 3)[:, None], 1 - quality, quality)
    one, other = grown(rows, quality), grown(rows, turned)

    assert one.held_out[FOLD == 3].tolist() == other.held_out[FOLD == 3].tolist()
    assert one.nested()[3].tolist() == other.nested()[3].tolist()
    assert one.nested()[1].tolist() != other.nested()[1].tolist()


@pytest.mark.parametrize("lacking", ["a label", "weight"])
def test_rows_that_lack_a_label_have_no_say(lacking):
    def holed(label):
        rows, quality = sample()
        weight = np.ones_like(quality)
        quality[:50, 1] = label
        if lacking == "weight":
            weight[:50, 0] = 0.0
        else:
            quality[:50, 0] = np.nan
        return grown(rows, quality, weight=weight)

    one, other = holed(0.0), holed(1.0)

    assert one.held_out.tolist() == other.held_out.tolist()
    assert one.mix == other.mix


def test_few_labels_have_no_trees():
    rows, quality = sample()
    quality[FEWEST - 1 :, 0] = np.nan

    assert grown(rows, quality) is None
