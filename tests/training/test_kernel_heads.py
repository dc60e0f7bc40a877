"""Kernel heads: ridge regression on landmarks, and gains between tiers beside the tiers' own qualities."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from training import kernel_heads
from training.kernel_heads import fit_heads, kernel_error, whitening_of


def simulated(n, *, seed=0, tiers=2):
    """Simulated columns, qualities that a line in them predicts, and folds."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, 6))
    level = columns[:, 0] * 0.1
    gain = np.outer(columns[:, 1], np.linspace(-0.1, 0.1, tiers))
    quality = (rng.random((n, tiers)) < np.clip(0.5 + level[:, None] + gain, 0, 1)).astype(float)
    return columns, quality, np.arange(n) % 5


def test_with_every_prompt_a_landmark_it_is_kernel_ridge_regression(monkeypatch):
    """Predictions equal scikit-learn's on centred kernels' worth of data, here without an intercept to speak of."""
    monkeypatch.setattr(kernel_heads, "PENALTIES", (3.0,))
    rng = np.random.default_rng(1)
    points = rng.normal(size=(60, 3))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2) / 4)
    target = np.sin(points[:, :1])
    target -= target.mean()
    whitening = whitening_of(kernel)
    columns = whitening.columns(kernel)

    heads = fit_heads(columns, target, weight=np.ones_like(target), fold=np.arange(60) % 5)

    centred = columns - columns.mean(axis=0)
    reference = KernelRidge(alpha=3.0, kernel="precomputed").fit(centred @ centred.T, target[:, 0])
    expected = centred @ centred.T @ reference.dual_coef_
    found = columns @ heads.line.weights[:, 0] + heads.line.intercept[0]
    assert found == pytest.approx(expected, abs=1e-4)
    assert kernel @ whitening.over_landmarks(heads.line.weights)[:, 0] + heads.line.intercept[0] == pytest.approx(found)


def test_columns_have_the_kernel_as_their_inner_products():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(30, 2))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2))

    columns = whitening_of(kernel).columns(kernel)

    assert columns @ columns.T == pytest.approx(kernel, abs=1e-4)


def test_held_out_predictions_are_those_of_fits_without_the_fold(monkeypatch):
    """At given penalties, a row's held-out prediction does not move with the labels of its own fold."""
    monkeypatch.setattr(kernel_heads, "PENALTIES", (8.0,))
    columns, quality, fold = simulated(200)
    turned = np.where((fold == 2)[:, None], 1 - quality, quality)

    before, after = (fit_heads(columns, labels, weight=np.ones_like(labels), fold=fold) for labels in (quality, turned))

    assert before.held_out[fold == 2] == pytest.approx(after.held_out[fold == 2])
    assert not np.allclose(before.held_out[fold == 1], after.held_out[fold == 1], atol=1e-3)


def test_nested_predictions_saw_no_label_of_either_fold(monkeypatch):
    monkeypatch.setattr(kernel_heads, "PENALTIES", (8.0,))
    columns, quality, fold = simulated(200)
    turned = np.where((fold == 2)[:, None], 1 - quality, quality)

    before, after = (
        fit_heads(columns, labels, weight=np.ones_like(labels), fold=fold).nested() for labels in (quality, turned)
    )

    assert before[2] == pytest.approx(after[2])
    assert before[1][fold == 2] == pytest.approx(after[1][fold == 2])
    assert not np.allclose(before[1][fold == 3], after[1][fold == 3], atol=1e-3)


def test_gains_have_a_penalty_of_their_own():
    """Where tiers share their level and hardly differ, differences are shrunk more than qualities."""
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(600, 40))
    chance = np.clip(0.5 + columns[:, :8].sum(axis=1) * 0.1, 0.02, 0.98)
    quality = (rng.random((600, 2)) < chance[:, None]).astype(float)

    heads = fit_heads(columns, quality, weight=np.ones_like(quality), fold=np.arange(600) % 5)

    assert heads.gain_penalty > heads.penalties[0]
    _, plain = heads.tiers.chosen()
    errors = [np.abs(each[:, 1] - each[:, 0]).mean() for each in (heads.held_out, plain)]  # true differences are 0
    assert errors[0] < 0.9 * errors[1]


def test_a_row_that_one_tier_did_not_answer_teaches_the_other_and_no_gain():
    """NaN is no label: the tier that has one learns from it, and the gain heads skip the row."""
    columns, quality, fold = simulated(300)
    missing = quality.copy()
    missing[::2, 1] = np.nan
    weight = np.ones_like(quality)

    heads = fit_heads(columns, missing, weight=weight, fold=fold)
    again = fit_heads(columns, np.where(np.isnan(missing), 1.0, missing), weight=~np.isnan(missing) * 1.0, fold=fold)

    assert heads.line.weights == pytest.approx(again.line.weights)
    assert np.isfinite(heads.held_out).all()
    assert heads.gains is not None


def test_few_whole_rows_do_not_overrule_many_labels():
    """In a log whose prompts mostly have one tier's label, the gains' share is at most that of the whole rows.

    14 whole prompts beside 700 labels a tier: their differences are noise, and what the tiers' labels tell stays.
    """
    columns, quality, fold = simulated(1400)
    partial = quality.copy()
    partial[np.arange(1400), np.arange(1400) % 2] = np.nan
    partial[::101] = quality[::101]
    weight = np.ones_like(quality)

    heads = fit_heads(columns, partial, weight=weight, fold=fold)
    _, tiers_alone = heads.tiers.chosen()

    complete, scarcest = 14, int((~np.isnan(partial)).sum(axis=0).min())
    assert 0 < heads.gain_share <= complete / scarcest
    assert np.abs(heads.held_out - tiers_alone).max() < 0.01


def test_a_weight_of_two_is_the_row_twice():
    columns, quality, fold = simulated(150)
    weight = np.ones_like(quality)
    weight[:50] = 2.0
    twice = np.concatenate([np.arange(150), np.arange(50)])

    found = fit_heads(columns, quality, weight=weight, fold=fold)
    expected = fit_heads(columns[twice], quality[twice], weight=np.ones((200, 2)), fold=fold[twice])

    # The weights of a fit are scaled to a mean of 1, so the same penalty weighs 150 rows against 200.
    scaled = expected.tiers.solve([penalty * 200 / 150 for penalty in found.penalties])
    assert found.tiers.solve(found.penalties).weights == pytest.approx(scaled.weights, rel=1e-6)


def test_too_few_folds_for_gains_leave_the_tiers_own_heads():
    columns, quality, _ = simulated(40)

    heads = fit_heads(columns, quality, weight=np.ones_like(quality), fold=np.arange(40) % 2)

    assert (heads.gains, heads.gain_share) == (None, 0.0)


def test_kernels_are_compared_by_the_gains_they_predict():
    """Columns that tell of every tier's level and of no difference have the larger error."""
    rng = np.random.default_rng(5)
    level, gain = rng.normal(size=(2, 400, 1))
    quality = (rng.random((400, 2)) < np.clip(0.5 + 0.3 * level + gain * [-0.1, 0.1], 0, 1)).astype(float)
    weight, fold = np.ones_like(quality), np.arange(400) % 5

    errors = [kernel_error(columns, quality, weight=weight, fold=fold) for columns in (level, gain)]

    assert errors[1] < errors[0]


def test_kernels_are_compared_by_qualities_where_few_rows_have_all_labels():
    rng = np.random.default_rng(6)
    level, noise = rng.normal(size=(2, 400, 1))
    quality = (rng.random((400, 2)) < np.clip(0.5 + 0.3 * level, 0, 1)).astype(float)
    quality[np.arange(400), np.arange(400) % 2] = np.nan
    weight, fold = np.ones_like(quality), np.arange(400) % 5

    errors = [kernel_error(columns, quality, weight=weight, fold=fold) for columns in (noise, level)]

    assert errors[1] < errors[0]
