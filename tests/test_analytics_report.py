"""``tierwise report`` and ``tierwise cost --csv``: text, JSON, CSV and the page say the same."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from router.analytics import Costs
from router.analytics.summary import summary
from router.attribution import UNPRICED
from router.cli.cost import cost
from router.cli.report import report
from router.errors import InputError
from router.ledger import Ledger
from router.report.costs import BANNER, page
from router.types import Usage
from tests.ledger.samples import PROMPT, ask, attempt, decision
from tests.test_analytics_levers import cached

NOON = 1_795_003_200.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        opened.open()
        yield opened


def fill(ledger: Ledger) -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100)
    for place in range(30):
        ledger.append(
            decision(
                f"d{place:02}",
                created=NOON + place * 86_400,
                attempts=(attempt(cost=2_000_000 + place, usage=usage),),
                tags={"feature": f"f{place % 4}", "tenant": "<b>&\x07'\"", "unit": "=cmd()"},
                strong_cost=10_000_000,
            ),
            ask(),
        )
    ledger.append(cached("hit", "d03", created=NOON))
    ledger.append(decision("dear", created=NOON, attempts=(attempt(cost=10**9, usage=usage),), tags={"feature": "f1"}))
    direct = attempt("", model="m-9", reason=UNPRICED, cost=0, usage=usage)
    ledger.append(
        decision("direct", created=NOON, attempts=(direct,), tags={}, strong_cost=None, best_single_cost=None)
    )


def run(command, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_json_is_the_summary(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    found = json.loads(run(report, "--ledger", str(tmp_path / "ledger.db"), "--json", "--top", "3"))
    assert found == json.loads(json.dumps(summary(Costs(ledger), top=3) | {"simulated": False}))
    assert found.keys() == {
        *("since", "until", "zone", "total", "by", "series", "levers", "cache", "tokens", "outliers"),
        *("most_expensive", "simulated"),
    }
    assert found["by"].keys() == {"tier", "model", "feature", "unit", "tenant", "user"}
    features = found["by"]["feature"]
    assert [row["key"] for row in features["rows"]] == ["f1", "f0", "f3"]
    assert features["others"] == 3
    whole = sum(row["cost"] for row in features["rows"]) + features["rest"]["cost"]
    assert whole == pytest.approx(found["total"]["cost"])
    assert [call["decision"] for call in found["most_expensive"]] == ["dear", "d29", "d28"]
    assert [row["decision"] for row in found["outliers"]["rows"]] == []
    assert found["total"]["unpriced"] == 1
    assert found["cache"]["hits"] == 1


def test_every_figure_of_the_text_is_in_the_json(ledger: Ledger, tmp_path: Path) -> None:
    """Rounded as the text rounds; counted things are the same digits."""
    fill(ledger)
    arguments = ("--ledger", str(tmp_path / "ledger.db"), "--every", "month")
    shown, found = run(report, *arguments), json.loads(run(report, *arguments, "--json"))
    for row in (*found["by"]["tier"]["rows"], *found["series"]["rows"]):
        assert f"{row['requests']:,}" in shown
    assert "dear" in shown
    assert "m-9" in shown
    assert "(not routed)" in shown
    assert "1 calls made without the router have no known price; their cost is missing." in shown
    assert f"{found['total']['requests']:,} requests cost $1.06." in shown
    assert PROMPT not in shown


def test_the_page_is_well_formed_whole_and_without_scripts(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    path = tmp_path / "out.html"
    told = run(report, "--ledger", str(tmp_path / "ledger.db"), "--html", str(path), "--simulated")
    assert f"wrote {path}" in told
    assert "SIMULATED DATA" in told
    text = path.read_text(encoding="utf-8")
    root = ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    assert BANNER in text
    assert not re.search(r"<script|javascript:|src=|url\(|@import|https?://", text)
    drawn = root.findall(".//svg")
    assert len(drawn) == 2 * len(root.findall(".//figure")) > 10
    assert all(svg.find("title") is not None and svg.get("role") == "img" for svg in drawn)
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;" in text
    assert PROMPT not in text
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_figures_of_the_page_are_those_of_the_summary(ledger: Ledger) -> None:
    fill(ledger)
    found = summary(Costs(ledger))
    text = page(found)
    assert BANNER not in text
    assert "33 requests cost $1.06." in text
    strong = found["total"]["savings"]["strong"]
    assert f"{strong['share']:.1%}".replace("-", "−") in text
    for row in found["by"]["feature"]["rows"]:
        assert f">{row['key'] or '(none)'}<" in text
    assert "1 call had no known price, and what they cost is missing here." in text


def test_an_empty_ledger_makes_a_page_too(ledger: Ledger, tmp_path: Path) -> None:
    text = page(summary(Costs(ledger)))
    ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    assert "No requests in this time." in text
    assert "no requests in this time" in run(report, "--ledger", str(tmp_path / "ledger.db"))


def test_bad_arguments_are_one_sentence_and_nothing_is_written(ledger: Ledger, tmp_path: Path) -> None:
    at = str(tmp_path / "ledger.db")
    ledger.open()
    for arguments, said in (
        (("--every", "year"), "--every='year' is no period; it may be hour, day, week, month"),
        (("--top", "0"), "--top must be at least 1, not 0"),
        (("--zone", "Mars"), "--zone='Mars' is no time zone"),
        (("--since", "soon"), "--since='soon' is no time"),
        (("--html", str(tmp_path / "no" / "x.html")), "cannot write .*No such file or directory.*another place"),
    ):
        with pytest.raises(InputError, match=said):
            run(report, "--ledger", at, *arguments)
    with pytest.raises(InputError, match="two forms of the same"):
        run(cost, "--ledger", at, "--json", "--csv")


def test_showback_is_csv_with_exact_sums_and_no_formulas(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    rows = list(
        csv.DictReader(io.StringIO(run(cost, "--ledger", str(tmp_path / "ledger.db"), "--by", "unit", "--csv")))
    )
    assert [row["unit"] for row in rows] == ["(none)", "'=cmd()", "total"]
    assert [row["requests"] for row in rows] == ["3", "30", "33"]
    assert [row["cost_usd"] for row in rows] == ["1.000000000", "0.060000435", "1.060000435"]
    assert sum(float(row["share_of_cost"]) for row in rows[:-1]) == pytest.approx(1, abs=2e-6)
    assert (rows[0]["unpriced"], rows[0]["input_tokens"], rows[1]["saved_against_strongest_usd"]) == (
        "1",
        "2000",
        "0.239999565",
    )


def test_the_commands_read_the_configurations_units_and_ledger(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    config = tmp_path / "tierwise.toml"
    config.write_text(
        '[[tiers]]\nname = "small"\napi = "fake"\nmodel = "m"\nprice = { input = 1, output = 1 }\n'
        '[ledger]\npath = "ledger.db"\n[report]\nunit = "feature"\nunits = { f1 = "One", f2 = "One" }\n'
    )
    found = json.loads(run(cost, "--config", str(config), "--by", "unit", "--json"))
    assert {row["key"]: row["requests"] for row in found["rows"]} == {"One": 16, "f0": 8, "f3": 7, None: 1, "search": 1}
