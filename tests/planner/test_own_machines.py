from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.attribution import UNPRICED, UNROUTED
from router.errors import InputError
from router.ledger import Ledger
from router.planner.hybrid import hybrid
from router.planner.load import PAID, SLOT, Load, load_of
from router.planner.machine import Machine
from router.planner.own_machines import own_machines
from router.planner.period import DAY as DAY_SECONDS
from router.planner.period import MONTH, Period
from router.pricing import nano
from router.types import Usage
from tests.ledger.samples import attempt
from tests.planner.kit import DAY, HOUR, LADDER, MONDAY, add, book


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with book(tmp_path) as opened:
        yield opened


def machine(hourly: str = "2", read: float = 1000.0, write: float = 100.0, **changes: object) -> Machine:
    return Machine(hourly_cost=nano(hourly), read_per_second=read, write_per_second=write, **changes)  # type: ignore[arg-type]


def load(busy: list[int], *, cost: list[int] | None = None, days: float = 1.0) -> Load:
    """``busy``: tokens written per slot; ``cost``: nano-dollars per slot."""
    count = int(days * DAY_SECONDS // SLOT)
    written = np.array(busy + [0] * (count - len(busy)), np.int64)
    paid = np.array((cost or busy) + [0] * (count - len(cost or busy)), np.int64)
    zero = np.zeros(count, np.int64)
    return Load(
        period=Period(start=MONDAY, end=MONDAY + days * DAY_SECONDS),
        read=zero,
        cached=zero,
        written=written,
        calls=(written > 0).astype(np.int64),
        cost={PAID: paid},
        requests=max(sum(busy) // 100, 1),
        unreported=0,
        tiers=("large",),
    )


def test_tokens_and_money_land_in_their_quarter_of_an_hour(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, read=1000, cached=200, written=10)
    add(ledger, "b", MONDAY + SLOT - 1, read=1, written=1)
    add(ledger, "c", MONDAY + SLOT, by="small", read=7, written=3)
    found = load_of(ledger, LADDER)
    assert found.read[:2].tolist() == [1001, 7]
    assert found.cached[:2].tolist() == [200, 0]
    assert found.written[:2].tolist() == [11, 3]
    assert found.calls[:2].tolist() == [2, 1]
    assert found.cost["small"][:2].tolist() == [1000 * 1200 + 2000 * 10 + 1000 + 2000, 7000 + 6000]
    assert found.cost[PAID][:2].tolist() == [10 * found.cost["small"][0], 13_000]
    assert (found.requests, found.tiers, found.busiest) == (3, ("large", "small"), 0)


def test_only_the_calls_of_the_named_tier_are_counted(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    add(ledger, "b", MONDAY + 1, by="small")
    found = load_of(ledger, LADDER, tiers=["small"])
    assert (int(found.calls.sum()), found.tiers) == (1, ("small",))


def test_audits_are_calls_and_no_requests(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, by="small")
    add(ledger, "b", MONDAY + 1, audit_of="a")
    found = load_of(ledger, LADDER)
    assert (found.requests, int(found.calls.sum())) == (1, 2)


def test_a_machine_that_keeps_prefixes_reads_cached_tokens_for_nothing(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, read=1000, cached=500, written=100)
    found = load_of(ledger, LADDER)
    assert machine().busy(found)[0] == pytest.approx(1000 / 1000 + 100 / 100)
    assert machine(keeps_prefixes=False).busy(found)[0] == pytest.approx(1500 / 1000 + 100 / 100)


def test_a_ledger_without_such_calls_is_told(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="no requests in this time"):
        load_of(ledger, LADDER)
    add(ledger, "a", MONDAY)
    with pytest.raises(InputError, match="no calls to small"):
        load_of(ledger, LADDER, tiers=["small"])


def test_a_call_past_the_router_without_a_price_is_counted_and_never_taken_for_free(ledger: Ledger) -> None:
    usage = Usage(input_tokens=500, output_tokens=50)
    unpriced = attempt(UNROUTED, usage=usage, cost=0, reason=UNPRICED, model="unheard-of")
    add(ledger, "a", MONDAY, attempts=(unpriced,))
    add(ledger, "b", MONDAY + 1)
    found = load_of(ledger, LADDER)
    assert (found.unpriced, found.tokens, int(found.calls.sum())) == (1, 1100, 2)
    with pytest.raises(InputError, match="token counts and prices"):
        load_of(ledger, LADDER, tiers=[UNROUTED])


def test_the_busiest_quarter_of_an_hour_decides_how_many_machines_there_are() -> None:
    # 100 tokens a second: a slot of 900 s at 50 % carries 45,000 tokens.
    half = machine(utilization=0.5)
    assert half.machines(load([45_000, 10])) == 1
    assert half.machines(load([45_001, 10])) == 2
    assert half.machines(load([10] * 96)) == 1


def test_a_speed_in_another_unit_is_told() -> None:
    with pytest.raises(InputError, match="would need 1,587,302 machines"):
        hybrid(load([10**6]), machine(write=0.001))


def test_a_month_of_machines_costs_their_hours() -> None:
    found = own_machines(load([45_001]), machine(hourly="2", utilization=0.5))
    assert found.machines == 2
    assert found.monthly == 2 * 2 * 10**9 * MONTH // 3600


def test_cost_per_million_tokens_at_full_use_is_that_of_the_rates() -> None:
    own = machine(utilization=0.5)
    found = own_machines(load([100_000]), own)
    assert found.per_million_full == pytest.approx(own.rates().output * 1000, rel=1e-6)  # pico to nano, per million
    assert found.per_million > found.per_million_full


def test_break_even_is_where_the_api_costs_as_much_as_one_machine() -> None:
    # One day: 90,000 tokens, 900 requests, for $8.00 at the API.
    many = load([1000] * 90, cost=[nano("8") // 90] * 90)
    found = own_machines(many, machine(hourly="0.1"))
    (paid,) = found.comparisons
    assert paid.break_even is not None
    api_per_request = 8 / 900
    assert paid.break_even == pytest.approx(0.1 * MONTH / 3600 / api_per_request, rel=1e-3)
    assert paid.saved.monthly == paid.api.monthly - found.monthly > 0


def test_a_machine_that_is_full_before_it_has_paid_never_breaks_even() -> None:
    cheap = load([50_000], cost=[1000])
    found = own_machines(cheap, machine(hourly="50"))
    assert found.comparisons[0].break_even is None


def test_more_requests_never_need_fewer_machines() -> None:
    found = own_machines(load([40_000, 5, 70_000]), machine())
    by_traffic = {case.factor: case.machines for case in found.cases if case.figure == "requests"}
    assert list(by_traffic.values()) == sorted(by_traffic.values())


@given(
    st.lists(st.integers(0, 500_000), min_size=1, max_size=96).filter(any),
    st.lists(st.integers(0, 10**10), min_size=96, max_size=96),
    st.sampled_from(["0.01", "0.5", "2", "40"]),
)
def test_the_best_split_costs_no_more_than_any_other(busy: list[int], cost: list[int], hourly: str) -> None:
    cost = [nano_dollars if tokens else 0 for tokens, nano_dollars in zip(busy, cost, strict=False)]
    found = hybrid(load(busy, cost=cost), machine(hourly=hourly))
    api = [split.api for split in found.splits]
    assert found.best.total == min(split.total for split in found.splits)
    assert api == sorted(api, reverse=True)
    assert (found.splits[0].own, found.splits[0].share) == (0, 0.0)
    assert found.splits[-1].api == 0
    assert found.splits[-1].share == pytest.approx(1)


def test_what_does_not_fit_pays_its_share_of_the_quarter_of_an_hour() -> None:
    carried = 63_000  # what one machine writes in a slot at 70 %
    found = hybrid(load([3 * carried, carried // 2], cost=[9_000, 500]), machine(hourly="1"))
    month = found.load.period.monthly
    assert [split.api for split in found.splits] == [month(9_500), month(6_000), month(3_000), 0]
    assert [round(split.share, 4) for split in found.splits] == [0.0, round(1.5 / 3.5, 4), round(2.5 / 3.5, 4), 1.0]


def test_a_lone_peak_goes_to_the_api_and_the_base_to_a_machine() -> None:
    # A base that fills half a machine around the clock, and one quarter of an hour of ten machines' work.
    slot = 63_000  # what one machine carries at 70 %
    busy = [slot // 2] * 96
    busy[40] = 10 * slot
    found = hybrid(load(busy, cost=[tokens * 10_000 for tokens in busy]), machine(hourly="0.5"))
    assert found.best.machines == 1
    assert len(found.splits) == 11
    api_alone, own_alone = found.splits[0].total, found.splits[-1].total
    assert found.best.total < min(api_alone, own_alone)
    assert found.saved.monthly == pytest.approx(api_alone - found.best.total, abs=100)


def test_what_the_calls_cost_has_an_interval_from_a_week_on(ledger: Ledger) -> None:
    for day in range(8):
        for place in range(day % 3 + 1):
            add(ledger, f"{day}-{place}", MONDAY + day * DAY + place * HOUR)
    add(ledger, "end", MONDAY + 8 * DAY)
    paid = load_of(ledger, LADDER).estimate(PAID)
    assert paid.low is not None
    assert paid.high is not None
    assert paid.low < paid.monthly < paid.high
    brief = load_of(ledger, LADDER, until=MONDAY + 3 * DAY).estimate(PAID)
    assert (brief.low, brief.high) == (None, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hourly": "-1"}, "between \\$0"),
        ({"hourly": "99999999"}, "between \\$0"),
        ({"read": 0.0}, "above 0"),
        ({"write": float("nan")}, "above 0"),
        ({"utilization": 1.5}, "share"),
    ],
)
def test_absurd_machines_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        machine(**changes)


@given(
    st.lists(st.integers(1, 60_000), min_size=1, max_size=96),
    st.integers(1, 10**9),
    st.sampled_from(["0.01", "0.1", "1", "10"]),
)
def test_one_machine_pays_from_the_break_even_on_and_not_before(busy: list[int], each: int, hourly: str) -> None:
    own = machine(hourly=hourly)
    traffic = load(busy, cost=[each] * len(busy))
    found = own_machines(traffic, own)
    (paid,) = found.comparisons
    if paid.break_even is None:
        assert paid.api.monthly * found.carries < own.monthly * (found.requests + 1)
    else:
        assert paid.api.monthly * paid.break_even >= own.monthly * found.requests
        assert paid.api.monthly * (paid.break_even - 1) < own.monthly * found.requests
        assert paid.break_even <= found.carries
