from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.errors import InputError
from router.ledger import Label, Ledger
from router.planner.fine_tuning import Tuning, fine_tuning, months_of
from router.planner.period import MONTH
from router.planner.returns import Worth, hoeffding, returns
from router.pricing import NANO, Price, nano, per_million
from tests.planner.kit import DAY, LADDER, MONDAY, add, asked, book


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with book(tmp_path) as opened:
        yield opened


def tuning(**changes: object) -> Tuning:
    values: dict[str, object] = {"tier": "large", "model": "small", "price": LADDER[0].price, "shorter": 0.0}
    return Tuning(**(values | {"examples": 100} | changes))  # type: ignore[arg-type]


def label(ledger: Ledger, id: str, quality: float, tier: str = "large", judge: str = "me") -> None:
    ledger.label(Label(decision_id=id, tier=tier, quality=quality, source="human", judge=judge, created=MONDAY))


def one_day(nano_dollars: int) -> int:
    return round(nano_dollars * MONTH / DAY)


def test_each_call_is_reckoned_at_the_new_price(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, read=1000, written=100)  # 12,000,000 nano-dollars at 10 and 20, a tenth of it at 1 and 2
    found = fine_tuning(ledger, tuning())
    assert found.now.monthly == one_day(12_000_000)
    assert found.then.monthly == one_day(1_200_000)
    assert found.saved.monthly == one_day(10_800_000)


def test_answers_that_will_not_do_pay_both(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    found = fine_tuning(ledger, tuning(handled=0.75))
    assert found.then.monthly == one_day(1_200_000 + 3_000_000)


def test_a_shorter_prompt_costs_less_and_the_answer_the_same(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, read=1000, written=100)
    found = fine_tuning(ledger, tuning(shorter=0.6))
    assert found.then.monthly == one_day(400_000 + 200_000)


def test_how_much_shorter_is_measured_by_the_system_prompts(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, request=asked("x" * 25, system="y" * 75))
    found = fine_tuning(ledger, tuning(shorter=None))
    assert (found.shorter, found.measured_shorter) == (0.75, 0.75)


def test_a_ledger_without_text_asks_how_much_shorter(tmp_path: Path) -> None:
    with book(tmp_path / "hashed", keep="hash") as hashed:
        add(hashed, "a", MONDAY)
        with pytest.raises(InputError, match="--shorter"):
            fine_tuning(hashed, tuning(shorter=None))


def test_hosting_is_paid_whatever_is_called(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    with_host, without = fine_tuning(ledger, tuning(hosting=nano(1))), fine_tuning(ledger, tuning())
    assert without.saved.monthly - with_host.saved.monthly == MONTH * NANO // 3600
    assert with_host.months is None


def test_payback_is_what_is_paid_at_first_over_what_is_saved(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, read=1000, written=100)
    found = fine_tuning(ledger, tuning(training=nano(25), upfront=nano(40), epochs=2))
    # 100 examples of 1,100 tokens, twice: 220,000 tokens at 25 USD a million.
    assert found.training == nano("5.5")
    assert found.upfront == nano("45.5")
    assert found.months == pytest.approx(45.5e9 / one_day(10_800_000))
    assert months_of(1, 0) is None


def test_examples_are_prompts_with_a_good_answer_each_once(ledger: Ledger) -> None:
    for place, (prompt, quality) in enumerate([("one", 1.0), ("one", 0.9), ("two", 0.8), ("three", 0.79)]):
        add(ledger, f"d{place}", MONDAY + place, request=asked(prompt))
        label(ledger, f"d{place}", quality)
    assert fine_tuning(ledger, tuning(examples=None)).examples == 2


def test_without_good_answers_there_is_nothing_to_train_on(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    with pytest.raises(InputError, match="no answers of tier 'large' with a label"):
        fine_tuning(ledger, tuning(examples=None))


def test_calls_of_other_tiers_are_left_out(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, by="small")
    with pytest.raises(InputError, match="no calls to tier 'large'"):
        fine_tuning(ledger, tuning())


@pytest.mark.parametrize("changes", [{"handled": 1.1}, {"shorter": -0.1}, {"epochs": 0}, {"upfront": -1}])
def test_absurd_figures_are_refused(changes: dict) -> None:
    with pytest.raises(InputError):
        tuning(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 10**12}, "1 to 1,000 epochs"),
        ({"examples": 0}, "1 to 1,000,000,000 examples"),
        ({"upfront": nano("1e308")}, "at most \\$1,000,000,000"),
        ({"hosting": nano("1e10")}, "at most \\$1,000,000,000"),
        ({"price": Price(rates=per_million(input=1, output="1e300"))}, "at most \\$1,000,000 per million tokens"),
    ],
)
def test_amounts_in_another_unit_are_refused_with_what_is_allowed(changes: dict, said: str) -> None:
    """And not reckoned with until a float overflows."""
    with pytest.raises(InputError, match=said):
        tuning(**changes)


@pytest.mark.parametrize("name", ["value", "wage", "fixed"])
def test_a_worth_in_another_unit_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="at most \\$1,000,000,000"):
        Worth(**{"value": 1, name: nano("1e300")})


def test_the_return_is_value_less_cost(ledger: Ledger) -> None:
    for place in range(4):
        add(ledger, f"d{place}", MONDAY + place)  # 0.012 USD each
    found = returns(ledger, Worth(minutes=3, wage=nano(20), useful=0.5, fixed=nano(10)))
    assert found.worth.each == nano(1)
    assert found.value == one_day(4 * NANO) // 2
    assert found.net.monthly == one_day(2 * NANO - 48_000_000) - nano(10)
    assert found.break_even == pytest.approx((one_day(48_000_000) + nano(10)) / (found.answered_monthly / 2), rel=1e-6)


def test_useful_is_the_mean_of_the_labels_with_their_interval(ledger: Ledger) -> None:
    for place in range(40):
        add(ledger, f"d{place}", MONDAY + place)
        label(ledger, f"d{place}", float(place % 4 > 0))
        label(ledger, f"d{place}", float(place % 4 > 0), judge="another")
    found = returns(ledger, Worth(value=nano("0.1")))
    assert (found.useful, found.labels) == (0.75, 40)
    assert found.useful_low is not None
    assert found.useful_low < 0.75


def test_the_interval_of_the_return_has_both_doubts_in_it(ledger: Ledger) -> None:
    for place in range(40):
        add(ledger, f"d{place}", MONDAY + place % 8 * DAY + place // 8 * 3600.0)
        label(ledger, f"d{place}", float(place % 4 > 0))
    add(ledger, "end", MONDAY + 8 * DAY)
    doubtful = returns(ledger, Worth(value=NANO)).net
    sure = returns(ledger, Worth(value=NANO, useful=0.75)).net
    assert doubtful.monthly == sure.monthly
    assert None not in (doubtful.low, doubtful.high, sure.low, sure.high)
    # Hoeffding's interval for 40 labels is 0.215 wide on each side; the 41 answers of 8 days are worth a dollar each.
    wider = 0.2148 * 41 * NANO * MONTH / (8 * DAY)
    assert sure.low - doubtful.low == pytest.approx(wider, rel=1e-2)  # type: ignore[operator]
    assert doubtful.high - sure.high == pytest.approx(wider, rel=1e-2)  # type: ignore[operator]


def test_too_few_labels_are_no_share(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    with pytest.raises(InputError, match="0 labelled answers"):
        returns(ledger, Worth(value=1))


def test_an_answer_must_be_worth_something() -> None:
    with pytest.raises(InputError, match="say what an answer is worth"):
        Worth(minutes=5)


def test_hoeffding_is_within_the_range() -> None:
    assert hoeffding([1.0] * 10)[1] == 1.0
    assert hoeffding([0.0] * 10)[0] == 0.0
