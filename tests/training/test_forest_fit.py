"""The forest that all tiers share: what is exported is what was fitted. All data is simulated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from router.bundle import LIMIT
from router.estimators import pack, sigmoid
from router.trees import check_trees
from training import forest_fit
from training.estimators.bins import fit_bins
from training.forest_fit import DEPTH, LEAF, PRIOR, SHARE, TREES, fit_forest, least_rows
from training.metrics import auroc
from training.table import states


class Sample:
    """Rows of which two columns tell the quality of two tiers, the first only where the second is above 0."""

    def __init__(self, n=700, *, seed=0):
        rng = np.random.default_rng(seed)
        self.rows = rng.normal(size=(n, 5))
        told = np.where(self.rows[:, 1] > 0, 2.5 * self.rows[:, 0], 0.0)
        chance = 1 / (1 + np.exp(-np.column_stack([told, told + 1])))
        self.quality = (rng.random((n, 2)) < chance).astype(float)
        self.weights = np.ones((n, 2))
        self.fold = np.arange(n) % 5
        self.rows[::7, 2] = np.nan
        self.views = dict.fromkeys(range(5), self.rows)

    def fit(self):
        return fit_forest(self.rows, self.views, quality=self.quality, weights=self.weights, fold=self.fold)


@pytest.fixture(scope="module")
def sample():
    return Sample()


@pytest.fixture(scope="module")
def fitted(sample):
    return sample.fit()


def test_what_no_line_tells_is_found_out_of_fold(sample, fitted):
    """A column that means something on one kind of row only."""
    _, logits = fitted
    kind = sample.rows[:, 1] > 0

    assert auroc(logits[kind, 0], sample.quality[kind, 0]) > 0.75
    assert auroc(logits[~kind, 0], sample.quality[~kind, 0]) < 0.65


def test_the_exported_trees_tell_both_tiers_also_where_a_number_is_missing(sample, fitted):
    """On rows that were never seen, the runtime's walk ranks as well as it does out of fold; NaN included."""
    model, _ = fitted
    fresh = Sample(400, seed=1)

    logits = np.array([model.logits(row) for row in fresh.rows])

    kind = fresh.rows[:, 1] > 0
    assert np.isfinite(logits).all()
    assert all(auroc(logits[kind, tier], fresh.quality[kind, tier]) > 0.75 for tier in (0, 1))


def test_the_runtime_walks_to_what_the_leaves_say(sample, fitted):
    """On its own rows, the forest's mean is that of the labels: no leaf is lost or counted twice."""
    model, _ = fitted
    chances = sigmoid(np.array([model.logits(row) for row in sample.rows]))

    assert chances.mean(axis=0) == pytest.approx(sample.quality.mean(axis=0), abs=0.03)


def test_the_arrays_pass_the_bundles_checks(fitted):
    """Children behind their parents, no deeper than may be, every index within its bounds."""
    model, _ = fitted
    check_trees(pack(model, "scorer.1.trees"), "scorer.1.trees", columns=5, tiers=2)

    assert DEPTH <= 32
    assert len(model.feature) <= 2 * TREES * 2 * 700 / LEAF


def test_the_exported_forest_is_scikit_learns_row_by_row(sample, fitted):
    """Every leaf that the runtime walks to is scikit-learn's, also where a number is missing, and says the logit of its
    mean, two rows of the base rate added.
    """
    model, _ = fitted
    rows = np.vstack([sample.rows, Sample(300, seed=1).rows])
    bins = fit_bins(sample.rows)
    codes = [np.where(np.isnan(found), -1.0, found) for found in map(bins.codes, (sample.rows, rows))]
    reference = ExtraTreesRegressor(
        TREES, min_samples_leaf=LEAF, max_features=SHARE, max_depth=DEPTH, random_state=0
    ).fit(codes[0], sample.quality)  # fmt: skip

    base = (sample.quality.sum(axis=0) + 1) / (len(sample.rows) + 2)
    expected = np.zeros((len(rows), 2))
    for tree in reference.estimators_:
        ends = tree.apply(codes[1])
        count = tree.tree_.n_node_samples[ends][:, None]
        share = (count * tree.predict(codes[1]) + PRIOR * base) / (count + PRIOR)
        expected += np.log(share / (1 - share)) / TREES

    assert np.abs(np.array([model.logits(row) for row in rows]) - expected).max() < 1e-9


@pytest.mark.parametrize("lacking", ["a label", "weight"])
def test_rows_that_lack_a_label_have_no_say(lacking):
    """Whatever the other tier's label says, to the last bit; and they are predicted like any other."""

    def holed(label):
        made = Sample()
        made.rows[650:] = made.rows[:50]  # as rows that do count, and with the contrary label
        made.quality[650:] = np.column_stack([np.full(50, np.nan), np.full(50, label)])
        if lacking == "weight":
            made.quality[650:, 0] = 1 - label
            made.weights[650:, 0] = 0.0
        return made.fit()

    (one, one_held), (other, other_held) = holed(0.0), holed(1.0)

    assert one_held.tolist() == other_held.tolist()
    assert np.isfinite(one_held).all()
    assert [array.tolist() for array in pack(one, "").values()] == [
        array.tolist() for array in pack(other, "").values()
    ]


def test_leaves_grow_with_the_log_so_that_the_bundle_does_not():
    """Twenty rows up to 10,000 of up to five tiers; beyond, no tree can have more nodes than a bundle has room for."""
    assert {least_rows(rows, tiers=tiers) for rows in (40, 3140, 10_000) for tiers in (2, 3, 5)} == {LEAF}
    assert [least_rows(rows, tiers=2) for rows in (20_000, 1_000_000)] == [40, 2000]

    for rows, tiers in itertools.product((2_000, 9_999, 10_001, 123_456), (1, 2, 5, 6, 9, 14)):
        nodes = 2 * rows / least_rows(rows, tiers=tiers)
        assert 29 * nodes * TREES * tiers * len(states(tiers)) < 0.95 * LIMIT


def test_a_tree_has_no_more_leaves_than_its_rows_allow(monkeypatch):
    """The least rows in a leaf are those of the fit on all rows."""
    monkeypatch.setattr(forest_fit, "LEAVES", 5)

    trees = Sample().fit()[0]

    assert len(trees.feature) <= 2 * TREES * 2 * 5


def test_no_leaf_is_certain_also_where_all_its_labels_are_alike():
    """Nor is a tier that was always right; and the order stays that of the labels."""
    made = Sample()
    made.quality = np.column_stack([made.rows[:, 0] > 0, np.ones(len(made.rows))]).astype(float)

    model, held = made.fit()

    served = np.array([model.logits(row) for row in made.rows])
    for logits in (held, served):
        assert np.isfinite(logits).all()
        assert np.abs(logits[:, 0]).max() < np.log(LEAF * 2.0 + 2)
        assert (logits[:, 1] > np.log(LEAF)).all()
    assert auroc(held[:, 0], made.quality[:, 0]) > 0.95


def test_out_of_fold_logits_are_calibrated(sample, fitted):
    """Prompts that are given a chance are acceptable as often as it says, by halves."""
    _, held = fitted
    chance = sigmoid(held[:, 0])
    high = chance > np.median(chance)

    for half in (high, ~high):
        assert chance[half].mean() == pytest.approx(sample.quality[half, 0].mean(), abs=0.06)
