"""The confidence scorer with trees, where tiers do not have the same labels. All data is simulated."""

from __future__ import annotations

import numpy as np
import pytest

from training.heads import folds_of
from training.scorer_fit import fit_blend

N = 400


@pytest.fixture(scope="module")
def rows():
    """Columns far from mean 0, with numbers missing."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=(N, 3)) + 2
    found[rng.random(found.shape) < 0.1] = np.nan
    return found


@pytest.fixture(scope="module")
def quality(rows):
    """Each of two tiers is told apart by a column of its own."""
    luck = np.random.default_rng(1).logistic(size=(N, 2))
    return (np.nan_to_num(rows[:, :2], nan=2.0) - 2 + luck > 0).astype(float)


FOLD = folds_of([str(row) for row in range(N)])


def fitted(rows, quality):
    weights = np.where(np.isnan(quality), 0.0, 1.0)
    views = {int(number): rows for number in np.unique(FOLD)}
    return fit_blend(rows, views, quality=quality, weights=weights, fold=FOLD)


def served(model, rows):
    return np.array([model.logits(row) for row in rows])


def test_a_tier_with_fewer_labels_is_served_as_it_would_be_alone(rows, quality):
    """Its labels on some rows only, as an escalation leaves them, do not put its numbers on another tier's scale."""
    part = quality.copy()
    part[np.nan_to_num(rows[:, 0]) > 2, 1] = np.nan

    together, held = fitted(rows, part)
    alone, held_alone = fitted(rows, part[:, 1:])

    assert served(together, rows)[:, 1] == pytest.approx(served(alone, rows)[:, 0])
    assert held[:, 1].tolist() == held_alone[:, 0].tolist()


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_tier_of_one_class_is_a_constant_beside_one_that_is_learned(rows, quality, label):
    """A tier that is always right is no reason to stop."""
    same = quality.copy()
    same[:, 1] = label

    model, held = fitted(rows, same)

    logits = served(model, rows)
    assert np.ptp(logits[:, 1]) == 0
    assert (logits[0, 1] > 3) == (held[0, 1] > 3) == bool(label)
    assert np.ptp(logits[:, 0]) > 1
