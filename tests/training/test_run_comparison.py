"""A training run beside a champion that serves: its report shows their paired differences, as the gate reckons them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from router.config import load
from router.policy import Always
from tests.training.simulated import records
from tests.training.test_weights import partial
from training.__main__ import app
from training.fit import fit
from training.job import read_json
from training.long_format import write_records

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint"),
]


@pytest.fixture
def folder(migrated, tmp_path, monkeypatch):
    """The folder of a run on a simulated bandit log, always-strong being the champion."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    log = replace(partial(records(900), "observed"), facts={"kind": "bandit"})
    write_records(log, tmp_path / "log.parquet")
    champion = fit(log, load("preset:local").tiers, rungs=["confidence"]).bundle.with_rule(Always())
    champion.save(tmp_path / "policy.tierwise")
    words = ["run", "--config", "preset:local", "--data", "log.parquet", "--target-quality", "0.8", "--json"]
    done = CliRunner().invoke(app, [*words, "--to", "policy.tierwise"], catch_exceptions=False)
    assert done.exit_code in {0, 3, 4}
    (found,) = [place.parent for place in (tmp_path / "tierwise-runs").glob("*/evaluate")]
    return found


def test_the_report_has_the_paired_differences_with_their_intervals(folder):
    """Figures, weights included, are the gate's own and agree with the two evaluations on the same rows."""
    mine, theirs = (read_json(folder / "evaluate" / name) for name in ("evaluation.json", "champion.json"))
    figures = read_json(folder / "evaluate" / "verdict.json")["figures"]
    report = (folder / "report" / "report.md").read_text(encoding="utf-8")
    section = report.split("## What changed against the champion")[1].split("\n## ")[0]

    difference = mine["policy"]["quality"] - theirs["policy"]["quality"]
    assert figures["quality_difference"] == pytest.approx(difference)
    assert figures["quality_difference_interval"][0] <= difference <= figures["quality_difference_interval"][1]
    assert figures["cost_difference_per_1k"] == pytest.approx(
        mine["policy"]["cost_per_1k"] - theirs["policy"]["cost_per_1k"], abs=1e-6
    )
    assert "95% interval" in section
    assert "chance)" in section
    assert "No paired intervals were computed" not in section
