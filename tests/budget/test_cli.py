"""``tierwise budget``: what it shows, what it forgets, and what it refuses."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from router.budget.accounts import account, accounts_of
from router.cli.budget import budget
from router.config import load
from router.errors import InputError, TierwiseError
from router.stores.budget_store import Holding
from router.stores.budgeting import store_of
from tests.kit import ask

TOML = """
preset = "local"
[budgets]
store = "{store}"
[[budgets.scope]]
name = "everything"
limit = 2.5
window = "rolling 7d"
[[budgets.scope]]
name = "teams"
per = "team"
limit = 1
window = "month"
"""


@pytest.fixture(params=["sqlite", "redis"])
def config(request, tmp_path):
    """A configuration whose budgets two teams have spent from."""
    store = "budgets.db" if request.param == "sqlite" else request.getfixturevalue("own_redis").url
    path = tmp_path / "tierwise.toml"
    path.write_text(TOML.format(store=store))
    settings = load(path).budgets
    opened = store_of(settings)
    for place, team in enumerate(("[red]a", "b\x1b")):
        accounts = accounts_of(ask(tags={"team": team}), settings.scopes)
        opened.settle(Holding(id=f"s{place}", most=0, accounts=accounts), 250_000_001)
    opened.reserve(Holding(id="open", most=10_000_000, accounts=(account(settings.scopes[0], None),)))
    opened.close()
    return str(path)


def run(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.add_typer(budget, name="budget")
    found = CliRunner().invoke(app, ["budget", *arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_the_status_shows_every_budget_to_the_nano_dollar(config):
    lines = run("status", "-c", config).splitlines()
    assert lines[0].split() == ["budget", "of", "window", "spent", "set", "aside", "limit", "share", "begins", "anew"]
    everything = next(line for line in lines if line.strip().startswith("everything"))
    assert "rolling 7d" in everything
    assert everything.split()[-5:] == ["$0.500000002", "$0.01", "$2.50", "20.0%", "-"]
    assert any("team [red]a" in line and "$0.250000001" in line and "25.0%" in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_the_status_as_json_has_what_the_table_has(config):
    found = json.loads(run("status", "-c", config, "--json"))
    rows = {(row["scope"], row["value"]): row for row in found["budgets"]}
    assert set(rows) == {("everything", None), ("teams", "[red]a"), ("teams", "b\x1b")}
    row = rows["everything", None]
    assert (row["spent"], row["held"], row["limit"], row["resets"]) == (0.500000002, 0.01, 2.5, None)
    assert rows["teams", "[red]a"]["resets"] > 1_700_000_000


def test_a_reset_begins_one_budget_anew_and_leaves_others(config):
    assert "teams of team '[red]a' begins anew" in run("reset", "teams", "--value", "[red]a", "-c", config)
    left = json.loads(run("status", "-c", config, "--json"))["budgets"]
    assert [row["spent"] for row in left] == [0.500000002, 0.0, 0.250000001]
    run("reset", "teams", "--all", "-c", config)
    found = json.loads(run("reset", "everything", "-c", config, "--json"))
    assert [row["spent"] for row in found["reset"]] == [0.500000002]
    left = json.loads(run("status", "-c", config, "--json"))["budgets"]
    assert [(row["spent"], row["held"]) for row in left] == [(0.0, 0.01), (0.0, 0.0), (0.0, 0.0)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["reset", "teams"], "scope 'teams' has a budget per team; pass --value, or --all"),
        (["reset", "teams", "--value", "c"], "scope 'teams' has no budget of 'c'"),
        (["reset", "nothing"], "there is no budget scope 'nothing'; there are everything, teams"),
    ],
)
def test_what_cannot_be_reset_is_one_sentence(config, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        run(*arguments, "-c", config)


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        ("memory", "the budgets are kept in the memory of each router"),
        ("redis://127.0.0.1:9/0", "the budgets' store redis://127.0.0.1:9/0 cannot be used"),
        ("missing/budgets.db", "cannot be made"),
    ],
)
def test_a_store_that_cannot_be_asked_is_one_sentence(tmp_path, store, sentence):
    path = tmp_path / "tierwise.toml"
    path.write_text(TOML.format(store=store))
    with pytest.raises(TierwiseError, match=sentence):
        run("status", "-c", str(path))


def test_a_configuration_without_budgets_says_so(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text('preset = "local"\n')
    with pytest.raises(InputError, match=r"has no \[budgets\]"):
        run("status", "-c", str(path))
