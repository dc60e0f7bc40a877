"""What a policy's own log tells of another one: in an evaluation, at the command line, in a run, in the report."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from router.assess import Trained
from router.config import load
from router.errors import InputError
from router.plan import Plan
from router.policy import Always, Thresholds
from tests.training.simulated import TIERS, records
from tests.training.simulated_evaluation import context, evaluation
from tests.training.test_weights import partial
from training.__main__ import app
from training.bandit import bandit_log
from training.evaluate import evaluate
from training.fit import fit
from training.job import read_json
from training.log_evidence import log_evidence
from training.long_format import write_records
from training.off_policy import evaluate_off_policy
from training.replay import replay_all
from training.report import render
from training.tracking.flatten import metrics_of

ESCALATING = Thresholds(start=(0.0, 0.0), accept=(0.7, 0.0))


@pytest.fixture(scope="module")
def full():
    """Simulated full information."""
    return records(2000, seed=5)


@pytest.fixture(scope="module")
def plan(full):
    """A plan that asks the small tier first and the large one when the answer looks doubtful."""
    fitted = fit(full, TIERS, rungs=["confidence"])
    return Plan(ladder=TIERS, assessor=Trained(TIERS, fitted.bundle.estimators), rule=ESCALATING, best_single="large")


@pytest.fixture(scope="module")
def log(full):
    """The part of it that a policy with audits would have logged."""
    return partial(full, "observed")


@pytest.fixture(scope="module")
def unexplored(log):
    """The same log, had nothing been left to chance: where the large tier was not asked, it never could have been."""
    return replace(
        log,
        queries=tuple(
            replace(query, inclusion=(1.0, 0.0 if query.outcomes[1] is None else 1.0)) for query in log.queries
        ),
    )


def test_an_evaluation_tells_what_all_rows_of_a_log_say(full, log, plan):
    """The estimate from all rows holds the truth of full information, beside the figures of the rows that are whole."""
    found = evaluate(log.split("test"), plan, split="test")

    told, truth = found["off_policy"], replay_all(full.split("test"), plan).quality.mean()
    assert found["n"] < told["n"] == len(full.split("test"))
    assert told["supported"] is True
    assert told["method"] == "dr"
    assert told["quality_interval"][0] < truth < told["quality_interval"][1]
    assert told["statement"].startswith("Over 400 requests, doubly robust")
    assert json.loads(json.dumps(found, allow_nan=False)) is not None
    assert metrics_of(found)["off_policy/quality"] == told["quality"]
    assert metrics_of(found)["off_policy/support/effective"] > 0


def test_full_information_needs_no_such_section(full, plan):
    """Where every row is whole, or was labelled only in part on purpose, nothing is left to a log."""
    unlabelled = partial(full, "bought")
    assert "off_policy" not in evaluate(full.split("test"), plan, split="test")
    assert log_evidence(unlabelled.split("test"), plan) is None


def test_a_log_that_cannot_tell_says_so_and_ends_nothing(unexplored, plan):
    """What is never asked cannot be learned of; the refusal is a sentence in the evaluation."""
    always = replace(plan, rule=Always())
    found = evaluate(unexplored.split("test"), always, split="test")
    assert found["off_policy"]["supported"] is False
    assert "asks a tier that the logging rule asks with probability 0" in found["off_policy"]["statement"]
    assert found["policy"]["quality"] > 0


def test_a_log_without_labels_says_so(log, plan):
    """A log of which no answer is labelled supports nothing."""
    blank = replace(
        log,
        queries=tuple(
            replace(query, outcomes=tuple(one and replace(one, quality=math.nan) for one in query.outcomes))
            for query in log.queries
        ),
    )
    assert log_evidence(blank, plan) == {
        "supported": False,
        "statement": "the log has no request of which every answer is labelled; label the answers first",
    }


def test_labels_that_were_bought_weigh_in_a_log_too(full, plan):
    """Of a log with bought labels the estimate is that of all requests; with the weights forgotten it is not."""
    everything = replace(full, queries=tuple(replace(query, inclusion=(1.0, 1.0)) for query in full.queries))
    bought = partial(everything, "bought")
    weighed = bandit_log(bought, plan)
    truth = replay_all(full, plan).quality.mean()
    told = evaluate_off_policy(weighed, ESCALATING)
    forgotten = evaluate_off_policy(replace(weighed, counts=None), ESCALATING)
    assert told.quality_interval.low < truth < told.quality_interval.high
    assert forgotten.quality_interval.high < truth
    assert told.support.effective < forgotten.support.effective == len(weighed.seen)
    assert weighed.share.mean() == pytest.approx(1.0)


@pytest.fixture(scope="module")
def shown(log, plan):
    """The section's part of a simulated evaluation."""
    return log_evidence(log.split("test"), plan)


def text_of(found, tmp_path, **changes):
    """The Markdown of a report with ``found`` as its part on the log."""
    about = replace(context(), **changes)
    return render({**evaluation(), "off_policy": found}, context=about, out=tmp_path).markdown.read_text("utf-8")


def test_the_report_shows_what_the_log_tells(shown, tmp_path):
    """Value, interval, effective observations, weights and what each means, in a section of its own."""
    told = text_of(shown, tmp_path)
    section = told.split("## On the traffic that another policy routed")[1].split("\n## ")[0]
    for words in (
        "doubly robust",
        "the estimate",
        "95% interval",
        "effective observations",
        "largest weight",
        "clipped",
    ):
        assert words in section
    assert f"{shown['quality']:.1%}" in section
    assert f"{shown['support']['effective_by_chance']:,.1f}" in section


def test_the_report_gives_a_refusal_as_its_sentence(tmp_path):
    """A log that cannot tell has no figures in the report, and the sentence says why."""
    told = text_of({"supported": False, "statement": "the log has no propensities"}, tmp_path)
    assert "The log cannot support an estimate: the log has no propensities." in told
    assert "What the log knows" not in told


def test_the_report_says_when_nothing_is_left_to_a_log(tmp_path):
    """Full information needs no estimate, and the section says so."""
    assert "Nothing was left to a log" in text_of(None, tmp_path)


def test_the_report_says_what_the_data_cannot_support(tmp_path):
    """Limits of the log and estimated tokens stand in words with the data; what is fine is not mentioned."""
    facts = {"rows": 10, "tokens": "estimated for 7 answers at 4 characters a token", "cannot": "It supports little."}
    told = text_of(None, tmp_path, data=facts).split("## The data")[1].split("\n## ")[0]
    assert "Tokens, and so every cost, are estimated for 7 answers at 4 characters a token." in told
    assert "It supports little." in told
    fine = text_of(None, tmp_path, data={"rows": 10, "tokens": "logged", "cannot": None})
    assert "so every cost" not in fine
    assert "limits" not in fine.split("## The data")[1].split("\n## ")[0]


TERMINAL = CliRunner()


def words(*given):
    """``tierwise train evaluate`` on a file of simulated logs."""
    return TERMINAL.invoke(app, ["evaluate", *given], catch_exceptions=False)


def test_the_command_prints_what_the_log_tells(log, tmp_path):
    """Beside the table in words, in JSON as a part; without any whole row it is all there is to print."""
    path = tmp_path / "log.parquet"
    write_records(log, path)
    bundle = fit(log, load("preset:local").tiers, rungs=["confidence"]).bundle
    bundle.with_rule(Thresholds(start=(0.0, 0.0), accept=(0.5, 0.0))).save(tmp_path / "near.tierwise")
    near = ("--data", str(path), "--bundle", str(tmp_path / "near.tierwise"))
    assert "From the log of another policy: quality" in words(*near).stdout
    assert json.loads(words(*near, "--json").stdout)["off_policy"]["supported"] is True

    apart = replace(log, queries=tuple(query for query in log.queries if query.outcomes[1] is None))
    write_records(apart, path)
    bundle.with_rule(Always(0)).save(tmp_path / "cheap.tierwise")
    bundle.with_rule(Always(1)).save(tmp_path / "strong.tierwise")
    alone = words("--data", str(path), "--bundle", str(tmp_path / "cheap.tierwise"))
    assert "plain means" in alone.stdout
    assert "USD per 1,000" in alone.stdout
    with pytest.raises(InputError, match="no row is labelled at every tier, and of the others"):
        words("--data", str(path), "--bundle", str(tmp_path / "strong.tierwise"), "--json")


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*Any type hint")
def test_a_run_on_a_log_tells_it_in_evaluation_and_report(migrated, tmp_path, monkeypatch):
    """The run ends as any other; what its log tells is in its evaluation of each profile and in the report."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    write_records(replace(partial(records(700), "observed"), facts={"kind": "bandit"}), tmp_path / "log.parquet")
    given = ["run", "--config", "preset:local", "--data", "log.parquet", "--target-quality", "0.6", "--json"]
    done = TERMINAL.invoke(app, [*given, "--profile", "cheap=quality:0.3"], catch_exceptions=False)

    (folder,) = [place.parent for place in (tmp_path / "tierwise-runs").glob("*/evaluate")]
    default = read_json(folder / "evaluate" / "evaluation.json")
    cheap = read_json(folder / "evaluate" / "evaluation-cheap.json")
    assert done.exit_code in {0, 3, 4}
    assert default["off_policy"]["n"] == 140
    assert cheap["off_policy"]["n"] == 140
    report = (folder / "report" / "report.md").read_text(encoding="utf-8")
    assert "On the traffic that another policy routed" in report
    assert default["off_policy"]["statement"][:40] in report
    assert np.isfinite(default["policy"]["quality"])
