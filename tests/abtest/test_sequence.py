"""The confidence sequence: it holds at every look, where an interval made for one look does not. All data simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.abtest.power import sample_size
from router.abtest.sequence import interval, log_wealth
from router.errors import InputError

DELTA = 0.05
LOOKS = 2000


def ever_wrong(values: np.ndarray, truth: float, *, low: float, high: float) -> np.ndarray:
    """In which rows an interval after any one of the values leaves the truth out."""
    wanted = math.log(2 / DELTA)
    below = log_wealth(values, truth, low=low).max(axis=-1) >= wanted
    above = log_wealth(-values, -truth, low=-high).max(axis=-1) >= wanted
    return below | above


def naively_wrong(values: np.ndarray, truth: float, *, first: int = 30) -> np.ndarray:
    """In which rows the usual interval of 95 %, made anew after each value from the ``first`` on, ever misses it."""
    counts = np.arange(1, values.shape[-1] + 1)
    means = values.cumsum(axis=-1) / counts
    variances = np.maximum((values**2).cumsum(axis=-1) / counts - means**2, 1e-12) * counts / np.maximum(counts - 1, 1)
    return (np.abs(means - truth) > 1.96 * np.sqrt(variances / counts))[:, first:].any(axis=-1)


def votes(rng, runs, p, q):
    return (rng.random((runs, LOOKS)) < q).astype(float) - (rng.random((runs, LOOKS)) < p)


def grades(rng, runs, p, q):
    return rng.beta(8 * q, 8 * (1 - q), (runs, LOOKS)) - rng.beta(8 * p, 8 * (1 - p), (runs, LOOKS))


@pytest.mark.parametrize(
    ("draw", "p", "q"),
    [(votes, 0.8, 0.8), (votes, 0.8, 0.83), (votes, 0.98, 0.97), (grades, 0.7, 0.75)],
    ids=["the same", "better", "nearly perfect", "graded"],
)
def test_looking_after_every_value_it_is_wrong_in_at_most_5_percent_where_repeated_t_intervals_are_in_more(draw, p, q):
    """300 simulated tests of 2,000 looks each: coverage of 95 % at all looks at once; the t-interval's is far below."""
    values = draw(np.random.default_rng(11), 300, p, q)

    ours = ever_wrong(values, q - p, low=-1, high=1).mean()
    naive = naively_wrong(values, q - p).mean()

    assert ours <= DELTA
    assert naive > 3 * DELTA


def test_costs_with_rare_dear_requests_are_covered_too():
    """Of a hundred requests one costs thirty times as much: the worst case for intervals that go by the variance."""
    rng = np.random.default_rng(5)
    costs = np.where(rng.random((300, LOOKS)) < 0.01, 0.6, 0.02)

    assert ever_wrong(costs, 0.01 * 0.6 + 0.99 * 0.02, low=0, high=1).mean() <= DELTA


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=1, max_size=200),
    candidate=st.floats(-0.99, 0.99),
)
def test_the_interval_is_what_no_gambler_has_won_against(values, candidate):
    """A mean is inside if and only if neither gambler, for more and for less than it, holds the money."""
    found = interval(np.array(values), low=-1, high=1, delta=DELTA)
    wanted = math.log(2 / DELTA)
    more = log_wealth(np.array(values), candidate, low=-1)[-1]
    less = log_wealth(-np.array(values), -candidate, low=-1)[-1]

    assert -1 <= found.low <= found.mean <= found.high <= 1
    if abs(more - wanted) > 1e-6 and abs(less - wanted) > 1e-6:
        assert (found.low <= candidate <= found.high) == (more < wanted and less < wanted)


def test_it_narrows_with_the_square_root_of_the_number_of_values():
    rng = np.random.default_rng(3)
    widths = []
    for n in (1000, 16_000):
        found = interval(votes(rng, 8, 0.8, 0.82).ravel()[:n], low=-1, high=1, delta=DELTA)
        widths.append(found.high - found.low)

    assert 3 < widths[0] / widths[1] < 5


def test_without_values_nothing_is_excluded():
    found = interval(np.array([]), low=-1, high=1, delta=DELTA)
    assert (found.low, found.high, math.isnan(found.mean)) == (-1, 1, True)


def test_values_that_are_all_the_least_there_is_leave_the_lower_end_where_it_is():
    found = interval(np.zeros(500), low=0, high=1, delta=DELTA)
    assert found.low == 0
    assert 0 < found.high < 0.03


@pytest.mark.parametrize(
    ("values", "changes", "sentence"),
    [
        ([0.5, math.nan], {}, "a value is missing or outside the stated range [0, 1]"),
        ([0.5, 1.5], {}, "a value is missing or outside the stated range [0, 1]"),
        ([0.5], {"delta": 1.0}, "delta is the chance of a wrong statement, between 0 and 1, not 1.0"),
        ([0.5], {"low": 1.0}, "values lie in a range low < high, not [1.0, 1]"),
    ],
)
def test_what_makes_no_sense_is_refused(values, changes, sentence):
    with pytest.raises(InputError) as caught:
        interval(np.array(values), **({"low": 0, "high": 1, "delta": DELTA} | changes))
    assert sentence == str(caught.value)


@pytest.mark.parametrize(("baseline", "effect"), [(0.8, 0.08), (0.8, -0.08), (0.5, 0.1), (0.95, 0.04)])
def test_the_sample_size_gives_about_the_power_that_was_asked_for(baseline, effect):
    """Simulated with that many labels: the difference is seen in 70 to 97 % of tests when 80 % were asked for."""
    size = sample_size(baseline, effect=effect, power=0.8)
    rng = np.random.default_rng(17)
    shape = (300, size.labels_a)
    differences = (rng.random(shape) < baseline + effect).astype(float) - (rng.random(shape) < baseline)

    seen = log_wealth(np.sign(effect) * differences, 0.0, low=-1).max(axis=-1) >= math.log(4 / size.delta)

    assert size.labels_a == size.labels_b
    assert 0.7 <= seen.mean() <= 0.97


def test_a_smaller_arm_b_needs_more_requests_and_fewer_labels_of_its_own():
    half, tenth = (sample_size(0.8, effect=0.02, share=share) for share in (0.5, 0.1))
    assert tenth.labels_a == 9 * tenth.labels_b
    assert tenth.labels_b < half.labels_b
    assert tenth.requests > half.requests


def test_labels_on_a_tenth_of_the_requests_need_ten_times_as_many():
    assert sample_size(0.8, effect=0.02, labelled=0.1).requests == 10 * sample_size(0.8, effect=0.02).requests


@pytest.mark.parametrize(
    ("baseline", "changes", "sentence"),
    [
        (0.8, {"effect": 0.0}, "effect is the difference in quality to be seen, such as 0.02, and not 0"),
        (0.9, {"effect": 0.2}, "baseline is a quality from 0 to 1, and so is baseline plus effect"),
        (0.8, {"effect": 0.02, "power": 1.0}, "power must be between 0 and 1, not 1.0"),
        (0.8, {"effect": 0.02, "share": 0.0}, "share must be between 0 and 1, not 0.0"),
        (0.8, {"effect": 0.02, "labelled": 0.0}, "labelled is the share of requests that get a label"),
        (0.8, {"effect": 1e-7}, "a difference so small takes more than 1,000,000,000,000 labels"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(baseline, changes, sentence):
    with pytest.raises(InputError) as caught:
        sample_size(baseline, **changes)
    assert sentence in str(caught.value)
