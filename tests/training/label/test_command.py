"""``tierwise train label``: on the sample that ships, against a mock server, and with a real local model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.errors import InputError
from router.ledger import Ledger
from router.pricing import NANO
from tests.ledger.samples import ask, attempt, decision
from training.commands.label import app
from training.label.sheet import read_sheet, write_rows

SAMPLE = Path(__file__).parents[3] / "data" / "sample.parquet"


def run(*words):
    """The JSON that ``tierwise train label WORDS --json`` prints."""
    result = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def configured(tmp_path, url, *, model="judge-model"):
    path = tmp_path / "tierwise.toml"
    path.write_text(
        f"""
[[tiers]]
name = "small"
model = "small-model"
api = "openai-chat"
base_url = "{url}"
price = {{ input = 1, output = 2 }}

[[tiers]]
name = "strong"
model = "{model}"
api = "openai-chat"
base_url = "{url}"
price = {{ input = 10, output = 20 }}
context = 2048

[ledger]
path = "ledger.db"
"""
    )
    return path


def answers(tmp_path, count=4, *, gold=2):
    """A sheet of ``count`` questions, the first ``gold`` with trusted labels."""
    rows = [
        {
            "query_id": f"q{place}",
            "prompt": f"What is {place} + 1?",
            "tier": "small",
            "response": str(place + 1),
            "reference": str(place + 1),
            "quality": 1.0 if place < gold else None,
            "label_source": "human" if place < gold else None,
        }
        for place in range(count)
    ]
    write_rows(rows, tmp_path / "answers.jsonl")
    return tmp_path / "answers.jsonl"


def test_why_answers_stay_without_a_label_is_said(tmp_path):
    """An exact grader can do nothing where no reference is known, as in a ledger."""
    rows = [{"query_id": f"q{place}", "prompt": "What?", "tier": "small", "response": "This."} for place in range(3)]
    write_rows(rows, tmp_path / "a.jsonl")
    words = ["grade", "--data", str(tmp_path / "a.jsonl"), "--grader", "exact", "--out", str(tmp_path / "b.jsonl")]

    told = CliRunner().invoke(app, words, catch_exceptions=False).stdout

    assert told == "graded 0 answers by exact, 3 unclear (3: no reference answer to compare with)\n"


def test_grading_the_sample_gives_the_labels_that_it_ships_with(tmp_path):
    """All 7,640 of them, by the exact grader, with every other column kept."""
    out = tmp_path / "graded.parquet"
    told = run("grade", "--data", SAMPLE, "--grader", "exact", "--replace", "--out", out)
    before, after = read_sheet(SAMPLE), read_sheet(out)
    assert told["labelled"] == len(before.rows)
    assert [row["quality"] for row in before.rows] == [row["quality"] for row in after.rows]
    assert {row["label_source"] for row in after.rows} == {"gold"}
    assert set(before.rows[0]) < set(after.rows[0])


def test_grading_leaves_labels_that_are_there_alone(tmp_path):
    """Unless told to replace them."""
    told = run("grade", "--data", answers(tmp_path), "--grader", "numeric", "--out", tmp_path / "out.jsonl")
    assert (told["labelled"], told["grader"]) == (2, "numeric:0:1e-06")
    sources = [row["label_source"] for row in read_sheet(tmp_path / "out.jsonl").rows]
    assert sources == ["human", "human", "gold", "gold"]


def test_the_ledgers_answers_are_graded_into_the_ledger(tmp_path):
    """With a pattern."""
    config = configured(tmp_path, "http://127.0.0.1:9")
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.append(decision(attempts=(attempt(verdict="escalated", text="Mars"), attempt("strong"))), ask())
    told = run("grade", "--ledger", "--config", config, "--grader", "regex", "--pattern", "Jupiter")
    assert (told["kept_in_ledger"], told["out"]) == (2, None)
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert {label.tier: label.quality for label in ledger.labels()} == {"small": 0.0, "strong": 1.0}


def test_a_judge_labels_counts_its_cost_stops_and_goes_on(tmp_path, llmock):
    """Measured on the trusted rows, which keep their labels."""
    llmock.reply("It is right.\nSCORE: 10", times=None)
    config, data, out = configured(tmp_path, llmock.base_url("openai")), answers(tmp_path), tmp_path / "out.jsonl"
    words = ["judge", "--data", data, "--config", config, "--tier", "strong", "--out", out, "--workers", 1]
    none = run(*words, "--budget", 0)
    assert (none["stopped"], none["calls"], none["spent"]) == ("budget", 0, 0.0)
    first = run(*words)
    assert (first["stopped"], first["calls"], first["labelled"]) == ("done", 4, 2)
    assert first["spent"] > 0
    assert first["gold"]["n"] == 2
    assert first["gold"]["sensitivity"] == 1.0
    assert first["gold"]["specificity"] is None
    rows = read_sheet(out).rows
    assert [row["label_source"] for row in rows] == ["human", "human", "judge", "judge"]
    assert {row["label_judge"] for row in rows[2:]} == {first["judge"]}
    again = run(*words)
    assert (again["calls"], again["reused"], again["spent"]) == (0, 4, first["spent"])
    assert len(llmock.requests) == 4


def test_a_pair_judge_labels_both_sides(tmp_path, llmock):
    """The side compared with is worth 0.5 by definition; a judge that goes by place gives ties."""
    llmock.reply("VERDICT: A", times=None)
    rows = [
        {"query_id": "q", "prompt": "Why?", "tier": name, "response": name, "quality": None}
        for name in ("small", "strong")
    ]
    write_rows(rows, tmp_path / "in.jsonl")
    words = ["--data", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl", "--tier", "strong", "--mode", "pair"]
    told = run("judge", *words, "--against", "strong", "--config", configured(tmp_path, llmock.base_url("openai")))
    assert (told["labelled"], told["calls"], told["swap_agreement"]) == (1, 2, 0.0)
    assert [row["quality"] for row in read_sheet(tmp_path / "out.jsonl").rows] == [0.5, 0.5]


@pytest.mark.local_models
def test_a_real_model_judges_with_its_cost_counted_and_is_not_asked_twice(tmp_path, llama):
    """The flow, not its wisdom: a model of this size seldom gives a clear verdict, and then the label stays empty."""
    config, data, out = configured(tmp_path, llama), answers(tmp_path, 3, gold=1), tmp_path / "out.jsonl"
    words = ["judge", "--data", data, "--config", config, "--tier", "strong", "--out", out, "--max-tokens", 12]
    first = run(*words)
    notes = [json.loads(line) for line in Path(first["journal"]).read_text().splitlines()]
    assert len(notes) == first["calls"] == 3
    assert first["unreported"] == 0
    assert round(first["spent"] * NANO) == sum(note["cost_nano"] for note in notes) > 0
    assert first["labelled"] + first["unclear"] == 2
    again = run(*words)
    assert (again["calls"], again["reused"], again["spent"]) == (0, 3, first["spent"])
    assert [row["query_id"] for row in read_sheet(out).rows] == ["q0", "q1", "q2"]


def test_the_plan_says_how_many_labels_and_which_next(tmp_path):
    """On the sample with a third of its labels taken away, by the policy that ships."""
    rows = [dict(row) for row in read_sheet(SAMPLE).rows[:900]]
    for place, row in enumerate(rows):
        if place // 2 % 3 == 0:
            row["quality"] = None
    write_rows(rows, tmp_path / "data.parquet")
    out = tmp_path / "next.jsonl"
    words = ["--data", tmp_path / "data.parquet", "--config", "preset:local", "--target-quality", 0.9]
    told = run("plan", *words, "--next", 50, "--out", out)
    chosen = read_sheet(out)
    assert told["split"] == "certify"
    assert 20 < told["have"] == told["pilot"] < 100  # questions asked in several wordings count once
    assert 0 < told["needed"] < told["in_all"]
    assert "labelled queries" in told["sentence"]
    assert (told["next"]["requests"], told["next"]["candidates"]) == (50, 150)
    assert len({row["query_id"] for row in chosen.rows}) == 50
    assert all(row["label_weight"] == pytest.approx(1 / row["label_inclusion"]) for row in chosen.rows)
    assert all(answer.given.weight > 1 for answer in chosen.answers)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["grade", "--grader", "exact"], "pass the answers to label with --data FILE, or --ledger"),
        (["grade", "--grader", "best", "--data", "x.jsonl", "--out", "y.jsonl"], "--grader='best' is no grader"),
        (["grade", "--grader", "regex", "--data", "x.jsonl", "--out", "y.jsonl"], "needs --pattern"),
        (["grade", "--grader", "json-schema", "--data", "x.jsonl", "--out", "y.jsonl"], "needs --schema FILE"),
        (["grade", "--grader", "exact", "--data", "x.jsonl", "--out", "y.jsonl"], "there is no such file"),
        (["grade", "--grader", "exact", "--data", "x.jsonl"], "pass --out"),
        (["grade", "--grader", "exact", "--data", "x.jsonl", "--out", "y.txt"], "its name must end in"),
        (["judge", "--tier", "huge", "--config", "preset:local", "--data", "x.jsonl"], "--tier='huge' is no tier"),
        (["judge", "--tier", "small", "--config", "preset:local", "--data", "x.jsonl"], "pass --journal"),
        (["judge", "--tier", "small", "--mode", "pair", "--data", "x.jsonl"], "--mode pair needs --against TIER"),
        (["plan", "--data", "x.parquet", "--next", "3"], "pass --out"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_sentence(words, told, tmp_path, monkeypatch):
    """Nothing is sent or written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=told):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
