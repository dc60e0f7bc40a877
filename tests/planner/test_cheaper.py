from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router import config as configuration
from router.attribution import UNPRICED, UNROUTED
from router.config import Config
from router.ledger import Ledger
from router.plan import Plan
from router.planner.audit import audit
from router.planner.cheaper import ENOUGH, replayed
from router.planner.lever import Lever
from router.planner.period import Period
from router.planning import plan_of
from router.types import Usage
from tests.kit import two_tiers
from tests.ledger.samples import attempt, decision
from tests.planner.kit import DAY, MONDAY, asked, book

ONE_DAY = Period(start=MONDAY, end=MONDAY + DAY)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with book(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def config() -> Config:
    """The demo's tiers, which the default bundle was trained for."""
    return configuration.load("preset:local")


@pytest.fixture(scope="module")
def trained(config: Config) -> Plan:
    return plan_of(config)


def collect(ledger: Ledger, plan: Plan, count: int) -> None:
    """Requests that the large tier answered untrained, each with an answer collected from the small one."""
    usage = Usage(input_tokens=20, output_tokens=5)
    small, large = plan.ladder.tiers
    for place in range(count):
        request = asked(f"What is {place} + 2? Answer:")
        for tier, changes in ((large, {}), (small, {"audit_of": f"d{place}"})):
            tried = attempt(
                tier.name,
                "collected" if changes else "accepted",
                model=tier.model,
                usage=usage,
                cost=tier.cost(usage),
                text=str(place + 2),
                signals={},
            )
            id = f"d{place}{'-small' if changes else ''}"
            made = decision(
                id,
                created=MONDAY + place,
                attempts=(tried,),
                policy_version="untrained",
                prompt_hash=request.prompt_hash,
                **changes,
            )
            ledger.append(made, request)


def routing(ledger: Ledger, config: Config, plan: Plan) -> Lever:
    (lever,) = [lever for lever in audit(ledger, config, plan=plan).levers if lever.name == "routing"]
    return lever


def test_a_trained_policy_is_replayed_on_the_answers_of_every_tier(
    ledger: Ledger, config: Config, trained: Plan
) -> None:
    collect(ledger, trained, ENOUGH + 5)
    found = routing(ledger, config, trained)
    assert found.figures["replayed"] == ENOUGH + 5
    assert found.saves is not None
    assert found.saves.low is not None
    assert found.saves.high is not None
    assert found.at_most is not None
    assert found.saves.low <= found.saves.monthly <= found.saves.high
    assert "costs" in found.why


def test_the_saving_begins_from_what_was_paid_and_not_from_the_strongest_tier(
    ledger: Ledger, config: Config, trained: Plan
) -> None:
    """Requests that a cheap tier answered without a policy have little left to save."""
    collect(ledger, trained, ENOUGH)
    before = routing(ledger, config, trained)
    small, large = trained.ladder.tiers
    usage = Usage(input_tokens=20, output_tokens=5)
    tried = attempt(small.name, model=small.model, usage=usage, cost=small.cost(usage))
    for place in range(ENOUGH):
        made = decision(f"cheap{place}", created=MONDAY + place, attempts=(tried,), policy_version="untrained")
        ledger.append(made, asked(f"And {place} + 3? Answer:"))
    after = routing(ledger, config, trained)

    rows = replayed(ledger, ONE_DAY, trained, {f"d{place}" for place in range(ENOUGH)})
    assert rows is not None
    ratio = rows[:, 0].sum() / rows[:, 1].sum()
    added = ENOUGH * (small.cost(usage) - ratio * large.cost(usage))
    assert before.saves is not None
    assert after.saves is not None
    assert after.saves.monthly - before.saves.monthly == pytest.approx(ONE_DAY.monthly(10**6) * added / 10**6, abs=2)
    assert after.switch == '[policy]\nbundle = "default"'


def test_a_call_past_the_router_without_a_price_is_no_cost_to_save_from(
    ledger: Ledger, config: Config, trained: Plan
) -> None:
    collect(ledger, trained, ENOUGH)
    before = routing(ledger, config, trained)
    usage = Usage(input_tokens=500, output_tokens=50)
    tried = attempt(UNROUTED, usage=usage, cost=0, reason=UNPRICED, model="unheard-of")
    ledger.append(decision("past", created=MONDAY + 1, attempts=(tried,), policy_version=""), asked("past it"))
    after = routing(ledger, config, trained)
    assert (after.saves, after.at_most) == (before.saves, before.at_most)
    assert after.figures["requests"] == before.figures["requests"] + 1


def test_the_replay_costs_what_the_policy_would_have_paid(ledger: Ledger, trained: Plan) -> None:
    collect(ledger, trained, 3)
    rows = replayed(ledger, ONE_DAY, trained, {"d0", "d1", "d2"})
    assert rows is not None
    small, large = (tier.cost(Usage(input_tokens=20, output_tokens=5)) for tier in trained.ladder.tiers)
    assert rows[:, 1].tolist() == [large] * 3
    assert set(rows[:, 0].tolist()) <= {small, large, small + large}


def test_too_few_replays_say_nothing(ledger: Ledger, config: Config, trained: Plan) -> None:
    collect(ledger, trained, ENOUGH - 1)
    assert routing(ledger, config, trained).saves is None


def test_an_untrained_plan_replays_nothing(ledger: Ledger, trained: Plan) -> None:
    collect(ledger, trained, 3)
    assert replayed(ledger, ONE_DAY, two_tiers(), {"d0"}) is None


def test_a_request_that_lacks_an_answer_is_left_out(ledger: Ledger, trained: Plan) -> None:
    collect(ledger, trained, 2)
    lonely = replace(decision("alone", created=MONDAY + 9), policy_version="untrained")
    ledger.append(lonely, asked("alone"))
    rows = replayed(ledger, ONE_DAY, trained, {"d0", "alone"})
    assert rows is not None
    assert len(rows) == 1
