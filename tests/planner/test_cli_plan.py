from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from router.cli import plan_tables
from router.cli.main import app
from router.errors import ConfigError, InputError, UnknownTier
from tests.planner.kit import DAY, HOUR, MONDAY, add, book

CONFIG = """
[ledger]
path = "ledger.db"
[[tiers]]
name = "small"
api = "fake"
model = "model-small"
price = { input = 1, output = 2 }
[[tiers]]
name = "large"
api = "fake"
model = "model-large"
price = { input = 10, output = 20 }
"""

MACHINE = ("--hourly-cost", "0.02", "--read-per-second", "1000", "--write-per-second", "100")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tierwise.toml").write_text(CONFIG)
    with book(tmp_path) as ledger:
        for day in range(9):
            for hour in range(day % 4 + 3):
                add(ledger, f"{day}-{hour}", MONDAY + day * DAY + hour * HOUR)
    return tmp_path


def told(folder: Path, *arguments: str) -> str:
    command = ["plan", *arguments, "--since", "2026-11-01", "-c", str(folder / "tierwise.toml")]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("self-hosted", *MACHINE),
        ("hybrid", *MACHINE, "--api", "small"),
        ("finetune", "--tier", "large", "--model", "small", "--examples", "50", "--upfront", "2"),
        ("roi", "--value", "0.05", "--useful", "0.8"),
    ],
)
def test_every_plan_speaks_json_and_text(folder: Path, arguments: tuple[str, ...]) -> None:
    plain, text = told(folder, *arguments, "--json"), told(folder, *arguments)
    found = json.loads(plain)
    assert found["period" if "period" in found else "load"]
    assert "None" not in text
    assert "nan" not in text


def test_the_text_says_the_figures_of_the_json(folder: Path) -> None:
    found = json.loads(told(folder, "self-hosted", *MACHINE, "--json"))
    assert found["load"]["calls"] == 39
    assert [each["name"] for each in found["comparisons"]] == ["as paid", "small", "large"]
    assert f"{found['comparisons'][0]['break_even_requests']:,} requests a month" in told(
        folder, "self-hosted", *MACHINE
    )


def test_the_inputs_are_echoed(folder: Path) -> None:
    found = json.loads(told(folder, "hybrid", *MACHINE, "--json"))
    assert found["machine"]["hourly_cost"] == 0.02
    assert found["machine"]["read_per_second"] == 1000
    assert found["best"] in found["splits"]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("self-hosted", "--hourly-cost", "2"), InputError, "--read-per-second"),
        (("self-hosted", *MACHINE, "--calls-of", "huge"), UnknownTier, "--calls-of='huge'"),
        (("hybrid", *MACHINE, "--api", "huge"), UnknownTier, "--api='huge'"),
        (("hybrid", *MACHINE, "--measure", "huge"), UnknownTier, "--measure='huge'"),
        (("hybrid", *MACHINE, "--measure", "small"), ConfigError, "FakeProvider"),
        (("finetune", "--tier", "large"), InputError, "--model TIER"),
        (("finetune", "--tier", "large", "--model", "small", "--input-price", "1"), InputError, "has a price already"),
        (("finetune", "--tier", "large", "--input-price", "-1", "--output-price", "1"), InputError, "at least 0"),
        (("roi",), InputError, "say what an answer is worth"),
        (("roi", "--value", "inf"), InputError, "finite"),
    ],
)
def test_what_cannot_be_planned_is_told(
    folder: Path, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        told(folder, *arguments)


@pytest.mark.local_models
def test_a_tier_of_the_configuration_is_timed(folder: Path, llama: str) -> None:
    own = f'[[tiers]]\nname = "own"\napi = "openai-chat"\nmodel = "smollm2"\nbase_url = "{llama}"\nhourly_cost = 1\n'
    speeds = "input_tokens_per_second = 1\noutput_tokens_per_second = 1\n"
    (folder / "tierwise.toml").write_text(CONFIG.replace("[[tiers]]", f"{own}{speeds}[[tiers]]", 1))
    measure = ("--measure", "own", "--concurrency", "1", "--prompt-words", "60", "--max-tokens", "8")
    said = told(folder, "self-hosted", "--hourly-cost", "0.02", *measure, "--json")
    found = json.loads(said[said.index("{") :])  # what is told of the rounds goes to standard error
    assert found["machine"]["read_per_second"] == found["measured"]["read_per_second"] > 1
    assert len(found["measured"]["rounds"]) == 3
    shown = StringIO()
    plan_tables.own_machines(found, Console(width=400, file=shown))
    assert "measured at tier own with 1 call at once" in shown.getvalue()
