"""Logistic heads: what labels, weights and folds do to them. All data is simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.estimators import sigmoid
from training.heads import FOLDS, fit_head, folds_of

C = (0.1, 1.0)


class Sample:
    """Rows whose first column tells of the label."""

    def __init__(self, n=200, *, seed=0):
        rng = np.random.default_rng(seed)
        self.matrix = rng.normal(size=(n, 4))
        self.quality = (rng.random(n) < sigmoid(1.5 * self.matrix[:, 0] + 0.3)).astype(float)
        self.weight = np.ones(n)
        self.fold = folds_of([f"k{row}" for row in range(n)])


def fitted(matrix, quality, weight, fold, *, penalties=C):
    return fit_head(matrix, quality, weight=weight, fold=fold, penalties=penalties)


def close(one, other, tolerance=1e-4):
    assert other.weights == pytest.approx(one.weights, abs=tolerance)
    assert other.intercept == pytest.approx(one.intercept, abs=tolerance)


def test_a_label_between_counts_as_both_classes_in_proportion():
    """A quality of 0.7 is seven rows that are right and three that are wrong, of a tenth's weight each."""
    s = Sample(60)
    soft = np.where(s.quality == 1, 0.7, 0.2)
    rows = np.repeat(np.arange(60), 10)
    hard = (np.tile(np.arange(10), 60) < np.repeat(np.round(soft * 10), 10)).astype(float)

    one = fitted(s.matrix, soft, s.weight, s.fold, penalties=(1.0,))
    other = fitted(s.matrix[rows], hard, np.full(600, 0.1), s.fold[rows], penalties=(1.0,))

    close(one, other, 1e-3)


def test_a_weight_is_a_repetition():
    """A row of weight 3 counts as the same row three times."""
    s = Sample(80)
    times = np.random.default_rng(1).integers(1, 4, 80)
    rows = np.repeat(np.arange(80), times)

    one = fitted(s.matrix, s.quality, times.astype(float), s.fold, penalties=(1.0,))
    other = fitted(s.matrix[rows], s.quality[rows], np.ones(len(rows)), s.fold[rows], penalties=(1.0,))

    close(one, other, 1e-3)


def test_rows_without_a_label_teach_nothing_and_are_told_a_chance():
    """NaN is no label, and neither is a weight of 0."""
    s = Sample()
    unlabelled = np.arange(200) % 4 == 0
    part = np.where(unlabelled, np.nan, s.quality)
    keep = ~unlabelled

    one = fitted(s.matrix, part, s.weight, s.fold, penalties=(1.0,))
    other = fitted(s.matrix[keep], s.quality[keep], s.weight[keep], s.fold[keep], penalties=(1.0,))
    third = fitted(s.matrix, s.quality, np.where(unlabelled, 0.0, 1.0), s.fold, penalties=(1.0,))

    close(one, other)
    close(one, third)
    assert np.isfinite(one.logits).all()
    assert one.logits[keep] == pytest.approx(other.logits, abs=1e-4)


def test_no_logit_is_from_a_fit_that_saw_the_rows_label():
    """Turning the labels of one fold round leaves that fold's logits as they were, and moves the others'."""
    s = Sample()
    held = s.fold == 2
    turned = np.where(held, 1 - s.quality, s.quality)

    before = fitted(s.matrix, s.quality, s.weight, s.fold, penalties=(1.0,)).logits
    after = fitted(s.matrix, turned, s.weight, s.fold, penalties=(1.0,)).logits

    assert after[held] == pytest.approx(before[held], abs=1e-9)
    assert np.abs(after[~held] - before[~held]).min() > 1e-3


def test_the_penalty_is_the_one_of_least_loss_out_of_fold():
    """Where nothing can be learned the strongest is chosen, where much can a weak one."""
    s = Sample(300)
    noise = np.random.default_rng(5).permutation(s.quality)
    penalties = (1e-4, 1e-2, 1.0)

    assert fitted(s.matrix, noise, s.weight, s.fold, penalties=penalties).penalty == 1e-4
    assert fitted(s.matrix, s.quality, s.weight, s.fold, penalties=penalties).penalty == 1.0


@pytest.mark.parametrize(("label", "sign"), [(1.0, 1), (0.0, -1)])
def test_labels_of_one_class_make_a_constant(label, sign):
    """It is the base rate with one pseudo-count of each class, so it is never sure."""
    s = Sample(98)

    found = fitted(s.matrix, np.full(98, label), s.weight, s.fold)

    assert found.weights.tolist() == [0.0] * 4
    assert found.intercept == pytest.approx(sign * np.log(99))
    assert found.penalty == 0
    assert (np.sign(found.logits) == sign).all()
    for number in range(FOLDS):
        others = (s.fold != number).sum()
        assert found.logits[s.fold == number] == pytest.approx(sign * np.log(others + 1))


def test_no_label_at_all_makes_an_even_chance():
    """Nothing is known, and nothing is pretended."""
    s = Sample(20)

    found = fitted(s.matrix, np.full(20, np.nan), s.weight, s.fold)

    assert (found.intercept, found.logits.tolist()) == (0.0, [0.0] * 20)


def test_a_class_that_only_one_fold_has_makes_a_constant():
    """Leaving that fold out leaves one class, from which no slope is fitted."""
    s = Sample(100)
    lone = np.ones(100)
    lone[np.flatnonzero(s.fold == 0)[:1]] = 0.0

    assert fitted(s.matrix, lone, s.weight, s.fold).penalty == 0


@settings(max_examples=30)
@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60), st.integers(0, 5))
def test_rows_that_share_a_key_share_a_fold(keys, seed):
    """Otherwise a fold would be judged by a fit that saw the same prompt."""
    found = folds_of(keys, seed=seed)

    assert len(set(zip(keys, found.tolist(), strict=True))) == len(set(keys))
    assert found.min() >= 0
    assert found.max() < FOLDS
    assert folds_of(keys[::-1], seed=seed).tolist() == found.tolist()[::-1]


def test_folds_are_of_nearly_equal_size():
    """By distinct keys."""
    counts = np.bincount(folds_of([f"k{row}" for row in range(103)]), minlength=FOLDS)

    assert counts.max() - counts.min() <= 1


def test_a_trusted_column_keeps_its_say_when_the_others_are_shrunk_to_nothing():
    """With few labels a confidence is not to be dragged down by a hundred columns of noise."""
    s = Sample(60)
    noise = np.random.default_rng(8).normal(size=(60, 100))
    matrix = np.column_stack([s.matrix[:, :1], noise])
    trusted = np.arange(101) == 0
    hard = (1e-4,)

    plain = fit_head(matrix, s.quality, weight=s.weight, fold=s.fold, penalties=hard)
    kept = fit_head(matrix, s.quality, weight=s.weight, fold=s.fold, penalties=hard, trusted=trusted)

    assert abs(plain.weights[0]) < 0.05
    assert kept.weights[0] > 0.5
    assert np.abs(kept.weights[1:]).max() < 0.01
