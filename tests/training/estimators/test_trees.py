"""Trees: the runtime's walk ends where scikit-learn's does, and damaged arrays are refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from router.estimators import pack
from router.trees import TreeModel, check_trees, join_trees
from training.estimators import QualityClassifier, TreeEnsemble
from training.estimators.bins import fit_bins
from training.estimators.threads import one_thread
from training.estimators.tree_ensemble import _blend, export_trees


def simulated(n=400, *, seed=0):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(n, 5))
    matrix[:, 3] = random.integers(0, 4, n)
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    matrix[:, 4] = np.where(random.random(n) < 0.4, np.nan, 1.0)  # only whether it is there says something
    logit = np.nan_to_num(matrix[:, 0] * matrix[:, 1]) * 2 + 2 * np.isnan(matrix[:, 4]) - 1
    return matrix, (random.random(n) < 1 / (1 + np.exp(-logit))).astype(int)


@pytest.fixture(scope="module")
def fitted():
    matrix, labels = simulated()
    return TreeEnsemble(max_trees=30, min_samples_leaf=5).fit(matrix, labels)


@one_thread()
def test_every_walk_ends_in_scikit_learns_leaf():
    """The sums equal the booster's decision function, on rows with missing numbers and on rows never seen."""
    matrix, labels = simulated()
    bins = fit_bins(matrix)
    booster = HistGradientBoostingClassifier(max_iter=20, max_depth=4, early_stopping=False, min_samples_leaf=5)
    model = export_trees(booster.fit(bins.codes(matrix), labels), bins=bins)
    fresh, _ = simulated(seed=1)
    expected = booster.decision_function(bins.codes(fresh))

    assert max(abs(model.logits(row)[0] - logit) for row, logit in zip(fresh, expected, strict=True)) < 1e-9
    assert np.isin(1e15, model.threshold), "no split on missingness was tried"


def test_trees_find_what_no_line_does(fitted):
    """On simulated labels that follow a product of two columns, the blend ranks better than the linear head."""
    from training.metrics import auroc

    matrix, labels = simulated(800, seed=2)
    linear = QualityClassifier().fit(*simulated())

    assert auroc(fitted.decision_function(matrix), labels) > auroc(linear.decision_function(matrix), labels) + 0.05
    assert (fitted.blend_[:2] >= 0).all()


def test_joined_trees_are_one_logit_a_tier(fitted):
    """Two tiers' trees in one model give both logits, in order."""
    trees = fitted.export().trees
    joined = join_trees([trees, fitted.trees_])
    row = simulated()[0][0]

    assert joined.logits(row) == pytest.approx([trees.logits(row)[0], fitted.trees_.logits(row)[0]])


def test_without_folds_it_is_the_linear_head():
    """One label of the rarer kind leaves nothing to choose trees by."""
    matrix, _ = simulated(30)
    labels = np.ones(30, int)
    labels[0] = 0
    found = TreeEnsemble().fit(matrix, labels)

    assert found.n_trees_ == 0
    assert np.array_equal(found.decision_function(matrix), found.linear_.decision_function(matrix))


def test_a_column_of_which_nothing_is_known_does_no_harm():
    """With weights that differ, all-NaN columns are left alone, in every fold and in all."""
    matrix, labels = simulated()
    wider = np.column_stack((matrix, np.full(len(matrix), np.nan)))
    weight = np.random.default_rng(0).integers(1, 3, len(labels))
    narrow = TreeEnsemble(max_trees=5).fit(matrix, labels, sample_weight=weight)
    wide = TreeEnsemble(max_trees=5).fit(wider, labels, sample_weight=weight)

    assert wide.trees_.feature.max() < 5
    assert np.isfinite(wide.decision_function(wider)).all()
    assert len(narrow.trees_.roots) == len(wide.trees_.roots)


def test_sound_arrays_pass_the_check(fitted):
    """What training exports is what a bundle may hold."""
    assert check_trees(pack(fitted.export().trees, "t"), "t", columns=5, tiers=1) is None


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("feature", lambda found: np.full_like(found, 5), "t.feature points at 5, and there are 5"),
        ("roots", lambda found: found + np.uint32(10**6), "t.roots points at"),
        ("head", lambda found: found + np.uint32(1), "t.head points at 1, and there are 1"),
        ("left", np.zeros_like, "whose child does not stand behind it"),
        ("missing_left", lambda found: found + np.uint8(2), "neither 0 nor 1"),
        ("threshold", lambda found: found + np.nan, "t.threshold holds NaN"),
        ("value", lambda found: found + np.inf, "t.value holds NaN, infinity"),
        ("value", lambda found: found[1:], "t.value has the shape"),
        ("intercept", lambda _: np.zeros(2), r"t.intercept has the shape \(2,\), where \(1,\) is wanted"),
        ("left", lambda found: found.astype(float), "t.left holds float64 and not indices"),
        ("threshold", lambda found: np.zeros(len(found), np.uint32), "and not floating-point numbers"),
    ],
)
def test_damaged_arrays_are_refused(fitted, name, change, words):
    """Whatever would make a walk fail, loop or overflow is found when the bundle is loaded."""
    arrays = pack(fitted.export().trees, "t")
    arrays[f"t.{name}"] = change(arrays[f"t.{name}"])

    with pytest.raises(ValueError, match=words):
        check_trees(arrays, "t", columns=5, tiers=1)


def test_a_missing_array_and_a_bottomless_tree_are_refused(fitted):
    """A tree of a hundred levels would make a request take long."""
    arrays = pack(fitted.export().trees, "t")
    del arrays["t.right"]
    with pytest.raises(ValueError, match=r"the array t\.right is missing"):
        check_trees(arrays, "t", columns=5, tiers=1)
    chain = np.minimum(np.arange(1, 101), 99).astype(np.uint32)
    zero = np.zeros(100)
    deep = TreeModel(
        feature=chain * 0, threshold=zero, left=chain, right=chain, missing_left=zero.astype(np.uint8), value=zero,
        roots=chain[:1] * 0, head=chain[:1] * 0, intercept=zero[:1],
    )  # fmt: skip
    with pytest.raises(ValueError, match="more than 32 levels"):
        check_trees(pack(deep, "t"), "t", columns=1, tiers=1)


def test_two_members_that_both_count_against_themselves_leave_the_base_rate():
    """Held-out logits that point the wrong way are both left out, and nothing is divided by zero."""
    rng = np.random.default_rng(0)
    target = (rng.random(300) < 0.3).astype(float)
    wrong = -5 * (target - 0.5)
    held = np.column_stack((wrong, wrong)) + rng.normal(size=(300, 2)) / 10

    first, second, shift = _blend(held, target, np.ones(300))

    assert (first, second) == (0.0, 0.0)
    assert 1 / (1 + np.exp(-shift)) == pytest.approx(target.mean(), abs=0.01)
