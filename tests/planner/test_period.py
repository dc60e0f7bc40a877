from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planner.period import DAY, MONTH, Daily, Period

WEEK = Period(start=0.0, end=7.0 * DAY)


def test_a_month_is_a_twelfth_of_a_year() -> None:
    assert Period(start=0.0, end=365.25 * DAY).monthly(12_000) == 1_000


def test_less_than_a_day_counts_as_a_day_and_says_so() -> None:
    brief = Period(start=0.0, end=60.0)
    assert brief.monthly(DAY) == MONTH
    assert "less than a day" in brief.notes()[0]


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_every_moment_is_on_a_day_of_the_period(length: float, place: float) -> None:
    period = Period(start=1e9, end=1e9 + length)
    last = period.day_of(period.end)
    assert 0 <= period.day_of(period.start + place * length) <= last
    assert last == max(int(period.seconds // DAY), 1) - 1


@given(st.lists(st.integers(0, 10**15), min_size=7, max_size=7))
def test_the_estimate_is_the_sum_and_within_its_interval(days: list[int]) -> None:
    found = WEEK.estimate(dict(enumerate(days)))
    assert found.monthly == WEEK.monthly(sum(days))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.monthly + 1
    assert found.monthly <= found.high + 1


def test_days_that_are_all_alike_leave_no_doubt() -> None:
    found = WEEK.estimate(dict.fromkeys(range(7), 1000))
    assert found.low == found.monthly == found.high


def test_the_interval_is_students() -> None:
    found = WEEK.estimate({day: 10**9 * day for day in range(7)})
    # scipy.stats.t.ppf(0.975, 6) is 2.44691.
    width = 2.44691 * np.std(range(7), ddof=1) * np.sqrt(7) * 1e9 * MONTH / (7 * DAY)
    assert found.high == pytest.approx(found.monthly + width, rel=1e-3)


def test_nine_simulated_months_in_ten_hold_the_true_mean() -> None:
    """Simulated days, lognormal with a coefficient of variation of 0.53: the nominal level is 95 %."""
    draws = np.random.default_rng(3).lognormal(0.0, 0.5, (400, 7)) * 1e9
    truth = np.exp(0.125) * 1e9 * MONTH / DAY
    found = [WEEK.estimate({day: int(value) for day, value in enumerate(row)}) for row in draws]
    covered = sum((each.low or 0) <= truth <= (each.high or 0) for each in found) / len(found)
    assert covered > 0.9


def test_a_daily_sum_falls_on_its_days() -> None:
    daily = Daily(WEEK)
    for place in range(7):
        daily.add(place * DAY + 1.0, 5)
    assert (daily.total, daily.by_day[3], daily.estimate().monthly) == (35, 5, WEEK.monthly(35))
