"""The threshold, and how sure its bound is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from router.cache.semantic.fitting import fewest, fitted, judged, tail, upper
from router.errors import InputError


@given(st.integers(0, 60), st.integers(1, 400), st.floats(0.001, 0.999))
def test_the_tail_is_that_of_the_binomial_distribution(wrong: int, hits: int, share: float) -> None:
    assert pytest.approx(binom.cdf(wrong, hits, share), rel=1e-6, abs=1e-12) == tail(wrong, hits, share)


@given(st.integers(0, 30), st.integers(1, 300), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_upper_bound_is_clopper_and_pearsons(wrong: int, more: int, confidence: float) -> None:
    hits = wrong + more
    assert pytest.approx(beta.ppf(confidence, wrong + 1, hits - wrong), rel=1e-6) == upper(
        wrong, hits, confidence=confidence
    )


def test_a_bound_of_one_percent_needs_299_hits_without_a_wrong_one() -> None:
    assert fewest(0, max_wrong=0.01, confidence=0.95) == 299
    assert fewest(1, max_wrong=0.01, confidence=0.95) == 473


def _pairs(right: int, wrong: int) -> tuple[np.ndarray, list[bool], list[bool]]:
    """Right pairs at cosines down to 0.8, then wrong ones down to 0.5."""
    cosines = np.concatenate((np.linspace(0.99, 0.8, right), np.linspace(0.79, 0.5, wrong)))
    return cosines, [True] * (right + wrong), [True] * right + [False] * wrong


def test_the_threshold_is_the_laxest_one_that_holds_the_bound() -> None:
    found = fitted(*_pairs(100, 50), max_wrong=0.05, confidence=0.95)
    # With 100 right ones, one wrong one still holds 5 %: `tail(1, 101, 0.05)` is 0.037; two do not.
    assert found.sides.hits == 101
    assert found.sides.wrong == 1
    assert found.sides.bound <= 0.05


def test_a_shut_gate_keeps_a_wrong_pair_from_counting() -> None:
    cosines, opened, same = _pairs(100, 50)
    found = fitted(cosines, opened[:100] + [False] * 50, same, max_wrong=0.05, confidence=0.95)
    assert (found.sides.hits, found.sides.wrong, found.sides.pairs) == (100, 0, 150)
    assert found.sides.recall == 1.0
    assert found.sides.precision == 1.0


def test_a_tie_is_taken_or_left_as_a_whole() -> None:
    """All hits of one cosine hit together, so the test is made with all of them."""
    cosines = np.array([0.9] * 60 + [0.8] * 10)
    found = fitted(cosines, [True] * 70, [True] * 60 + [False] * 10, max_wrong=0.05, confidence=0.95)
    assert found.sides.hits == 60
    with pytest.raises(InputError, match="wrong hits"):
        fitted(np.full(70, 0.9), [True] * 70, [True] * 60 + [False] * 10, max_wrong=0.05, confidence=0.95)


def test_too_few_pairs_are_refused_with_how_many_would_do() -> None:
    with pytest.raises(
        InputError, match=r"at least 299 hits .* 100 of the 150 pairs are right ones; with about 450 pairs"
    ):
        fitted(*_pairs(100, 50), max_wrong=0.01, confidence=0.95)


def test_pairs_of_which_none_ask_the_same_are_refused() -> None:
    with pytest.raises(InputError, match="none of the 20 pairs ask the same"):
        fitted(*_pairs(0, 20), max_wrong=0.05, confidence=0.95)


def test_pairs_that_no_gate_lets_through_are_refused() -> None:
    cosines, opened, same = _pairs(100, 0)
    with pytest.raises(InputError, match="let none of the 100 pairs that ask the same through"):
        fitted(cosines, [not each for each in opened], same, max_wrong=0.05, confidence=0.95)


def test_more_pairs_are_not_promised_to_help_where_the_closest_are_wrong() -> None:
    cosines = np.linspace(0.99, 0.9, 100)
    with pytest.raises(InputError, match="more pairs will not help"):
        fitted(cosines, [True] * 100, [False, True] * 50, max_wrong=0.05, confidence=0.95)


def test_a_few_wrong_ones_among_the_closest_want_more_pairs() -> None:
    cosines = np.linspace(0.99, 0.9, 60)
    with pytest.raises(InputError, match=r"1 of the 59 closest pairs .* with about [\d,]+ hits of which as few"):
        fitted(cosines, [True] * 60, [False] + [True] * 59, max_wrong=0.05, confidence=0.95)


def test_the_bound_fails_no_more_often_than_it_says() -> None:
    """Over many files of pairs whose wrong share grows as cosines fall, the true share at the fitted threshold is
    above the bound in at most 5 % of them (and a margin for 400 draws)."""
    random = np.random.default_rng(3)
    failed = 0
    for _ in range(400):
        cosines = random.uniform(0.5, 1.0, 250)
        chance = np.clip((1.0 - cosines) * 0.3, 0, 1)
        same = [bool(each) for each in random.random(250) >= chance]
        try:
            found = fitted(cosines, [True] * 250, same, max_wrong=0.05, confidence=0.95)
        except InputError:
            continue
        hits = cosines >= found.value
        failed += chance[hits].mean() > 0.05
    assert failed <= 0.05 * 400 + 1.65 * (400 * 0.05 * 0.95) ** 0.5


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_what_is_judged_adds_up(pairs: list[tuple[bool, bool]]) -> None:
    found = judged([hit for hit, _ in pairs], [same for _, same in pairs], confidence=0.95)
    assert found.hits - found.wrong <= found.same
    assert found.lookup_bound <= found.bound
    assert (found.precision is None) == (found.hits == 0)
    assert (found.recall is None) == (found.same == 0)
