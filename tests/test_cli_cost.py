from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from router.cli.cost import cost, report
from router.errors import InputError, LedgerError
from router.ledger import Ledger
from router.types import Usage
from tests.ledger.samples import attempt, decision

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DAY = 86_400


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        opened.open()
        yield opened


def fill(ledger: Ledger) -> None:
    usage = Usage(input_tokens=1_200_000, output_tokens=300)
    ledger.append(decision("old", created=NOW - 8 * DAY, attempts=(attempt(cost=1, usage=usage),), strong_cost=4))
    ledger.append(
        decision(
            "new",
            created=NOW - DAY,
            attempts=(
                attempt("small", "escalated", cost=2_000_000_001, usage=usage),
                attempt("large", cost=500, usage=None),
            ),
            tags={"feature": "[red]chat"},
            strong_cost=None,
            best_single_cost=None,
        )
    )


def command(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(cost)
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def told(
    ledger: Ledger, by: str = "tier", since: str | None = None, until: str | None = None, zone: str = "UTC"
) -> dict:
    return report(ledger, by=by, since=since, until=until, zone=zone, now=NOW)


def test_json_has_everything_in_usd(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    found = json.loads(command("--ledger", str(tmp_path / "ledger.db"), "--by", "feature", "--json"))
    assert found.keys() == {"by", "since", "until", "zone", "total", "rows"}
    assert found["total"] == {
        "key": None,
        "requests": 2,
        "cost": 2.000000502,
        "cost_per_request": 1.000000251,
        "audits": 0,
        "audited": 0.0,
        "wasted": 2.000000001,
        "escalated": 1,
        "escalation_rate": 0.5,
        "failed": 0,
        "unreported": 1,
        "unpriced": 0,
        "tokens": {
            "input_tokens": 2_400_000,
            "cached_input_tokens": 0,
            "cache_write_tokens": 0,
            "output_tokens": 600,
            "reasoning_tokens": 0,
        },
        "savings": {
            "strong": {"requests": 1, "cost": 1e-9, "instead_of": 4e-9, "saved": 3e-9, "share": 0.75},
            "best_single": {"requests": 1, "cost": 1e-9, "instead_of": 5e-6, "saved": 4.999e-6, "share": 0.9998},
        },
    }
    assert [row["key"] for row in found["rows"]] == ["[red]chat", "search"]


def test_a_table_for_people(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    shown = command("--ledger", f"sqlite:///{tmp_path / 'ledger.db'}", "--by", "tag:feature")
    lines = [line.split() for line in shown.splitlines() if line.strip()]
    assert ["[red]chat", "1", "$2.00", "$2.00", "100.0%", "1.2M", "300", "-", "-"] in lines
    assert ["search", "1", "$0.00000000100", "$0.00000000100", "0.0%", "1.2M", "300", "75%", "100%"] in lines
    assert ["total", "2", "$2.00", "$1.00", "50.0%", "2.4M", "600", "75%", "100%"] in lines
    assert "over the 1 of 2 requests where that is known" in shown
    assert "$2.00 of the cost paid for answers that were not returned." in shown
    assert "1 answers came without token counts; their cost is not in these sums." in shown
    assert "failed" not in shown


def test_failed_requests_have_a_column_when_there_are_any(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(
        decision(
            attempts=(attempt(verdict="failed", usage=None, cost=0),),
            user=None,
            strong_cost=None,
            best_single_cost=None,
        )
    )
    shown = command("--ledger", str(tmp_path / "ledger.db"), "--by", "user")
    assert "failed" in shown
    assert "(none)" in shown
    assert "What the strongest tier would have cost is not known for any of these requests." in shown


def test_an_empty_time_says_so(ledger: Ledger, tmp_path: Path) -> None:
    assert command("--ledger", str(tmp_path / "ledger.db")) == "The ledger has no requests in this time.\n"


@pytest.mark.parametrize(
    ("since", "until", "zone", "expected"),
    [
        ("7d", None, "UTC", 1),
        ("2w", None, "UTC", 2),
        ("192h", None, "UTC", 2),
        ("1440m", None, "UTC", 1),
        ("7d", "24h", "UTC", 0),
        ("2026-11-15", "2026-11-16", "UTC", 1),
        ("2026-11-15T12:00", "2026-11-15T12:01", "UTC", 1),
        ("2026-11-15T12:00", "2026-11-15T12:01", "Europe/Berlin", 0),
        ("2026-11-15T13:00", "2026-11-15T13:01", "Europe/Berlin", 1),
        ("2026-11-15T14:00+02:00", "2026-11-15T12:01Z", "Europe/Berlin", 1),
        (None, "2026-11-20", "UTC", 1),
    ],
)
def test_times(ledger: Ledger, since: str | None, until: str | None, zone: str, expected: int) -> None:
    fill(ledger)
    assert told(ledger, since=since, until=until, zone=zone)["total"]["requests"] == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"since": "yesterday"}, "--since='yesterday' is no time; write it like 7d, 24h or 2026-11-01"),
        ({"until": "7y"}, "--until='7y' is no time; write it like 7d, 24h or 2026-11-01"),
        ({"zone": "Mars"}, "--zone='Mars' is no time zone; write it like UTC or Europe/Berlin"),
        ({"by": ""}, "by takes tier, model, user, unit, hour, day, week, month or a tag, not an empty text"),
    ],
)
def test_bad_arguments(ledger: Ledger, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        told(ledger, **arguments)
    assert str(caught.value) == said


def test_a_ledger_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger at"):
        told(Ledger(tmp_path / "none.db"))


def test_the_ledger_of_the_configuration_is_the_default(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    config = tmp_path / "tierwise.toml"
    config.write_text('preset = "anthropic"\n[ledger]\npath = "ledger.db"\n')
    assert json.loads(command("--config", str(config), "--json"))["total"]["requests"] == 2
    config.write_text('preset = "anthropic"\n[ledger]\nenabled = false\n')
    with pytest.raises(InputError, match="the ledger is switched off in the configuration; pass --ledger"):
        command("--config", str(config))
