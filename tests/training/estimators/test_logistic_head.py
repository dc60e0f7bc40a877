"""The quality head: scikit-learn's optimum, an honest cross-validation, and sentences for bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from router.errors import InputError
from training.estimators import QualityClassifier, distinct_rows, fit_standard, grouped_folds, soft_rows, stack_heads


def simulated(n=300, d=8, *, seed=0):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(n, d)) * random.lognormal(size=d)
    logit = (matrix / matrix.std(axis=0))[:, :2].sum(axis=1)
    return matrix, (random.random(n) < 1 / (1 + np.exp(-logit))).astype(int)


@pytest.mark.parametrize("d", [8, 500])
def test_the_optimum_is_scikit_learns(d):
    """The coefficients equal LogisticRegression's at the chosen C, with fewer columns than rows and with more."""
    matrix, labels = simulated(200, d)
    head = QualityClassifier().fit(matrix, labels)
    standard = (matrix - head.mean_) / head.scale_
    reference = LogisticRegression(C=head.C_, tol=1e-12, solver="newton-cholesky").fit(standard, labels)

    assert np.abs(head.coef_ - reference.coef_[0]).max() < 1e-7
    assert head.intercept_ == pytest.approx(reference.intercept_[0], abs=1e-7)


def test_held_out_logits_are_the_other_folds_models():
    """Each row's is what a model of the other folds says, at the chosen C on the same standardised columns."""
    matrix, labels = simulated()
    folds = np.arange(300) % 4
    head = QualityClassifier().fit(matrix, labels, folds=folds)
    standard = (matrix - head.mean_) / head.scale_
    for number in range(4):
        inside = folds != number
        reference = LogisticRegression(C=head.C_, tol=1e-10, solver="newton-cholesky")
        logits = reference.fit(standard[inside], labels[inside]).decision_function(standard[~inside])
        assert np.abs(head.oof_logits_[~inside] - logits).max() < 1e-3
    assert np.array_equal(head.folds_, folds)


def test_groups_share_a_fold():
    """Rows of one group are never on both sides."""
    matrix, labels = simulated()
    groups = np.array([f"talk-{place % 60}" for place in range(300)])
    head = QualityClassifier().fit(matrix, labels, groups=groups)

    assert {len(set(head.folds_[groups == name])) for name in groups} == {1}
    assert sorted(set(head.folds_)) == [0, 1, 2, 3, 4]


def test_the_one_standard_error_rule_never_penalises_less():
    """It takes the strongest penalty that is as good but for chance."""
    matrix, labels = simulated()
    least = QualityClassifier().fit(matrix, labels)
    simplest = QualityClassifier(selection="one_standard_error").fit(matrix, labels)

    assert simplest.C_ <= least.C_


def test_a_rare_class_gets_the_strongest_penalty_and_nothing_held_out():
    """With one bad answer there are no two folds; the held-out logits say so by NaN."""
    matrix, _ = simulated(20)
    labels = np.ones(20, int)
    labels[3] = 0
    head = QualityClassifier().fit(matrix, labels)

    assert min(head.Cs) == head.C_
    assert np.isnan(head.oof_logits_).all()
    assert set(head.folds_) == {-1}


@pytest.mark.parametrize(
    ("labels", "options", "words"),
    [
        (np.ones(20, int), {}, "every label is of one class"),
        (np.arange(20) % 2, {"scoring": "auc"}, "scoring is 'auc'; it is 'log_loss' or 'brier'"),
        (np.arange(20) % 2, {"selection": "best"}, "selection is 'best'"),
        (np.arange(20) % 2, {"Cs": (0.1, -1.0)}, "give one or more numbers above 0"),
        (np.arange(20) % 3, {}, "Only binary classification is supported"),
    ],
)
def test_bad_input_is_one_sentence(labels, options, words):
    """One class, three classes and unknown options are each told in a sentence."""
    with pytest.raises(InputError, match=words):
        QualityClassifier(**options).fit(np.zeros((20, 2)), labels)


def test_groups_of_another_length_are_refused():
    """There is one group per row."""
    matrix, labels = simulated(20)

    with pytest.raises(InputError, match="19 groups for 20 rows"):
        QualityClassifier().fit(matrix, labels, groups=np.arange(19))


def test_heads_on_one_standard_stack():
    """Two tiers' heads become one model with both logits; on different standards they do not."""
    matrix, labels = simulated()
    standard = fit_standard(matrix, weight=np.ones(300))
    heads = [QualityClassifier(standard=standard).fit(matrix[part], labels[part]) for part in (slice(200), slice(300))]
    both = stack_heads([head.export() for head in heads])

    assert both.logits(matrix[0]) == pytest.approx([head.decision_function(matrix[:1])[0] for head in heads])
    with pytest.raises(InputError, match="same `standard`"):
        stack_heads([heads[0].export(), QualityClassifier().fit(matrix[:50], labels[:50]).export()])


def test_soft_rows_leave_hard_labels_single_and_unlabelled_ones_out():
    """NaN is no label and never zero; 0 and 1 stay one row each; the rest are two."""
    rows = soft_rows(np.arange(4.0)[:, None], np.array([1.0, np.nan, 0.25, 0.0]), np.array([2.0, 1.0, 4.0, 1.0]))

    assert rows.source.tolist() == [0, 2, 2, 3]
    assert rows.y.tolist() == [1, 1, 0, 0]
    assert rows.weight.tolist() == [2.0, 1.0, 3.0, 1.0]


@pytest.mark.parametrize(
    ("quality", "weight", "words"),
    [
        ([0.5, 1.2], None, "the label of row 1 is 1.2; qualities are between 0 and 1"),
        ([0.5, 1.0], [1.0, -1.0], "a label's weight is below 0"),
        ([0.5], None, "2 rows, 1 labels"),
    ],
)
def test_soft_rows_refuse_what_is_no_quality(quality, weight, words):
    """Labels outside [0, 1], negative weights and missing rows are each told in a sentence."""
    with pytest.raises(InputError, match=words):
        soft_rows(np.zeros((2, 1)), np.array(quality), None if weight is None else np.array(weight))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(1, 3)), min_size=2, max_size=80),
    st.integers(2, 6),
)
def test_folds_keep_groups_whole_and_classes_on_every_side(rows, folds):
    """Whatever the groups: none is split, and every complement of a fold has both classes."""
    group = np.unique([row[0] for row in rows], return_inverse=True)[1]
    target, weight = np.array([float(row[1]) for row in rows]), np.array([float(row[2]) for row in rows])
    fold = grouped_folds(group, target=target, weight=weight, folds=folds)
    if fold is None:
        return
    assert all(len(set(fold[group == number])) == 1 for number in set(group.tolist()))
    for number in range(int(fold.max()) + 1):
        assert 0 < target[fold != number].mean() < 1


def test_rows_of_different_groups_stay_apart():
    """Equal rows are one row only within a group; -0.0 equals 0.0, and NaN equals NaN."""
    matrix = np.array([[0.0, np.nan], [-0.0, np.nan], [0.0, np.nan], [1.0, 2.0]])

    assert len(distinct_rows(matrix).first) == 2
    assert len(distinct_rows(matrix, groups=["a", "a", "b", "b"]).first) == 3
