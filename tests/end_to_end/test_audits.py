"""Audits in the books: they cost money, are counted as what they are, and nothing else is counted with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine

from router.analytics import Costs, Row, Savings, Tokens
from router.audits import Audits
from router.cli.cost import report, show
from router.config import Config
from router.engine import Router
from router.errors import RejectedRequest
from router.ledger import Ledger, migrations
from router.ledger.codec import DECISION_COLUMNS
from router.providers.fake import FakeProvider
from tests.kit import Clock, said, two_tiers

ALWAYS = Audits(enabled=True, least=1.0, most=1.0, share=1.0)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


def routed(ledger, *answers, prompts=1, confidence=0.9):
    """Route prompts with audits, and let them all end; the responses."""
    parts = replace(two_tiers(confidence=confidence), audits=ALWAYS)
    provider = FakeProvider({"small": said("4"), "large": list(answers)})
    config = Config.of(parts.ladder.tiers, audits=ALWAYS)
    router = Router(config, plan=parts, provider=provider, ledger=ledger, sleep=Clock().sleep)
    with router:
        return [router.route(f"{place} + 2?", tags={"feature": "sums"}, user="u1") for place in range(prompts)]


def test_an_audit_costs_money_and_is_no_request_no_waste_and_no_failure(ledger):
    """Requests, failures and waste are as without it; its cost is in the sum, and told apart."""
    routed(ledger, said("four"), RejectedRequest("no", tier="large"), prompts=2)

    total = Costs(ledger).total()

    assert total == Row(
        requests=2,
        cost=2 * 16_000 + 160_000,
        audits=2,
        audited=160_000,
        tokens=Tokens(input_tokens=30, output_tokens=9),
        strong=Savings(requests=2, cost=192_000, instead_of=320_000),
    )


def test_the_rows_of_every_grouping_sum_to_the_total(ledger):
    """The audited tier bears its audits; so do the user, the tag and the day of the request."""
    routed(ledger, said("four"), prompts=1)
    routed(ledger, said("four"), confidence=0.3)
    costs = Costs(ledger)
    total = costs.total()

    rows = {key: costs.by(key) for key in ("tier", "model", "user", "feature", "day")}

    for found in rows.values():
        for name in ("cost", "audits", "audited", "wasted", "failed", "escalated"):
            assert sum(getattr(row, name) for row in found) == getattr(total, name)
        assert sum((row.strong for row in found), Savings()) == total.strong
    tiers = {row.key: row for row in rows["tier"]}
    assert (tiers["large"].requests, tiers["large"].audits, tiers["large"].cost) == (1, 1, 320_000)
    assert (tiers["small"].requests, tiers["small"].audits) == (2, 0)
    assert rows["user"][0].key == "u1"


def test_the_cost_report_tells_of_audits_on_a_line_of_their_own(ledger, capsys):
    """In JSON as `audits` and `audited`, in USD; in words below the table."""
    from rich.console import Console

    routed(ledger, said("four"))

    found = report(ledger, by="tier", since=None, until=None, zone="UTC", now=0.0)
    show(found, Console(width=200))

    assert (found["total"]["audits"], found["total"]["audited"], found["total"]["wasted"]) == (1, 0.00016, 0.0)
    assert "$0.000160 of the cost paid for 1 audits" in capsys.readouterr().out


def test_the_last_decision_is_the_last_that_answered_somebody(ledger):
    """`tierwise explain` explains a request; an audit is explained when it is asked for by its id."""
    (response,) = routed(ledger, said("four"))

    audit = next(entry.decision for entry in ledger.decisions() if entry.decision.audit_of is not None)

    assert ledger.find() == response.decision
    assert "With a probability of 100.0% a stronger tier was then asked" in ledger.find().explain()
    told = ledger.find(audit.id).explain().splitlines()
    reason = "to learn whether the cheaper answer was good enough."
    assert told[0] == f"An audit of decision {response.decision.id}: large was asked, {reason}"
    assert told[1] == f"large answered ($0.000160, 0.00 s): audited, {reason}"
    assert audit.as_dict()["audit_of"] == response.decision.id


def test_the_answer_of_an_audit_can_be_labelled(ledger):
    """That is what it is for."""
    from router.ledger.feedback import record

    routed(ledger, said("four"))
    audit = next(entry.decision for entry in ledger.decisions() if entry.decision.audit_of is not None)

    label = record(ledger, audit.id, 1.0, tier="large", source="human")

    assert list(ledger.labels()) == [label]


def test_a_ledger_of_an_older_release_is_read_as_it_was_meant(tmp_path, monkeypatch):
    """Decisions from before profiles and audits had the default profile, and no audit."""
    path = tmp_path / "ledger.db"
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:2])
        with Ledger(path) as old:
            old.open()
    engine = create_engine(f"sqlite:///{path}")
    values = dict.fromkeys(DECISION_COLUMNS[: DECISION_COLUMNS.index("profile")]) | {
        "id": "d1", "created": 1.0, "prompt_hash": "", "start": "small", "reason": "", "cost_nano": 0, "escalated": 0,
        "tags": "{}", "suffices": "{}", "expected_cost": "{}", "policy_version": "", "config_version": "",
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in values)
    with engine.begin() as connection:
        marks = ", ".join("?" for _ in values)
        connection.exec_driver_sql(f"INSERT INTO decisions ({names}) VALUES ({marks})", tuple(values.values()))
    engine.dispose()

    with Ledger(path) as new:
        new.open()
        found = new.find("d1")

    assert (found.profile, found.audit, found.audit_of) == ("default", 0.0, None)
