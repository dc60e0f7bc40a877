from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

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
