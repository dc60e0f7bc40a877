"""What ``tierwise cost`` says of requests that went up in vain, failed or were upgraded."""

from __future__ import annotations

import pytest

from router.analytics import Costs
from router.errors import ServerFault
from router.ledger import Ledger
from router.policy import CostAware
from tests.kit import Clock, Scripted, ladder, plan, router, said, two_tiers


@pytest.fixture
def ledger(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


def test_an_answer_that_outvoted_the_stronger_one_counts_as_an_escalation_of_its_own_tier(ledger):
    after = {(0,): (0.5, 0.9), (0, 1): (0.7, 0.3)}
    parts = plan(ladder("small", "large"), CostAware(quality_per_dollar=0.0), Scripted((0.95, 0.9), after))
    made, _, _, _ = router(parts, {"small": said("4"), "large": said("5")}, book=ledger)

    decision = made.route("2 + 2?").decision

    rows = {row.key: row for row in Costs(ledger).by("tier")}
    assert decision.tier == "small"
    assert (rows["small"].escalation_rate, rows["large"].escalation_rate) == (1.0, 0.0)
    assert (rows["small"].wasted, rows["large"].wasted) == (0, 160_000)
    assert Costs(ledger).total().escalation_rate == 1.0


def test_a_stronger_tier_that_failed_was_escalated_to_all_the_same(ledger):
    error = ServerFault("down", tier="large")
    replies = {"small": said("5"), "large": [error] * 3}
    made, _, _, _ = router(two_tiers(confidence=0.3), replies, book=ledger, clock=Clock())

    made.route("2 + 2?")

    rows = {row.key: row for row in Costs(ledger).by("tier")}
    assert (rows["small"].escalated, rows["large"].failed) == (1, 1)


def test_an_upgrade_adds_its_cost_and_no_saving(ledger):
    made, _, _, _ = router(two_tiers(confidence=0.9), {"small": said("4"), "large": said("four")}, book=ledger)

    made.upgrade(made.route("2 + 2?"), "2 + 2?")

    total = Costs(ledger).total()
    assert total.cost == 176_000
    assert total.strong.instead_of == 160_000
