"""``tierwise batch``."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from router.cli.main import app
from router.errors import InputError
from tests.batch.conftest import answers


def tierwise(*words: str, folder: Path) -> Result:
    """Run the command line in this process."""
    with chdir(folder):
        return CliRunner().invoke(app, words, env={"TIERWISE_CONFIG": None})


@pytest.fixture
def folder(vendor, tmp_path):
    """A configuration whose one trained-for-nothing ladder asks the strongest tier."""
    tiers = "\n".join(
        f'[[tiers]]\nname = "{name}"\nmodel = "m-{name}"\napi = "openai-chat"\nbase_url = "{vendor.url}/v1"\n'
        "price = { input = 1, output = 2, batch_input = 0.5, batch_output = 1 }"
        for name in ("small", "large")
    )
    (tmp_path / "tierwise.toml").write_text(
        f"{tiers}\n"
        '[policy]\nbundle = "none.tierwise"\nuntrained = "strong"\n[ledger]\npath = "ledger.db"\n'
        '[batch]\ntiers = ["small", "large"]\npoll = 0.02\nwindow = 0\npath = "jobs.db"\n'
    )
    return tmp_path


def test_a_file_is_answered_told_and_looked_up(vendor, write, folder):
    """run, status and the ledger say the same."""
    write({"prompt": "one", "id": "a"}, {"prompt": "two"})
    done = tierwise("batch", "run", "in.jsonl", "--out", "out.jsonl", "--json", folder=folder)

    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["answered"], told["cost"], told["standard"], told["batches"]) == (2, 0.00004, 0.00008, 1)
    assert [line["text"] for line in answers(folder / "out.jsonl")] == ["sure: one", "sure: two"]
    assert "a batch of 2 requests was created" in done.stderr

    status = json.loads(tierwise("batch", "status", "out.jsonl", "--json", folder=folder).stdout)
    assert (status["requests"], status["done"], status["cost"], status["under_way"]) == (2, 2, 0.00004, 0)
    cost = json.loads(tierwise("cost", "--json", folder=folder).stdout)
    assert 0.00004 in _numbers(cost)


def test_people_are_told_in_sentences(vendor, write, folder):
    """What it cost, what it would have cost, and what was left out."""
    write(*({"prompt": f"q{place}"} for place in range(20)), "nonsense")
    done = tierwise("batch", "run", "in.jsonl", "--out", "out.jsonl", folder=folder)
    status = tierwise("batch", "status", "out.jsonl", folder=folder)

    assert "20 of 20 answered for $0.000400 ($0.000800 without batch APIs), 0 failed: out.jsonl" in done.stdout
    assert "1 line could not be taken: in.rejected.jsonl" in done.stdout
    assert "20 of 20 done, 0 failed" in status.stdout
    assert "0 of 1 provider batches are under way" in status.stdout


def test_what_is_in_the_way_is_one_sentence(vendor, write, folder):
    """The command line prints it and ends with status 2."""
    write({"prompt": "one"})
    tierwise("batch", "run", "in.jsonl", "--out", "out.jsonl", folder=folder)
    again = tierwise("batch", "run", "in.jsonl", "--out", "out.jsonl", folder=folder)

    assert isinstance(again.exception, InputError)
    assert "pass --resume to go on with it" in str(again.exception)
    nothing = tierwise("batch", "status", "none.jsonl", folder=folder)
    assert "there is no journal" in str(nothing.exception)
    folder_told = tierwise("batch", "status", ".", folder=folder)
    assert "there is no journal" in str(folder_told.exception)


def test_what_was_submitted_is_collected(vendor, folder):
    """With nothing left it says so."""
    done = tierwise("batch", "collect", "--json", folder=folder)

    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {"answered": 0}


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, int | float) else []
