"""``tierwise cache``, against a ledger and a store that a router filled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from router.cli.cache import cache, report
from router.config import Config, load
from router.engine import Router
from router.errors import CacheError, InputError
from router.ledger import Ledger
from router.planning import ledger_of, levers_of
from router.providers.fake import FakeProvider
from router.stores.hits import hits
from tests.cache.conftest import Make
from tests.kit import said, two_tiers
from tests.ledger.conftest import Server as Postgres
from tests.ledger.conftest import postgres
from tests.servers import Server, free_port

__all__ = ["postgres"]

TIERS = """
[[tiers]]
name = "small"
model = "model-small"
api = "fake"
price = { input = 1, output = 2 }
[[tiers]]
name = "large"
model = "model-large"
api = "fake"
price = { input = 10, output = 20 }
[ledger]
path = "ledger.db"
"""


def config(folder: Path, *, store: str = "cache.db") -> Path:
    path = folder / "tierwise.toml"
    path.write_text(f'{TIERS}[cache]\nstore = "{store}"\ntimeout = 5\n')
    return path


def filled(path: Path) -> Config:
    """Two answers, of which one was handed out three times and one once."""
    found = load(path)
    plan = replace(two_tiers(confidence=0.9), ladder=found.tiers, cache=levers_of(found)["cache"])
    ledger = ledger_of(found)
    assert ledger is not None
    ledger.open()
    with Router(found, plan=plan, provider=FakeProvider({"small": said("4")}), ledger=ledger) as router:
        for _ in range(4):
            router.route("What is 2 + 2?", tags={"feature": "sums", "odd": "a=b [red]\u00e9"})
        for _ in range(2):
            router.route("And 3 + 1?", tags={"feature": "more"})
    return found


def command(path: Path, *arguments: str) -> str:
    app = typer.Typer()
    app.add_typer(cache, name="cache")
    done = CliRunner().invoke(app, ["cache", *arguments, "--config", str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def told(path: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(command(path, *arguments, "--json"))
    return found


def test_stats_tell_hits_misses_savings_age_and_what_is_held(tmp_path: Path) -> None:
    """The small tier's answer costs 16 millionths of a dollar (10 tokens in at $1, 3 out at $2 a million)."""
    path = config(tmp_path)
    filled(path)
    found = told(path, "stats")
    assert found["requests"] == 6
    assert found["hits"] == {"all": 4, "exact": 4, "semantic": 0, "by_tier": {"small": 4}}
    assert found["misses"] == 2
    assert found["hit_rate"] == 4 / 6
    assert found["saved"] == {"cost": 0.000064, "known": 4, "strong": 0.00064, "strong_known": 4}
    assert 0 <= found["age"]["mean"] <= found["age"]["most"] < 60
    assert found["holds"]["entries"] == 2
    assert found["holds"]["bytes"] > 100
    assert 0 <= found["holds"]["newest"] <= found["holds"]["oldest"] < 60
    assert found["store"] == f"the file {tmp_path / 'cache.db'}"


def test_the_text_shows_what_the_json_has(tmp_path: Path) -> None:
    path = config(tmp_path)
    filled(path)
    shown = command(path, "stats")
    for part in ("4 (66.7% of 6 requests)", "4 exact, 0 by meaning", "$0.000064", "$0.000640", "2 entries"):
        assert part in shown


def test_stats_of_a_time_without_requests(tmp_path: Path) -> None:
    path = config(tmp_path)
    filled(path)
    found = told(path, "stats", "--until", "2020-01-01")
    assert (found["requests"], found["hits"]["all"], found["hit_rate"], found["age"]["mean"]) == (0, 0, None, None)
    assert "the ledger has no requests in this time" in command(path, "stats", "--until", "2020-01-01")


def test_savings_of_an_answer_whose_first_decision_is_gone_are_not_guessed(tmp_path: Path) -> None:
    found = filled(config(tmp_path))
    ledger = ledger_of(found)
    assert ledger is not None
    with ledger:
        first = next(ledger.decisions()).decision.created
        summed = hits(ledger, since=first + 1e-6)
    assert (summed.requests, summed.hits, summed.known) == (5, 4, 4)
    assert summed.spared == 64_000


def test_a_store_in_memory_or_down_is_said_to_be_unknown(tmp_path: Path) -> None:
    memory = config(tmp_path, store="memory")
    filled(memory)
    found = told(memory, "stats")
    assert (found["hits"]["all"], found["holds"]) == (4, None)
    assert "not known: it is in the memory of each process" in command(memory, "stats")
    url = f"redis://127.0.0.1:{free_port()}/0"
    assert told(config(tmp_path, store=url), "stats")["holds_unknown"] == (
        f"not known: {url} cannot be reached (Connection refused)"
    )


def test_without_a_cache_or_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "tierwise.toml"
    path.write_text(TIERS)
    with pytest.raises(InputError, match=r"there is no cache: the configuration has no table \[cache\]"):
        command(path, "stats")
    path.write_text(f'{TIERS}enabled = false\n[cache]\nstore = "c.db"\n')
    assert told(path, "stats")["hits"] is None
    assert "not known, since the ledger is switched off" in command(path, "stats")


@pytest.mark.parametrize("make", ["sqlite", "redis"], indirect=True)
def test_clearing_by_tag_forgets_those_answers_and_no_others(make: Make, tmp_path: Path) -> None:
    settings = make()
    path = config(tmp_path, store=settings.url or "cache.db")
    path.write_text(path.read_text() + f'namespace = "{settings.namespace}"\n')
    filled(path)
    assert told(path, "clear", "--tag", "feature=nothing") == {"forgotten": 0}
    assert told(path, "clear", "--tag", "odd=a=b [red]\u00e9") == {"forgotten": 1}
    assert told(path, "stats")["holds"]["entries"] == 1
    assert command(path, "clear", "--tag", "feature=more") == "forgot 1 entry\n"
    filled(path)
    assert told(path, "clear", "--all") == {"forgotten": 2}
    assert told(path, "stats")["holds"]["entries"] == 0


def test_memcached_cannot_count_but_forgets(tmp_path: Path, own_memcached: Server) -> None:
    path = config(tmp_path, store=own_memcached.url)
    filled(path)
    assert told(path, "stats")["hits"]["all"] == 4
    assert told(path, "stats")["holds"]["whole_server"] is True
    assert "the whole server, which does not tell them apart" in command(path, "stats")
    assert told(path, "clear", "--tag", "feature=more") == {"forgotten": None}
    filled(path)
    assert told(path, "stats")["hits"]["all"] == 4 + 5  # the sums were still there, and had to be asked for once less
    assert command(path, "clear", "--all") == "forgot them\n"
    filled(path)
    assert told(path, "stats")["hits"]["all"] == 9 + 4


def test_clearing_wants_to_be_told_what(tmp_path: Path) -> None:
    path = config(tmp_path)
    for arguments in ((), ("--all", "--tag", "a=b")):
        with pytest.raises(InputError, match="say what to forget: either --tag KEY=VALUE or --all"):
            command(path, "clear", *arguments)
    for tag in ("feature", "=x", ""):
        with pytest.raises(InputError, match="--tag takes KEY=VALUE"):
            command(path, "clear", "--tag", tag)


def test_a_cache_in_memory_cannot_be_cleared_from_outside(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="the cache is in the memory of each process"):
        command(config(tmp_path, store="memory"), "clear", "--all")


def test_clearing_a_server_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=r"cannot be reached \(Connection refused\)"):
        command(config(tmp_path, store=f"memcached://127.0.0.1:{free_port()}"), "clear", "--all")


def test_asking_makes_no_file(tmp_path: Path) -> None:
    path = config(tmp_path)
    filled(path)
    (tmp_path / "cache.db").unlink()
    found = report(load(path), since="7d", until=None, now=1e9)
    assert found["since"] == 1e9 - 7 * 86_400
    assert found["holds"] == {"entries": 0, "bytes": 0, "whole_server": False, "oldest": None, "newest": None}
    assert told(path, "clear", "--all") == {"forgotten": 0}
    assert not (tmp_path / "cache.db").exists()


@pytest.mark.postgres
def test_a_ledger_in_postgresql_tells_the_same(tmp_path: Path, postgres: Postgres) -> None:
    found = filled(config(tmp_path))
    local = ledger_of(found)
    assert local is not None
    with local, Ledger(postgres.url) as other:
        other.open()
        for entry in local.decisions():
            other.append(entry.decision)
        since = next(local.decisions()).decision.created
        assert hits(other, since=since) == hits(local, since=since)
