"""``tierwise train`` and ``tierwise demo``, on the sample and the models that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.bundle import load
from router.errors import InputError
from tests.conftest import LARGE, SMALL
from training.__main__ import app
from training.demo import demo

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample.parquet")
TERMINAL = CliRunner()


def run(*words, within=app):
    """The standard output of ``tierwise train WORDS``."""
    result = TERMINAL.invoke(within, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A bundle fitted by the command, not yet tuned."""
    path = tmp_path_factory.mktemp("train") / "policy.tierwise"
    told = json.loads(run("fit", "--data", SAMPLE, "--out", str(path), "--json"))
    assert told["rows"] == {"fit": 1733, "calibrate": 569}
    assert told["version"] == load(path).version
    return path


def test_fit_tune_and_evaluate_make_a_policy_that_beats_the_best_single_tier(fitted, tmp_path):
    tuned = tmp_path / "tuned.tierwise"
    words = ["--data", SAMPLE, "--bundle", str(fitted), "--out", str(tuned), "--target-quality", "1.03", "--json"]

    chosen = json.loads(run("tune", *words))
    result = json.loads(run("evaluate", "--data", SAMPLE, "--bundle", str(tuned), "--json"))

    assert chosen["met"]
    assert chosen["rule"] == load(tuned).rule.as_dict()
    assert result["policy"]["quality"] > result["baselines"]["best_single"]["quality"]
    assert "shares no split key" in result["protocol"]


def test_evaluate_prints_a_table_and_warns_of_rows_that_were_trained_on(fitted):
    told = run("evaluate", "--data", SAMPLE, "--bundle", str(fitted), "--split", "fit")

    assert "NOT held out" in told
    assert "always strong" in told


def test_a_split_or_a_file_that_is_not_there_is_one_sentence(fitted, tmp_path):
    with pytest.raises(InputError, match="split='best' is none of fit, calibrate, tune, test"):
        run("evaluate", "--data", SAMPLE, "--bundle", str(fitted), "--split", "best")
    with pytest.raises(InputError, match="there is no such file"):
        run("fit", "--data", str(tmp_path / "none.parquet"))
    with pytest.raises(InputError, match="target quality is a share"):
        run("tune", "--data", SAMPLE, "--bundle", str(fitted), "--target-quality", "95")


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
    text = run("--n", "10", "--data", SAMPLE, within=alone)
    assert "Started at" in text
    assert "Prices are nominal" in text
