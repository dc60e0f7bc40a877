"""The confidence scorer with trees, where tiers do not have the same labels. All data is simulated."""

from __future__ import annotations

import numpy as np
import pytest

from router.features import HAND
from router.signals import NAMES
from router.trees import Blend
from training.forest_fit import fit_forest
from training.heads import folds_of
from training.metrics import auroc
from training.rungs import RUNGS, confidences
from training.scorer_fit import FOREST, fit_blend, fit_linear, fit_state

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


RUNG = {rung.name: rung for rung in RUNGS}


def answered(*, confident=True):
    """The scorer's input after the only answer of two tiers: its own log-probability tells, and so does a word."""
    rng = np.random.default_rng(5)
    found = rng.normal(size=(N, 2 + len(HAND) + len(NAMES)))
    for place in confidences(2, (0,))[0]:
        found[:, place] = np.nan
    told = rng.normal(size=N)
    if confident:
        found[:, confidences(2, (0,))[0][0]] = told
    labels = (np.column_stack([told, told]) + found[:, [3]] + rng.logistic(size=(N, 2)) > 0).astype(float)
    return found, labels


def state(name, found, labels):
    views = {int(number): found for number in np.unique(FOLD)}
    return fit_state(found, views, RUNG[name], (0,), quality=labels, weights=np.ones_like(labels), fold=FOLD)


def heads(name, found, labels):
    views = {int(number): found for number in np.unique(FOLD)}
    return fit_linear(found, views, RUNG[name], (0,), quality=labels, weights=np.ones_like(labels), fold=FOLD)


def test_the_places_of_confidences_are_those_that_are_trusted():
    """Wherever in the input an answer's own stand, chances from the prompt and agreement left aside."""
    for tiers, run in ((2, (0,)), (3, (0, 2)), (3, (0, 1, 2))):
        flat = [place for places in confidences(tiers, run) for place in places]
        trusted = np.flatnonzero(RUNG["confidence"].trusts(tiers, run))
        pairs = len(run) * (len(run) - 1)
        assert flat == trusted[: len(trusted) - pairs].tolist()


def test_where_an_answer_has_a_confidence_heads_that_read_it_alone_have_half_the_say():
    """Out of fold as at run time."""
    found, labels = answered()
    fitted_state = state("answer", found, labels)
    (full, full_held), (few, few_held) = heads("answer", found, labels), heads("confidence", found, labels)

    assert fitted_state.logits == pytest.approx((full_held + few_held) / 2)
    assert served(fitted_state.model, found) == pytest.approx((served(full, found) + served(few, found)) / 2)
    assert np.abs(full_held - few_held).max() > 0.1


def test_where_no_answer_has_a_confidence_nothing_stands_beside():
    """The base rate, which such heads would say, is not averaged with what is known."""
    found, labels = answered(confident=False)

    assert state("answer", found, labels).logits.tolist() == heads("answer", found, labels)[1].tolist()


def test_the_forest_stands_beside_the_linear_heads():
    """In the shares that are told, out of fold as at run time, and the two together tell what is to be told."""
    found, labels = answered()
    fitted_state = state("forest", found, labels)
    views = {int(number): found for number in np.unique(FOLD)}
    trees, held = fit_forest(found, views, quality=labels, weights=np.ones_like(labels), fold=FOLD)
    linear, linear_held = heads("forest", found, labels)

    assert isinstance(fitted_state.model, Blend)
    assert fitted_state.logits == pytest.approx(FOREST * held + (1 - FOREST) * linear_held)
    assert served(fitted_state.model, found) == pytest.approx(
        FOREST * served(trees, found) + (1 - FOREST) * served(linear, found)
    )
    assert auroc(fitted_state.logits[:, 0], labels[:, 0]) > 0.7
