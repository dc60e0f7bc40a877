from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.main import app
from router.errors import InputError, LedgerError
from tests.planner.kit import DAY, HOUR, MONDAY, add, asked, book

CONFIG = """
[ledger]
path = "ledger.db"
[[tiers]]
name = "small"
api = "fake"
model = "model-small"
price = { input = 1, output = 2, batch_input = 0.5, batch_output = 1 }
[[tiers]]
name = "large"
api = "anthropic"
model = "model-large"
price = { input = 10, output = 20, batch_input = 5, batch_output = 10 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tierwise.toml").write_text(CONFIG)
    with book(tmp_path) as ledger:
        for day in range(8):
            for hour in range(12):
                request = asked("[red]one", tags={"team": "night" if hour else "day"}, user=f"u{hour}")
                add(ledger, f"{day}-{hour}", MONDAY + day * DAY + (8 + hour) * HOUR, request=request)
    return tmp_path


def told(folder: Path, *arguments: str) -> str:
    command = ["audit", "--since", "2026-11-01", "-c", str(folder / "tierwise.toml"), *arguments]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_the_text_has_every_lever_of_the_json_in_its_order(folder: Path) -> None:
    found, text = json.loads(told(folder, "--json")), told(folder)
    names = [lever["name"] for lever in found["levers"]]
    places = [text.index(f"\n{name}\n") for name in names]
    assert places == sorted(places)
    assert found["requests"] == 96
    assert "96 requests" in text
    for lever in found["levers"]:
        for line in lever["switch"].splitlines():
            assert line in text


def test_switches_are_lines_of_a_configuration(folder: Path, tmp_path: Path) -> None:
    import tomllib

    from router.config import load

    for lever in json.loads(told(folder, "--json"))["levers"]:
        if lever["name"] not in ("cache", "shorter prompts", "shorter answers", "batch prices", "budgets"):
            continue
        path = tmp_path / f"{lever['name']}.toml"
        path.write_text(f"{CONFIG}\n{lever['switch']}\n")
        assert tomllib.loads(path.read_text())
        assert load(path).source == path


def test_tags_of_requests_that_can_wait_are_the_callers(folder: Path) -> None:
    (lever,) = [
        lever
        for lever in json.loads(told(folder, "--can-wait", "team=night", "--json"))["levers"]
        if lever["name"] == "batch prices"
    ]
    assert lever["figures"]["tagged"] == 88
    assert lever["saves"]["monthly"] == pytest.approx(88 * 0.006 * 30.4375 / (7 + 11 / 24), rel=1e-6)
    assert "team=night" in lever["why"]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("--can-wait", "night"), InputError, "KEY=VALUE"),
        (("--zone", "Mars/Olympus"), InputError, "no time zone"),
        (("--since", "soon"), InputError, "--since='soon' is no time"),
        (("--since", "2027-01-01"), InputError, "no requests in this time"),
        (("--until", "2026-10-31"), InputError, "ends before it begins"),
        (("--ledger", "/nowhere/ledger.db"), LedgerError, "there is no ledger"),
    ],
)
def test_what_cannot_be_audited_is_told(
    folder: Path, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        told(folder, *arguments)
