"""Windows in time."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.budget.windows import BUCKETS, Window, parse, span

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago")
moments = st.integers(min_value=946_684_800_000, max_value=2_208_988_800_000)  # 2000 to 2040


def at(*parts, zone="UTC"):
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@given(moments, st.sampled_from(("hour", "day", "month")), st.sampled_from(ZONES))
def test_every_moment_lies_in_its_window_and_the_next_begins_where_it_ends(now, kind, zone):
    window = parse(kind, zone=zone)
    found = span(window, now)
    assert found.start <= now < found.stop
    assert found.start == span(window, found.stop - 1).start
    assert found.stop == span(window, found.stop).start


@pytest.mark.parametrize(
    ("text", "zone", "start", "stop"),
    [
        ("day", "Europe/Berlin", at(2026, 3, 29, zone="Europe/Berlin"), at(2026, 3, 30, zone="Europe/Berlin")),
        ("month", "UTC", at(2026, 3, 1), at(2026, 4, 1)),
        ("hour", "UTC", at(2026, 3, 29, 12), at(2026, 3, 29, 13)),
    ],
)
def test_a_calendar_window_is_that_of_its_zone(text, zone, start, stop):
    found = span(parse(text, zone=zone), at(2026, 3, 29, 12, 30))
    assert (start, stop) == (found.start, found.stop)


def test_a_day_on_which_clocks_are_put_forward_has_23_hours():
    found = span(parse("day", zone="Europe/Berlin"), at(2026, 3, 29, 12))
    assert found.stop - found.start == 23 * 3_600_000


@given(moments, st.integers(0, 7 * 86_400_000), st.sampled_from(("rolling 1m", "rolling 24h", "rolling 7d")))
def test_a_window_that_rolls_counts_what_lies_in_it_and_at_most_one_bucket_more(now, ago, text):
    window = parse(text)
    then = now - ago
    counted = span(window, now).counts(span(window, then).bucket(then))
    length = window.seconds * 1000
    if ago < length:
        assert counted
    if ago >= length + length // BUCKETS:
        assert not counted


@pytest.mark.parametrize("text", ["rolling 30m", "rolling 24h", "rolling 7d", "rolling 2w", "day", "hour", "month"])
def test_a_window_is_written_as_it_is_read(text):
    assert parse(text) == parse(parse(text).words)


@pytest.mark.parametrize(
    "text", ["", "week", "rolling", "rolling 0d", "rolling 7", "rolling 9999w", "rolling -1d", "7d"]
)
def test_what_is_no_window_is_none(text):
    assert parse(text) is None


def test_windows_of_other_zones_are_counted_apart():
    berlin, utc = parse("day", zone="Europe/Berlin"), parse("day")
    assert berlin.identity != utc.identity
    assert Window(kind="rolling", seconds=60) == parse("rolling 1m", zone="Europe/Berlin")
    assert datetime(2026, 11, 24, tzinfo=UTC).timestamp() * 1000 == span(utc, at(2026, 11, 24, 5)).start
