"""Feedback on an answer, through the router and through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.main import app
from router.config import Config
from router.engine import Router
from router.errors import InputError
from router.ledger import Ledger
from tests.kit import FakeProvider, ladder, two_tiers
from tests.ledger.samples import attempt, decision

CONFIG = """
[[tiers]]
name = "small"
model = "m"
api = "openai-chat"
price = { input = 1, output = 2 }

[ledger]
path = "ledger.db"
"""


def test_the_router_labels_what_it_answered(path: Path) -> None:
    """By response and by id, the answer returned or another tier's."""
    provider = FakeProvider({"small": "maybe", "large": "Jupiter"})
    config = Config.of(ladder("small", "large").tiers)
    with Router(config, plan=two_tiers(), provider=provider, ledger=Ledger(path)) as router:
        response = router.route("Which planet is the largest?")
        first = router.feedback(response, 1)
        second = router.feedback(response.decision.id, 0.25, tier="small", source="judge", judge="j", weight=2.0)
        assert router.ledger is not None
        assert [first, second] == list(router.ledger.labels())
    assert (first.decision_id, first.tier, first.quality, first.source) == (response.decision.id, "large", 1.0, "human")
    assert (second.tier, second.quality, second.judge, second.weight) == ("small", 0.25, "j", 2.0)


def test_a_router_without_a_ledger_says_so() -> None:
    """There is nothing to label."""
    config = Config.of(ladder("small", "large").tiers)
    with (
        Router(config, plan=two_tiers(), provider=FakeProvider({})) as router,
        pytest.raises(InputError, match="the ledger is switched off"),
    ):
        router.feedback("d1", 1.0)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose ledger holds one decision."""
    file = tmp_path / "tierwise.toml"
    file.write_text(CONFIG)
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.append(decision(attempts=(attempt(verdict="escalated"), attempt("large"))))
    return str(file)


def test_the_command_keeps_the_label_and_prints_it(config: str, tmp_path: Path) -> None:
    """As JSON, or in a line."""
    words = ["feedback", "d1", "--quality", "0.8", "-c", config]
    told = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    line = CliRunner().invoke(app, [*words, "--tier", "small"], catch_exceptions=False)
    with Ledger(tmp_path / "ledger.db") as ledger:
        kept = list(ledger.labels())
    assert [(each.tier, each.quality) for each in kept] == [("large", 0.8), ("small", 0.8)]
    assert json.loads(told.stdout)["created"] == kept[0].created
    assert line.stdout == "kept: small in d1 is worth 0.8 (human)\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["d1", "--quality", "8"], "quality must be a number from 0"),
        (["d1", "--quality", "nan"], "quality must be a number from 0"),
        (["d2", "--quality", "1"], "the ledger has no decision 'd2'"),
        (["d1", "--quality", "1", "--tier", "huge"], "tier 'huge' gave no answer to label"),
        (["d1", "--quality", "1", "--source", "rumour"], "source='rumour' is none of"),
    ],
)
def test_bad_feedback_is_one_sentence(config: str, words: list[str], told: str) -> None:
    """Nothing is written."""
    with pytest.raises(InputError, match=told):
        CliRunner().invoke(app, ["feedback", *words, "-c", config], catch_exceptions=False)
