"""``tierwise train run`` on logs with faults: one sentence, the right exit code, and nothing registered.

The logs are simulated. What ingest refuses row by row is in ``test_ingest_bad_input``; here is what becomes of the job.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from router.bundle import load
from router.errors import BundleError
from router.planning import DEFAULT_BUNDLE
from tests.training.simulated import records
from tests.training.test_promote import another_versions
from training.__main__ import app
from training.long_format import write_records
from training.stages import stages
from training.tracking import Registry, Store

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint"),
]

TERMINAL = CliRunner()


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A good log as a table, a row per query and tier."""
    path = tmp_path_factory.mktemp("logs") / "labels.parquet"
    write_records(records(120), path)
    return pd.read_parquet(path)


@pytest.fixture
def here(tmp_path, migrated, monkeypatch):
    """An empty folder with an MLflow store of its own."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    return tmp_path


def train(data, *words):
    """What the command said as JSON, and its exit status; whatever it says, nothing may be registered by it."""
    result = TERMINAL.invoke(
        app, ["run", "--config", "preset:local", "--data", str(data), "--target-quality", "0.9", "--json", *words]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert Registry(Store.at()).at("challenger") is None
    return json.loads(result.stdout), result.exit_code


def changed(rows, **columns):
    """The log with some columns replaced by functions of it."""
    return rows.assign(**columns)


SMALL = "small"
PLAIN = ["query_id", "prompt", "tier", "response", "quality", "input_tokens", "output_tokens", "split"]
FAULTS = {
    "one class only": (
        lambda rows: changed(rows, quality=1.0),
        2,
        "every label is acceptable: there is nothing to learn from one class",
    ),
    "fewer labels than the lowest rung needs": (
        lambda rows: changed(rows, quality=rows.quality.where(rows.query_id.isin([f"q{n}" for n in range(20)]))),
        4,
        "12 prompts are labelled at every tier; fitting needs at least 15",
    ),
    "no label of a tier": (
        lambda rows: changed(rows, quality=rows.quality.where(rows.tier == SMALL)),
        4,
        "no answer of tier 'large' among the training rows has a label",
    ),
    "a tier that the configuration lacks": (
        lambda rows: changed(rows, tier=rows.tier.replace("large", "huge")),
        2,
        "huge",
    ),
    "a tier that the log lacks": (
        lambda rows: rows[rows.tier == SMALL],
        2,
        "large",
    ),
    "labels outside [0, 1]": (
        lambda rows: changed(rows, quality=rows.quality * 5),
        2,
        "quality",
    ),
    "contradicting labels": (
        lambda rows: pd.concat([rows[PLAIN], changed(rows, quality=1 - rows.quality)[PLAIN]]),
        2,
        "contradict",
    ),
    "a prompt in two splits": (
        lambda rows: pd.concat(
            [rows, changed(rows, query_id=rows.query_id + "b", split="test", split_key=rows.split_key + "b")]
        ),
        2,
        "and, the same prompt, in 'train': a score on one would be flattered; split anew",
    ),
    "no labels at all": (
        lambda rows: changed(rows, quality=np.nan),
        4,
        "no answer of tier 'small' among the training rows has a label",
    ),
    "no rows at all": (lambda rows: rows[:0], 2, "no"),
}


@pytest.mark.parametrize(("fault", "code", "words"), FAULTS.values(), ids=FAULTS)
def test_a_log_with_a_fault_ends_the_job_with_one_sentence_and_registers_nothing(rows, here, fault, code, words):
    """Exit code 2 where data must change, 4 where labels lack; the sentence says what and where."""
    fault(rows).to_parquet(here / "log.parquet")

    told, left_with = train(here / "log.parquet")

    assert (told["status"], left_with) == ("not_enough_labels" if code == 4 else "failed", code)
    assert words in told["sentence"]
    assert len(told["sentence"]) < 600
    assert told["run_id"] is None


@pytest.mark.parametrize("propensity", [0.0, None, 1.5])
def test_a_bandit_log_with_propensities_that_cannot_be_is_no_ground_for_a_policy(rows, here, propensity):
    """A propensity of 0 or above 1 refuses the row, a missing one the whole fit."""
    seen = rows[(rows.tier == SMALL) | (rows.index % 3 == 0)]
    log = seen[PLAIN[:-1]]
    if propensity is not None:
        log = log.assign(propensity=propensity)
    log.to_parquet(here / "log.parquet")

    told, left_with = train(here / "log.parquet")

    assert left_with in (2, 4)
    assert "propensit" in told["sentence"] or "probability" in told["sentence"]


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b"query_id,prompt,tier,quality\nq1,caf\xe9,small,1\n", "UTF-8"),
        ("query_id,prompt,tier,quality\nq1,hi,small,1\n".encode("utf-16"), "UTF-"),
        (b"\x00\x01\x02\x03" * 50, ""),
        (b"", ""),
    ],
    ids=["latin-1", "utf-16", "binary", "empty"],
)
def test_a_file_in_another_encoding_is_one_sentence(here, blob, words):
    """Naming what it was read as."""
    (here / "log.csv").write_bytes(blob)

    told, left_with = train(here / "log.csv")

    assert left_with == 2
    assert words in told["sentence"]


def test_a_field_beyond_the_limit_is_refused_without_stopping_the_others(rows, here):
    """One row of many with a huge prompt goes to the refused rows; the job goes on without it."""
    huge = rows[PLAIN].copy()
    huge.loc[huge.query_id == "q3", "prompt"] = "x" * 3_000_000
    huge.to_json(here / "log.jsonl", orient="records", lines=True)

    told, left_with = train(here / "log.jsonl", "--dry-run")

    assert left_with == 0
    assert told["data"]["queries"] == 119
    rejects = (here / told["folder"] / "ingest" / "rejects.jsonl").read_text()
    assert "prompt" in rejects
    assert len(rejects) < 10_000


def test_what_became_of_the_rows_is_said_and_where_the_refused_ones_are(rows, here):
    """Also where they are too few to stop anything."""
    log = rows[PLAIN].astype({"quality": float})
    log.loc[log.index[0], "quality"] = 7.0
    log.to_json(here / "log.jsonl", orient="records", lines=True)
    words = ["run", "--config", "preset:local", "--data", "log.jsonl", "--target-quality", "0.9", "--dry-run"]

    heard = TERMINAL.invoke(app, words).stderr.splitlines()

    assert "1 rows refused (0.4%):" in heard
    assert "  1 for quality: it is outside [0, 1]" in heard
    (where,) = [line.removeprefix("refused rows: ") for line in heard if line.startswith("refused rows: ")]
    assert json.loads((here / where).read_text())["line"] == 1


class Crash(Exception):
    """The process dies here."""


def dying(steps, name, seen):
    """The stages, of which one writes half of its files and dies."""

    def die(context):
        seen.append(name)
        (context.out / "half").write_text("half")
        raise Crash(name)

    return tuple(replace(step, run=die) if step.name == name else step for step in steps)


def test_a_crash_in_every_stage_in_turn_ends_in_the_same_bundle_and_leaves_the_champion(rows, here, monkeypatch):
    """The real stages, each of which dies once; every rerun goes on from there, and the champion is as it was."""
    many = here / "many.parquet"
    write_records(records(300), many)
    champion = here / "serve.tierwise"
    champion.write_bytes(DEFAULT_BUNDLE.read_bytes())
    before = champion.read_bytes()
    words = ["run", "--config", "preset:local", "--data", str(many), "--target-quality", "0.8", "--to", str(champion)]
    died = []
    for step in stages():
        with monkeypatch.context() as patch:
            patch.setattr("training.stages.stages", lambda name=step.name: dying(stages(), name, died))
            result = TERMINAL.invoke(app, words)
            assert isinstance(result.exception, Crash), result.output
            assert champion.read_bytes() == before
            assert Registry(Store.at()).at("champion") is None

    again = TERMINAL.invoke(app, [*words, "--json"])
    told = json.loads(again.stdout)
    fresh = json.loads(TERMINAL.invoke(app, [*words, "--json", "--out", "elsewhere"]).stdout)

    assert died == [step.name for step in stages()]
    assert told["status"] == "registered"
    assert told["bundle_version"] == fresh["bundle_version"]
    assert load(here / told["bundle"]).version == told["bundle_version"]
    assert champion.read_bytes() == before
    assert not list((here / told["folder"]).rglob("half"))


def test_a_champion_of_another_feature_schema_is_refused_by_name_and_training_goes_on_without_it(rows, here):
    """It can neither serve nor be compared with; what it says is to retrain, and retraining works."""
    champion, log = here / "serve.tierwise", here / "log.parquet"
    champion.write_bytes(DEFAULT_BUNDLE.read_bytes())
    another_versions(champion)
    rows.to_parquet(log)
    words = ["run", "--config", "preset:local", "--data", str(log), "--target-quality", "0.5", "--to", str(champion)]

    with pytest.raises(BundleError, match="trained on feature schema 0123456789abcdef, and this version computes"):
        load(champion)
    with pytest.raises(BundleError, match="trained on feature schema"):
        TERMINAL.invoke(app, [*words, "--if-drift"], catch_exceptions=False)
    told = json.loads(TERMINAL.invoke(app, [*words, "--json"]).stdout)

    assert told["status"] in ("registered", "not_enough_labels", "kept")
    assert (here / told["report"]).is_file()
