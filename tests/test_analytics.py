from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.analytics import Costs, Row, Savings, Tokens
from router.decision import Decision
from router.errors import InputError, LedgerError
from router.ledger import Ledger
from router.types import Usage
from tests.ledger import samples
from tests.ledger.samples import ask, attempt, decision

NOON = 1_795_003_200.0  # 2026-11-18 12:00 UTC


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def fill(ledger: Ledger) -> None:
    """Three requests: one answered at once, one escalated, one failed."""
    small = attempt("small", cost=100, usage=Usage(input_tokens=10, output_tokens=5))
    rejected = attempt("small", "escalated", cost=120, usage=Usage(input_tokens=12, output_tokens=6))
    large = attempt("large", cost=3_000, usage=Usage(input_tokens=12, cached_input_tokens=2, reasoning_tokens=7))
    failed = attempt("small", "failed", cost=0, usage=None)
    ledger.append(decision("a", created=NOON, attempts=(small,), strong_cost=2_000, best_single_cost=500))
    ledger.append(
        decision(
            "b", created=NOON + 86_400, attempts=(rejected, large), strong_cost=3_000, best_single_cost=None, user="u2"
        )
    )
    ledger.append(
        decision(
            "c",
            created=NOON + 86_400,
            attempts=(failed, attempt("large", "skipped", cost=0, usage=None, calls=0)),
            strong_cost=None,
            best_single_cost=None,
            user=None,
            tags={},
            error="every tier failed",
        )
    )


def test_the_total_by_hand(ledger: Ledger) -> None:
    fill(ledger)
    total = Costs(ledger).total()
    assert total == Row(
        key=None,
        requests=3,
        cost=3_220,
        wasted=120,
        escalated=1,
        failed=1,
        unreported=0,
        tokens=Tokens(input_tokens=34, cached_input_tokens=2, output_tokens=11, reasoning_tokens=7),
        strong=Savings(requests=2, cost=3_220, instead_of=5_000),
        best_single=Savings(requests=1, cost=100, instead_of=500),
    )
    assert total.cost_per_request == 3_220 / 3
    assert total.escalation_rate == 1 / 3
    assert (total.tokens.read, total.tokens.written) == (36, 18)
    assert (total.strong.saved, total.strong.share) == (1_780, 0.356)
    assert (total.best_single.saved, total.best_single.share) == (400, 0.8)


def test_a_tier_bears_its_own_share_of_each_request(ledger: Ledger) -> None:
    fill(ledger)
    large, small = Costs(ledger).by("tier")
    assert large == Row(
        key="large",
        requests=1,
        cost=3_000,
        tokens=Tokens(input_tokens=12, cached_input_tokens=2, reasoning_tokens=7),
        strong=Savings(requests=1, cost=3_120, instead_of=3_000),
    )
    assert small == Row(
        key="small",
        requests=3,
        cost=220,
        wasted=120,
        escalated=1,
        failed=1,
        tokens=Tokens(input_tokens=22, output_tokens=11),
        strong=Savings(requests=1, cost=100, instead_of=2_000),
        best_single=Savings(requests=1, cost=100, instead_of=500),
    )
    assert large.strong.saved == -120


def test_groups_by_user_tag_model_and_day(ledger: Ledger) -> None:
    fill(ledger)
    costs = Costs(ledger)
    assert [(row.key, row.cost) for row in costs.by("user")] == [("u2", 3_120), ("u1", 100), (None, 0)]
    assert [(row.key, row.cost, row.requests) for row in costs.by("feature")] == [("search", 3_220, 2), (None, 0, 1)]
    assert [(row.key, row.cost) for row in costs.by("model")] == [("model-large", 3_000), ("model-small", 220)]
    assert [(row.key, row.cost) for row in costs.by("day")] == [("2026-11-18", 100), ("2026-11-19", 3_120)]
    assert [(row.key, row.cost) for row in costs.by("nothing")] == [(None, 3_220)]


def test_a_period_is_half_open(ledger: Ledger) -> None:
    fill(ledger)
    costs = Costs(ledger)
    assert costs.total(since=NOON, until=NOON + 86_400).requests == 1
    assert costs.total(since=NOON + 86_400).requests == 2
    assert [row.key for row in costs.by("day", since=NOON + 1)] == ["2026-11-19"]
    assert [row.key for row in costs.by("tier", until=NOON + 1)] == ["small"]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", "2026-11-18"),
        ("Asia/Kathmandu", "2026-11-19"),
        ("Pacific/Apia", "2026-11-19"),
        ("America/New_York", "2026-11-18"),
    ],
)
def test_a_day_is_that_of_the_zone(ledger: Ledger, zone: str, day: str) -> None:
    """18:15 UTC is midnight in Kathmandu."""
    ledger.append(decision(created=NOON + 6.25 * 3600))
    ledger.append(decision("before", created=NOON + 6.25 * 3600 - 1))
    found = Costs(ledger).by("day", zone=zone)
    assert {row.key for row in found} == {day} | ({"2026-11-18"} if zone == "Asia/Kathmandu" else set())


def test_a_tag_may_have_any_name(ledger: Ledger) -> None:
    for name in ("user", "$.a", "0", 'a"b', "a.b", "é", ""):
        ledger.append(decision(name, tags={name: "yes", "other": "no"}))
    for name in ("$.a", "0", 'a"b', "a.b", "é"):
        assert {(row.key, row.requests) for row in Costs(ledger).by(name)} == {("yes", 1), (None, 6)}
    assert {(row.key, row.requests) for row in Costs(ledger).by("tag:user")} == {("yes", 1), (None, 6)}


def test_an_answer_without_usage_is_counted_as_unreported(ledger: Ledger) -> None:
    ledger.append(decision(attempts=(attempt(usage=None, cost=0), attempt("large", "failed", usage=None, cost=0))))
    assert Costs(ledger).total().unreported == 1


def test_the_most_expensive_come_first(ledger: Ledger) -> None:
    for place in range(5):
        ledger.append(decision(str(place), attempts=(attempt(cost=place * 10),)), ask())
    found = Costs(ledger).most_expensive(2)
    assert [(entry.decision.id, entry.decision.cost) for entry in found] == [("4", 40), ("3", 30)]
    assert found[0].request is not None
    assert found[0].request.text == ask().text


def test_an_empty_ledger_costs_nothing(ledger: Ledger) -> None:
    ledger.open()
    costs = Costs(ledger)
    assert costs.total() == Row()
    assert (Row().cost_per_request, Row().escalation_rate, Row().strong.share) == (None, None, None)
    assert [costs.by(key) for key in ("tier", "model", "user", "day", "feature")] == [[]] * 5
    assert costs.most_expensive() == []


def test_bad_input(ledger: Ledger, tmp_path: Path) -> None:
    ledger.open()
    with pytest.raises(InputError, match="'Mars/Olympus' is no time zone; write it like UTC or Europe/Berlin"):
        Costs(ledger).by("day", zone="Mars/Olympus")
    with pytest.raises(InputError, match="not an empty text"):
        Costs(ledger).by("")
    with pytest.raises(LedgerError, match="there is no ledger at"):
        Costs(Ledger(tmp_path / "none.db")).total()


def savings(made: list[Decision], field: str) -> Savings:
    known = [each for each in made if each.tier is not None and getattr(each, field) is not None]
    return Savings(
        requests=len(known),
        cost=sum(each.cost for each in known),
        instead_of=sum(getattr(each, field) for each in known),
    )


def reckoned(made: list[Decision], key: str | None) -> Row:
    """The row of these decisions, reckoned in plain Python."""
    attempts = [each for one in made for each in one.attempts]
    return Row(
        key=key,
        requests=len(made),
        cost=sum(one.cost for one in made),
        wasted=sum(each.cost for each in attempts if each.verdict != "accepted"),
        escalated=sum(one.escalated for one in made),
        failed=sum(one.tier is None for one in made),
        unreported=sum(each.usage is None and each.verdict not in ("failed", "skipped") for each in attempts),
        tokens=Tokens(
            **{name: sum(getattr(each.usage or Usage(), name) for each in attempts) for name in Usage.__slots__}
        ),
        strong=savings(made, "strong_cost"),
        best_single=savings(made, "best_single_cost"),
    )


def keys(made: list[Decision]) -> dict[str, dict[str | None, list[Decision]]]:
    grouped: dict[str, dict[str | None, list[Decision]]] = defaultdict(lambda: defaultdict(list))
    for one in made:
        grouped["user"][one.user].append(one)
        grouped["feature"][one.tags.get("feature")].append(one)
        grouped["UTC"][datetime.fromtimestamp(one.created, UTC).date().isoformat()].append(one)
        kathmandu = datetime.fromtimestamp(one.created, ZoneInfo("Asia/Kathmandu"))
        grouped["Asia/Kathmandu"][kathmandu.date().isoformat()].append(one)
    return grouped


@settings(max_examples=25, deadline=None)
@given(made=st.lists(samples.decisions(), max_size=8, unique_by=lambda one: one.id))
def test_every_sum_is_what_plain_python_reckons(made: list[Decision]) -> None:
    """Decision cost = sum of attempts = ledger rows = total; every grouping sums to the total."""
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.db") as ledger:
        ledger.open()
        for one in made:
            ledger.append(one)
        costs = Costs(ledger)
        total = costs.total()
        assert total == reckoned(made, None)
        assert total.cost == sum(each.cost for one in made for each in one.attempts)
        assert total.cost == sum(entry.decision.cost for entry in ledger.decisions())
        grouped = keys(made)
        for name in ("user", "feature"):
            assert {row.key: row for row in costs.by(name)} == {
                key: reckoned(some, key) for key, some in grouped[name].items()
            }
        for zone in ("UTC", "Asia/Kathmandu"):
            expected = [
                reckoned(some, day) for day, some in sorted(grouped[zone].items(), key=lambda item: str(item[0]))
            ]
            assert costs.by("day", zone=zone) == expected
        for name in ("tier", "model"):
            rows = costs.by(name)
            assert sum((row.tokens for row in rows), Tokens()) == total.tokens
            assert sum((row.strong for row in rows), Savings()) == total.strong
            assert sum((row.best_single for row in rows), Savings()) == total.best_single
            for field in ("cost", "wasted", "unreported"):
                assert sum(getattr(row, field) for row in rows) == getattr(total, field)
            for row in rows:
                called = [
                    one
                    for one in made
                    if any(getattr(each, name) == row.key and each.verdict != "skipped" for each in one.attempts)
                ]
                assert row.requests == len(called)
