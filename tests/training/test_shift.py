"""How far a quantity, a name or a sample of prompts has moved, on simulated numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.mmd import discrepancy
from training.stability import Histogram, Shift, Tally, stability


def test_psi_by_hand():
    """Two bins, half and half in training, one to three now: (0.25 - 0.5) ln(0.25/0.5) + (0.75 - 0.5) ln(0.75/0.5)."""
    expected = -0.25 * math.log(0.5) + 0.25 * math.log(1.5)
    found = stability(np.array([0.5, 0.5]), np.array([25.0, 75.0]), n=100)
    assert found.psi == pytest.approx(expected, abs=1e-3)
    assert stability(np.array([0.5, 0.5]), np.array([0.0, 0.0]), n=100) == Shift(0.0, 1.0, 0)


def test_bins_between_ties_are_fewer():
    """A constant has one edge, and stays a distribution; so does a quantity that was never known."""
    constant = Histogram.of(np.ones(50))
    assert constant.edges == (1.0,)
    assert constant.shift(np.ones(80)).psi == pytest.approx(0.0)
    assert Histogram.of(np.full(50, math.nan)).shift(np.full(80, math.nan)).psi == pytest.approx(0.0)


def test_a_name_that_is_new_is_a_shift():
    """A tier that training did not know is a bin that was empty."""
    tally = Tally.of(["small"] * 70 + ["large"] * 30)
    assert tally.shift(["small"] * 70 + ["large"] * 30).psi == pytest.approx(0.0)
    assert tally.shift(["small"] * 70 + ["other"] * 30).psi > 1


def test_the_permutation_test_errs_as_often_as_it_says():
    """Under one distribution p <= 0.1 in about a tenth of simulated pairs, under two always."""
    rng = np.random.default_rng(4)
    low = sum(
        discrepancy(rng.normal(size=(60, 5)), rng.normal(size=(80, 5)), seed=trial).p_value <= 0.1
        for trial in range(60)
    )
    # Three standard errors of 60 trials are 12 points.
    assert 1 <= low <= 13
    assert discrepancy(rng.normal(size=(60, 5)), rng.normal(1.0, 1.0, size=(80, 5))).p_value <= 0.002


def test_the_discrepancy_is_unbiased():
    """The mean of MMD^2 over pairs of one distribution is 0, and may be negative for one pair."""
    rng = np.random.default_rng(5)
    found = np.array([discrepancy(rng.normal(size=(40, 3)), rng.normal(size=(40, 3))).squared for _ in range(50)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(50)
    assert found.min() < 0


def test_prompts_that_are_all_alike_do_not_differ():
    """Without any spread there is nothing to compare."""
    assert discrepancy(np.ones((60, 3)), np.ones((60, 3))).p_value == 1.0
