"""``tierwise train fit``, ``tune`` and ``evaluate`` on simulated logs; ``tierwise demo`` on the models that ship."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from router.bundle import load
from router.errors import InputError
from router.policy import Always
from tests import kit
from tests.conftest import LARGE, SMALL
from tests.training.simulated import records
from training.__main__ import app
from training.commands.evaluate import table_of
from training.demo import Question, _show, demo, play
from training.long_format import write_records
from training.table_file import beside

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample.parquet")
TERMINAL = CliRunner()


def call(*words, within=app):
    """What ``tierwise train WORDS`` left behind."""
    result = TERMINAL.invoke(within, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def run(*words, within=app):
    """The standard output of ``tierwise train WORDS``."""
    return call(*words, within=within).stdout


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Simulated logs as a file; the tiers are called as the preset's."""
    path = tmp_path_factory.mktemp("logs") / "labels.parquet"
    write_records(records(800), path)
    return str(path)


@pytest.fixture(scope="module")
def fitted(logs, tmp_path_factory):
    """A bundle fitted by the command, not yet tuned, and what the command said."""
    path = tmp_path_factory.mktemp("train") / "policy.tierwise"
    return path, json.loads(run("fit", "--data", logs, "--out", str(path), "--json"))


@pytest.fixture(scope="module")
def tuned(logs, fitted, tmp_path_factory):
    """The bundle tuned by the command in another place, and what the command said."""
    path = tmp_path_factory.mktemp("tuned") / "policy.tierwise"
    words = ("--data", logs, "--bundle", str(fitted[0]), "--out", str(path), "--target-quality", "0.95", "--json")
    return path, json.loads(run("tune", *words))


def test_fit_writes_an_untuned_bundle_and_its_table(fitted):
    """Until something is certified the strongest tier is asked; the table lies beside the bundle."""
    path, told = fitted

    assert told["rows"] == {"train": 480, "certify": 160, "test": 160}
    assert load(path).version == told["version"]
    assert str(beside(path)) == told["table"]
    assert beside(path).is_file()
    assert isinstance(load(path).rule, Always)
    assert {"confidence", "prompt", "answer"} == told["areas"].keys()
    assert told["rung"] in told["areas"]


def test_fit_says_in_words_what_it_chose(logs, tmp_path):
    """The sentence names the rung, why, and the areas; a rung may be asked for."""
    told = run("fit", "--data", logs, "--out", str(tmp_path / "p.tierwise"), "--rung", "confidence")

    assert "fitted on 480 labelled prompts; rung 'confidence'" in told
    assert re.search(r"policy areas: confidence 0\.\d{4}\)", told)
    with pytest.raises(InputError, match="there is no rung 'deep'"):
        run("fit", "--data", logs, "--out", str(tmp_path / "q.tierwise"), "--rung", "deep")
    assert not (tmp_path / "q.tierwise").exists()


def test_tune_prints_what_the_bundle_holds(fitted, tuned):
    """Rule, objective and certificate; the bundle that was tuned is left as it was."""
    path, told = tuned
    facts = load(path).profiles["default"].facts

    assert told["met_on_train"]
    assert load(path).rule.as_dict() == told["rule"]
    assert facts["certificate"] == told["certificate"]
    assert told["certificate"]["certified"]
    assert told["objective"] == {"share": 0.95, "delta": 0.1, "method": "betting"}
    assert told["train"]["cost_per_1k"] > 0
    assert told["rules_tried"] > 100
    assert load(fitted[0]).version == fitted[1]["version"]


def test_evaluate_judges_the_tuned_bundle_on_rows_that_nothing_saw(logs, tuned):
    """The target holds there, at less than what always asking the strongest tier costs."""
    result = json.loads(run("evaluate", "--data", logs, "--bundle", str(tuned[0]), "--json"))

    strong = result["baselines"]["always_strong"]
    assert result["n"] == 160
    assert result["policy"]["quality"] >= 0.95 * strong["quality"]
    assert result["policy"]["cost_per_1k"] < strong["cost_per_1k"]
    assert "shares no split key" in result["protocol"]


def test_tune_fills_one_profile_and_leaves_the_others(logs, tuned, tmp_path):
    """A bundle holds a rule for each kind of traffic; another can be added in the place that tune wrote to."""
    path, told = tuned
    words = ("tune", "--data", logs, "--bundle", str(path), "--out", str(tmp_path / "two.tierwise"))

    batch = json.loads(run(*words, "--profile", "batch", "--budget", "0.05", "--json"))

    bundle = load(tmp_path / "two.tierwise")
    assert {"default", "batch"} == set(bundle.profiles)
    assert told["rule"] == bundle.rule.as_dict()
    assert batch["rule"] == bundle.profiles["batch"].rule.as_dict()
    assert batch["certificate"]["budget"] == 0.05


def test_tune_says_in_words_what_it_certified(logs, tuned, tmp_path):
    """The certificate's own sentence."""
    words = ("tune", "--data", logs, "--bundle", str(tuned[0]), "--out", str(tmp_path / "p"))

    told = run(*words, "--target-quality", "0.95")

    assert "With 90 % confidence" in told
    assert "at least 0.95 times that of always asking the strongest tier" in told


def test_tune_and_evaluate_warn_of_a_bundle_that_was_fitted_on_other_data(logs, tuned, tmp_path):
    """They go on, since new rows are the honest case, but say so on standard error."""
    other = tmp_path / "other.parquet"
    write_records(records(300, seed=3), other)
    words = ("--data", str(other), "--bundle", str(tuned[0]))

    assert "was fitted on other data" in call("evaluate", *words, "--json").stderr
    assert "was fitted on other data" in call("tune", *words, "--out", str(tmp_path / "p"), "--budget", "1").stderr
    own = call("evaluate", "--data", logs, "--bundle", str(tuned[0]), "--json")
    assert "other data" not in own.stderr


def test_the_default_bundle_is_judged_on_the_sample_without_being_told_of_other_data():
    """What a newcomer types first gives a table, on the rows that the bundle has not seen."""
    done = call("evaluate", "--data", SAMPLE)

    assert "other data" not in done.stderr
    assert "929 prompts, split 'test'" in " ".join(done.stdout.split())
    assert "always strong" in done.stdout


def test_evaluate_prints_a_table_and_warns_of_rows_that_were_trained_on(logs, tuned):
    """Figures on training rows are marked as flattered."""
    told = run("evaluate", "--data", logs, "--bundle", str(tuned[0]), "--split", "train")

    assert "NOT held out" in told
    assert "always strong" in told


def test_a_split_or_a_file_that_is_not_there_is_one_sentence(logs, fitted, tmp_path):
    """What is wrong, where, and what would do."""
    path = str(fitted[0])
    with pytest.raises(InputError, match="split='best' is none of train, certify, test"):
        run("evaluate", "--data", logs, "--bundle", path, "--split", "best")
    with pytest.raises(InputError, match="there is no such file"):
        run("fit", "--data", str(tmp_path / "none.parquet"))
    with pytest.raises(InputError, match="the target is a share of the strongest tier's quality"):
        run("tune", "--data", logs, "--bundle", path, "--target-quality", "95")
    with pytest.raises(InputError, match="there is no objective; name a target quality"):
        run("tune", "--data", logs, "--bundle", path)


def test_a_bundle_without_its_table_cannot_be_tuned(logs, fitted, tmp_path):
    """The sentence says where the table comes from."""
    lone = tmp_path / "lone.tierwise"
    lone.write_bytes(fitted[0].read_bytes())

    with pytest.raises(InputError, match="there is no such table; `tierwise train fit` writes it beside the bundle"):
        run("tune", "--data", logs, "--bundle", str(lone), "--target-quality", "0.95")


def test_data_without_certification_rows_cannot_be_tuned(fitted, tmp_path):
    """Nothing is certified on rows that were tuned on."""
    made = records(100)
    write_records(replace(made, queries=tuple(q for q in made.queries if q.split == "train")), tmp_path / "t.parquet")

    with pytest.raises(InputError, match="the data has no rows of split 'certify'"):
        run(
            "tune", "--data", str(tmp_path / "t.parquet"), "--bundle", str(fitted[0]),
            "--out", str(tmp_path / "p"), "--target-quality", "0.9",
        )  # fmt: skip


def test_the_demo_routes_real_prompts_through_both_models(model):
    import typer

    for name in (SMALL, LARGE):
        model(name)
    alone = typer.Typer()
    alone.command()(demo)

    told = json.loads(run("--n", "10", "--data", SAMPLE, "--json", within=alone))

    assert told["rows"].keys() == {"tierwise", "always small", "always large", "oracle"}
    assert told["rows"]["oracle"]["quality"] >= told["rows"]["tierwise"]["quality"]
    assert told["n"] == 10


def test_the_demo_shows_decisions_and_a_table():
    """Of scripted tiers here, since only what is printed is looked at: a decision of each kind, in words."""
    questions = [Question(f"What is {n} + 1?", "sums", (str(n + 1),), exact_case=False) for n in range(4)]
    router, *_ = kit.router(kit.two_tiers(), {"small": kit.said("1"), "large": kit.said("2")})
    console = Console(file=StringIO(), width=120)

    tallies, routed, facts = play(router, questions, lambda: None)
    _show(console, questions, routed, tallies, {**facts, "n": len(questions), "seconds": 1.5})

    text = console.file.getvalue()
    assert "Started at" in text
    assert re.search(r"always small \(best single\)[ │]+25\.0%", text)
    assert "4 prompts of the test split, live on this machine in 1.5 s" in text
    assert "Prices are nominal" in text


def test_a_single_tier_that_has_a_line_as_the_cheapest_or_the_strongest_has_no_other():
    """The table says each thing once; a tier between them is a line of its own."""
    row = {"quality": 0.5, "cost_per_1k": 1.0}
    names = ("always_cheap", "always_strong", "single:small", "single:middle", "single:large")
    tiers = ("small", "large", "small", "middle", "large")
    baselines = {name: {**row, "tier": tier} for name, tier in zip(names, tiers, strict=True)}
    result = {
        "n": 9,
        "protocol": "simulated",
        "tiers": ["small", "middle", "large"],
        "policy": {**row, "quality_interval": [0.4, 0.6]},
        "baselines": baselines,
    }

    cells = list(table_of(result).columns[0].cells)

    assert cells == ["policy", "always cheap (small)", "always strong (large)", "single (middle)"]
