"""Periods, units, how tokens and costs are spread, and what stands out."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router import FakeProvider, Router
from router.analytics import Costs
from router.analytics.summary import summary
from router.attribution import Units
from router.config import Config
from router.config.load import load
from router.errors import ConfigError, InputError
from router.ledger import Ledger
from router.ledger.spread import QUANTILES, Bin, Spread, spread
from router.pricing import price_of
from router.tiers import Tier
from router.types import Usage
from tests.ledger.samples import ask, attempt, decision

NOON = 1_795_003_200.0  # Wednesday, 2026-11-18 12:00 UTC
DAY = 86_400


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        opened.open()
        yield opened


def test_periods_are_those_of_the_zone_and_in_order(ledger: Ledger) -> None:
    for place, seconds in enumerate((0, 3600, 5 * DAY, 20 * DAY)):
        ledger.append(decision(str(place), created=NOON + seconds))
    costs = Costs(ledger)
    assert [(row.key, row.requests) for row in costs.series("week")] == [
        ("2026-W47", 2),
        ("2026-W48", 1),
        ("2026-W50", 1),
    ]
    assert [row.key for row in costs.series("month")] == ["2026-11", "2026-12"]
    assert [row.key for row in costs.series()] == ["2026-11-18", "2026-11-23", "2026-12-08"]
    assert [row.key for row in costs.by("hour", zone="Asia/Kolkata", until=NOON + 3601)] == [
        "2026-11-18T17+05:30",
        "2026-11-18T18+05:30",
    ]


def test_a_summary_goes_by_days_or_by_longer_periods_where_there_are_many(ledger: Ledger) -> None:
    ledger.append(decision("first", created=NOON))
    found = []
    for days in (99, 101, 1_000):
        ledger.append(decision(str(days), created=NOON + days * DAY))
        found.append(summary(Costs(ledger))["series"]["every"])
    assert found == ["day", "week", "month"]
    assert Costs(ledger).span() == (NOON, NOON + 1_000 * DAY)
    assert Costs(ledger).span(until=NOON) is None
    assert summary(Costs(ledger), every="hour", until=NOON + 1)["series"]["every"] == "hour"


def test_the_hour_that_comes_twice_is_two_hours(ledger: Ledger) -> None:
    """On 2026-10-25 at 03:00 in Berlin clocks go back to 02:00."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()
    for hour in range(3):
        ledger.append(decision(str(hour), created=first + hour * 3600))
    found = [row.key for row in Costs(ledger).series("hour", zone="Europe/Berlin")]
    assert sorted(found) == ["2026-10-25T02+01:00", "2026-10-25T02+02:00", "2026-10-25T03+01:00"]
    assert len(found) == 3


def test_a_year_ends_within_a_week(ledger: Ledger) -> None:
    ledger.append(decision(created=datetime(2027, 1, 1, tzinfo=UTC).timestamp()))
    assert [row.key for row in Costs(ledger).series("week")] == ["2026-W53"]


def test_a_unit_is_a_tag_or_what_the_configuration_calls_its_value(ledger: Ledger) -> None:
    for place, tags in enumerate(
        ({"feature": "search", "unit": "u"}, {"feature": "ads"}, {"feature": "beta"}, {"other": "x"})
    ):
        ledger.append(decision(str(place), tags=tags, attempts=(attempt(cost=10 + place),)))
    assert {row.key: row.cost for row in Costs(ledger).by("unit")} == {"u": 10, None: 36}
    units = Units(tag="feature", names={"search": "Consumer", "ads": "Consumer", "unused": "Nobody"})
    found = {row.key: (row.requests, row.cost) for row in Costs(ledger, units=units).by("unit")}
    assert found == {"Consumer": (2, 21), "beta": (1, 12), None: (1, 13)}
    spreads = {each.key: each.read.count for each in Costs(ledger, units=units).tokens("unit")}
    assert spreads == {"Consumer": 2, "beta": 1, None: 1}


def test_the_configuration_names_units(tmp_path: Path) -> None:
    path = tmp_path / "tierwise.toml"
    tier = '[[tiers]]\nname = "t"\napi = "fake"\nmodel = "m"\nprice = { input = 1, output = 1 }\n'
    path.write_text(tier + '[report]\nunit = "feature"\nunits = { search = "Consumer" }\n')
    found = load(path)
    assert found.report == Units(tag="feature", names={"search": "Consumer"})
    path.write_text(tier)
    assert load(path).report == Units()
    assert load(path).version == found.version
    for table, said in (
        ('units = { a = "b" }', "unit is missing; name the tag whose values `units` assigns"),
        ('unit = "f"\nunits = { a = 1 }', "report.units.a must be text, not a whole number 1"),
        ('unit = ""', "report.unit is empty"),
        ('unti = "f"', "report.unti there is no such key; did you mean `unit`?"),
    ):
        path.write_text(f"{tier}[report]\n{table}\n")
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert said.split(" ", 1)[1] in str(caught.value)


def test_a_spread_by_hand() -> None:
    found = spread([(0, 1), (1, 1), (2, 1), (3, 1), (100, 1)], 5)
    assert found == Spread(
        count=5,
        total=106,
        least=0,
        most=100,
        quantiles=((0.05, 0), (0.25, 1), (0.5, 2), (0.75, 3), (0.95, 100), (0.99, 100)),
        bins=(
            *(Bin(low=0, high=0, count=1), Bin(low=1, high=1, count=1), Bin(low=2, high=3, count=2)),
            *(Bin(low=4, high=7, count=0), Bin(low=8, high=15, count=0), Bin(low=16, high=31, count=0)),
            *(Bin(low=32, high=63, count=0), Bin(low=64, high=127, count=1)),
        ),
    )
    assert (found.mean, found.quantile(0.5), found.quantile(0.4)) == (21.2, 2, None)
    assert spread([], 0) == Spread()
    assert Spread().mean is None


@given(numbers=st.lists(st.integers(0, 10**9), min_size=1, max_size=200))
def test_a_quantile_is_the_least_number_that_so_large_a_share_does_not_exceed(numbers: list[int]) -> None:
    counted = sorted((number, numbers.count(number)) for number in set(numbers))
    found = spread(counted, len(numbers))
    for share, value in found.quantiles:
        below = sum(number < value for number in numbers)
        upto = sum(number <= value for number in numbers)
        assert 100 * below < round(100 * share) * len(numbers) <= 100 * upto
    assert [share for share, _ in found.quantiles] == list(QUANTILES)
    assert sum(each.count for each in found.bins) == len(numbers)
    assert all(each.low <= each.high for each in found.bins)
    assert (found.least, found.most, found.total) == (min(numbers), max(numbers), sum(numbers))


@settings(max_examples=15, deadline=None)
@given(
    made=st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 50), st.integers(0, 9), st.integers(0, 60)),
        max_size=12,
    )
)
def test_token_spreads_are_what_plain_python_reckons(made) -> None:
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "l.db") as ledger:
        ledger.open()
        for place, (feature, read, kept, written) in enumerate(made):
            usage = Usage(input_tokens=read, cached_input_tokens=kept, output_tokens=written, reasoning_tokens=1)
            tags = {} if feature is None else {"feature": feature}
            silent = attempt("large", "failed", usage=None, cost=0)
            ledger.append(decision(str(place), tags=tags, attempts=(attempt(usage=usage), silent)))
        found = {each.key: each for each in Costs(ledger).tokens("feature")}
        for key in {feature for feature, *_ in made}:
            reads = sorted(read + kept for feature, read, kept, _ in made if feature == key)
            assert (found[key].read.count, found[key].read.total) == (len(reads), sum(reads))
            assert found[key].read.quantile(0.5) == reads[(len(reads) + 1) // 2 - 1]
            assert found[key].written.total == sum(written + 1 for feature, _, _, written in made if feature == key)
        assert len(found) == len({feature for feature, *_ in made})
        assert sum(each.read.count for each in Costs(ledger).tokens()) == len(made)


def costing(id: str, cost: int, feature: str = "search", **changes: object):
    return decision(id, tags={"feature": feature}, attempts=(attempt(cost=cost),), **changes)


def test_an_outlier_costs_far_more_than_is_usual_for_its_feature(ledger: Ledger) -> None:
    """A request that is usual for a dear feature is no outlier, though it costs more than one of a cheap feature."""
    for place in range(40):
        ledger.append(costing(f"s{place}", 90 + place % 21))
        ledger.append(costing(f"c{place}", 9_000 + 100 * (place % 21), "code"))
    ledger.append(costing("odd", 1_000))
    ledger.append(costing("odder", 5_000))
    ledger.append(costing("audit", 10**9, audit_of="s1"))
    found = Costs(ledger).outliers()
    assert [each.decision for each in found] == ["odder", "odd"]
    first = found[0]
    quartiles = sorted([*(90 + place % 21 for place in range(40)), 1_000, 5_000])
    low, middle, high = (quartiles[math.ceil(42 * share) - 1] for share in (0.25, 0.5, 0.75))
    assert (first.key, first.cost, first.usual) == ("search", 5_000, middle)
    assert first.z == pytest.approx(math.log(5_000 / middle) / (math.log(high / low) / 1.349))
    assert first.as_dict()["times"] == 5_000 / middle
    assert [each.decision for each in Costs(ledger).outliers(n=1)] == ["odder"]
    assert Costs(ledger).outliers(z=100) == []


def test_few_requests_have_no_outliers_and_equal_ones_no_tiny_ones(ledger: Ledger) -> None:
    for place in range(19):
        ledger.append(costing(f"few{place}", 100, "few"))
    ledger.append(costing("dear", 10**6, "rare"))
    for place in range(30):
        ledger.append(costing(f"equal{place}", 100, "equal"))
    ledger.append(costing("near", 110, "equal"))
    ledger.append(costing("far", 130, "equal"))
    assert [each.decision for each in Costs(ledger).outliers()] == ["far"]


@pytest.mark.parametrize("z", [0.0, -1.0, math.nan])
def test_a_z_that_is_not_above_0_is_refused(ledger: Ledger, z: float) -> None:
    with pytest.raises(InputError, match="z is a number of standard deviations above 0"):
        Costs(ledger).outliers(z=z)


def test_an_unknown_period_is_one_sentence(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="a period is hour, day, week, month, not 'year'"):
        Costs(ledger).series("year")  # type: ignore[arg-type]


def test_a_frame_has_a_row_for_each_decision(ledger: Ledger) -> None:
    pandas = pytest.importorskip("pandas")
    ledger.append(decision("b", created=NOON + 1, tags={"tenant": "t"}, user=None, strong_cost=None))
    tried = (attempt("small", "escalated", cost=5), attempt("large", cost=7))
    ledger.append(decision("a", created=NOON, attempts=tried), ask())
    found = Costs(ledger).frame()
    assert list(found["id"]) == ["a", "b"]
    assert found["created"].iloc[0] == pandas.Timestamp("2026-11-18 12:00", tz="UTC")
    assert list(found["cost"]) == [12e-9, 1.25e-6]
    assert list(found["model"]) == ["model-large", "model-small"]
    assert list(found["escalated"]) == [True, False]
    assert list(found["input_tokens"]) == [20, 10]
    assert found["tag.feature"].iloc[0] == "search"
    assert found["tag.tenant"].isna().tolist() == [True, False]
    assert found["strong_cost"].isna().tolist() == [False, True]
    assert not {"text", "request"} & set(found.columns)
    assert Costs(ledger).frame(since=NOON + 2).empty


def test_a_router_reads_its_own_costs(tmp_path: Path) -> None:
    tiers = [Tier(name="small", api="fake", model="m", price=price_of({"input": 1, "output": 1}))]
    config = Config.of(
        tiers, ledger={"path": str(tmp_path / "l.db")}, policy={"untrained": "strong"}, report={"unit": "team"}
    )
    with Router.from_config(config, provider=FakeProvider({"small": "42"})) as router:
        made = router.route("What is six times seven?", tags={"team": "a"}).decision
        assert router.costs.total().cost == made.cost > 0
        assert [(row.key, row.cost) for row in router.costs.by("unit")] == [("a", made.cost)]
        assert router.costs.prices.find("small", "m") == tiers[0].price
        assert [entry.decision.id for entry in router.costs.most_expensive(5)] == [made.id]
    off = Config.of(tiers, ledger={"enabled": False})
    with (
        Router.from_config(off, provider=FakeProvider({"small": "42"})) as router,
        pytest.raises(InputError, match="switched off"),
    ):
        _ = router.costs
