"""Off-peak hours."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.batch.hours import Hours, span_of
from router.batch.journal import Journal
from router.batch.means import Means
from router.batch.rounds import Rounds
from router.batch.running import _line, asked
from router.batch.settings import BatchSettings
from router.ops import Append, Now, Send
from router.plan import Birth
from tests.batch.conftest import ladder_at, plan_of
from tests.kit import said

ZONE = "Europe/Berlin"


def at(text: str, zone: str = ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-11-23T21:00", 1),
        ("2026-11-23T22:00", 0),
        ("2026-11-23T23:59", 0),
        ("2026-11-24T05:59", 0),
        ("2026-11-24T06:00", 16),
        ("2026-03-29T01:30", 0),
    ],
)
def test_hours_that_go_on_past_midnight(now, hours):
    """From ten in the evening to six in the morning, there."""
    assert Hours(spans=((22 * 60, 6 * 60),), zone=ZONE).wait(at(now)) == hours * 3600


def test_the_wait_is_in_real_seconds_when_the_clocks_change():
    """On 29 March 2026 two o'clock is three o'clock: from one to four are two hours."""
    assert Hours(spans=((4 * 60, 5 * 60),), zone=ZONE).wait(at("2026-03-29T01:00")) == 2 * 3600


def test_the_next_of_several_is_waited_for():
    """Two windows a day."""
    hours = Hours(spans=((1 * 60, 2 * 60), (13 * 60, 14 * 60)), zone="UTC")

    assert hours.wait(at("2026-01-01T12:00", "UTC")) == 3600
    assert hours.wait(at("2026-01-01T23:00", "UTC")) == 2 * 3600


@given(
    begin=st.integers(0, 1439),
    end=st.integers(0, 1440),
    now=st.integers(1_700_000_000, 1_800_000_000),
    zone=st.sampled_from(("UTC", ZONE, "America/New_York", "Asia/Kolkata")),
)
def test_after_the_wait_the_hours_have_begun(begin, end, now, zone):
    """Whatever the hours, the zone and the time; and the wait is never longer than two days."""
    if begin == end:
        return
    hours = Hours(spans=((begin, end),), zone=zone)
    wait = hours.wait(now)

    assert 0 <= wait <= 2 * 86_400
    there = datetime.fromtimestamp(now + wait, ZoneInfo(zone))
    gap = there.fold or (there.astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone)) != there)
    assert gap or hours.wait(now + wait) == 0 or _in_the_missing_hour(now + wait, zone)


def _in_the_missing_hour(when: float, zone: str) -> bool:
    """Whether the clocks change within an hour: hours that begin in the one that is left out begin after it."""
    offsets = {datetime.fromtimestamp(when + shift, ZoneInfo(zone)).utcoffset() for shift in (-3600, 0, 3600)}
    return len(offsets) > 1


@pytest.mark.parametrize("text", ["", "22-6", "22:00", "25:00-06:00", "22:60-06:00", "06:00-06:00", "06:00-24:30"])
def test_what_are_no_hours_is_not_read(text):
    """None stands for it; the configuration says where."""
    assert span_of(text) is None


def test_hours_are_read():
    """With or without spaces."""
    assert span_of("22:00 - 06:30") == (1320, 390)
    assert span_of("0:00-24:00") == (0, 1440)


def test_a_tier_without_a_batch_api_is_asked_in_its_hours_alone(tmp_path):
    """At noon nothing is sent; ten hours later all is."""
    clock = {"now": 0.0, "wall": at("2026-11-23T12:00", "UTC")}
    sent = []
    ladder = ladder_at("http://127.0.0.1:1")

    def send(op):
        sent.append(clock["wall"])
        return said("sure: it is")

    means = Means(
        settings=BatchSettings(tiers=(), off_peak=Hours(spans=((22 * 60, 6 * 60),), zone="UTC")),
        plan=lambda: plan_of(ladder),
        shell=lambda: {Send: send, Now: lambda _: clock["now"], Append: lambda _: None},
        birth=lambda: Birth("id-1", 0.0),
        reaching=None,
        clock=lambda: clock["now"],
        wall=lambda: clock["wall"],
    )
    journal = Journal(tmp_path / "journal")
    rounds = Rounds(means, journal)
    from router.batch.rows import Row
    from tests.kit import ask

    line = _line(Row(line=1, id="a", name=None, request=ask("easy")), means)
    journal.add([line])
    rounds.add(line, asked(line))

    assert rounds.advance() == 10 * 3600
    assert sent == []
    clock["now"] += 10 * 3600
    clock["wall"] += 10 * 3600
    while rounds.busy:
        rounds.wait(min(rounds.advance(), 1.0)) if rounds.busy else None
    rounds.close()
    journal.close()
    assert sent == [at("2026-11-23T22:00", "UTC")]
