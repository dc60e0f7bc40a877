"""What a prompt's numbers say: how many, how large, of which kind."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.features import FIGURES, FORM, HAND, prompt_features
from tests.kit import ask

NONE = dict.fromkeys(FIGURES, 0.0)


def figures(prompt):
    found = prompt_features(ask(prompt)).hand[len(FORM) :]
    return dict(zip(FIGURES, found.tolist(), strict=True))


def test_the_figures_are_the_last_of_the_hand_made_features():
    assert (*FORM, *FIGURES) == HAND


def test_a_prompt_without_numbers_has_none():
    assert figures("Who wrote it?") == NONE


def test_equal_numbers_count_once():
    found = figures("Add 7 and 7 and 12.")

    assert found["log_distinct_numbers"] == pytest.approx(math.log1p(2))


def test_the_largest_number_is_told_as_a_magnitude_alone():
    """A bundle keeps the figures of training prompts, and no number is to be read from them."""
    one, other = (figures(f"Pay {number} to account 7.") for number in ("61,234", "58765"))

    assert one == other
    assert one["log_largest_number"] == 11  # e^11 is 59,874
    assert one["log_number_range"] == 9


@pytest.mark.parametrize(
    ("prompt", "figure", "count"),
    [
        ("From 3 to 11 and 250", "log_small_numbers", 1),
        ("Pay 2.50 and 1,000.25, not 3.", "log_decimals", 2),
        ("Take 3/4 of it", "log_fractions", 1),
        ("5% of 20%", "log_percents", 2),
        ("$5 or $6", "log_dollars", 2),
        ("Twice as many, then half, then HALF again", "log_ratio_words", 3),
        ("More than Tom, less than Ann", "log_comparison_words", 4),
    ],
)
def test_kinds_of_numbers_are_counted(prompt, figure, count):
    assert figures(prompt)[figure] == pytest.approx(math.log1p(count))


@given(st.text(alphabet="0123456789,./%$ .-", min_size=1, max_size=60).filter(str.strip))
def test_any_run_of_digits_and_signs_has_finite_figures(prompt):
    assert all(math.isfinite(value) and value >= 0 for value in figures(prompt).values())


def test_a_number_of_a_thousand_digits_is_only_large():
    assert math.isfinite(figures("9" * 1000)["log_largest_number"])
