"""Runs in MLflow and bundles in its registry, on a real SQLite store. Figures here are made up and tagged simulated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from dataclasses import replace

import pytest

from router.bundle import load
from router.errors import InputError
from tests.core.test_bundle import made
from tests.training.simulated import TIERS
from training.errors import TrackingError
from training.provenance import digest_of, environment, ladder_from, provenance, source_hash, tier_snapshot
from training.serving import Switch
from training.tracking import Child, Dataset, Registry, RunRecord, Store, compare, find_run, log_run, metrics_of, serve

pytestmark = [  # both are MLflow's own doing
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint"),
]

EVALUATION = {
    "n": 100,
    "policy": {
        "quality": 0.9,
        "cost_per_1k": 1.25,
        "quality_interval": [0.88, 0.92],
        "gain_over_best_single": 0.01,
        "gain_interval": [-0.01, 0.03],
        "escalation_rate": {"small": 0.3},
        "wasted_share": 0.1,
    },
    "baselines": {"best_single": {"tier": "large", "quality": 0.89, "cost_per_1k": 2.0}, "oracle": {"quality": 0.97}},
    "metrics": {"apgr_cost": 0.6, "cpt50": None, "aiq": float("nan"), "cost_at": {"0.95": 0.4, "1.00": None}},
    "scorer": {"small": {"auroc": 0.8, "ece": 0.03}},
    "classifier": {"small": {"auroc": None, "ece": 0.05}},
    "calibration": {"small": {"before": {"ece": 0.2, "bins": []}, "after": {"ece": 0.03}}},
    "certificate": {"certified": True, "p_value": 0.01, "n": 500, "statement": "words"},
}


@pytest.fixture
def store(migrated, tmp_path, monkeypatch):
    """An empty store of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    return Store(f"sqlite:///{tmp_path}/mlruns/mlflow.db")


def record(key="k1", **changes):
    """A run with a rung, a policy family and an artifact."""
    values = {
        "key": key,
        "name": f"run {key}",
        "description": "Certified: **yes**.",
        "params": {"target_quality": 0.95, "rung": "linear", "profiles": {"internal": 0.9}},
        "metrics": metrics_of(EVALUATION),
        "tags": {"tierwise.simulated": "true", "tierwise.profile": "default", "tierwise.data": "abc"},
        "dataset": Dataset(name="labels", digest="abc", source="labels.parquet", rows={"train": 60, "test": 20}),
        "children": (
            Child(name="rung: linear", kind="rung", params={"picked": True}, metrics={"area": 0.81}),
            Child(name="family: frugal", kind="family", steps=({"quality": 0.8}, {"quality": 0.9})),
        ),
    }
    return RunRecord(**(values | changes))


def bundle(path, seed=0):
    """A bundle with the provenance that a served model reads its tiers from."""
    made_here = made(seed=seed)
    replace(made_here, facts={"provenance": provenance(TIERS, data="abc"), "simulated": True}).save(path)
    return path


def test_an_evaluation_becomes_flat_metrics_with_interval_ends_and_nothing_unknown():
    assert metrics_of(EVALUATION) == {
        "policy/quality": 0.9,
        "policy/cost_per_1k": 1.25,
        "policy/quality_low": 0.88,
        "policy/quality_high": 0.92,
        "policy/gain_over_best_single": 0.01,
        "policy/gain_over_best_single_low": -0.01,
        "policy/gain_over_best_single_high": 0.03,
        "tiers/small/escalation_rate": 0.3,
        "policy/wasted_share": 0.1,
        "compare/best_single/quality": 0.89,
        "compare/best_single/cost_per_1k": 2.0,
        "compare/oracle/quality": 0.97,
        "metrics/apgr_cost": 0.6,
        "metrics/cost_at/0.95": 0.4,
        "scorer/small/auroc": 0.8,
        "scorer/small/ece": 0.03,
        "classifier/small/ece": 0.05,
        "calibration/small/ece_before": 0.2,
        "calibration/small/ece_after": 0.03,
        "certificate/p_value": 0.01,
        "certificate/n": 500.0,
        "certificate/certified": 1.0,
    }


def test_an_evaluation_of_parts_only_and_a_tier_with_a_strange_name_do_no_harm():
    assert metrics_of({}) == {}
    assert metrics_of({"policy": {"visit_share": {"größe <b>&\n": 0.5}}}) == {"tiers/größe _b___/visit_share": 0.5}


def test_a_run_is_a_parent_with_nested_runs_metrics_params_data_and_artifacts(store, tmp_path):
    (tmp_path / "report.html").write_text("<html></html>")

    run_id = log_run(store, record(artifacts=(("report", tmp_path / "report.html"),)))

    run = store.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == metrics_of(EVALUATION)
    assert run.data.params["profiles"] == '{"internal": 0.9}'
    assert run.data.tags["tierwise.simulated"] == "true"
    inputs = {entry.tags[0].value: entry.dataset for entry in run.inputs.dataset_inputs}
    assert set(inputs) == {"train", "test"}
    assert inputs["train"].digest == "abc"
    assert json.loads(inputs["test"].profile)["num_rows"] == 20
    assert [item.path for item in store.client.list_artifacts(run_id, "report")] == ["report/report.html"]
    children = store.client.search_runs([store.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    assert {child.data.tags["tierwise.kind"] for child in children} == {"rung", "family"}
    family = next(child for child in children if child.data.tags["tierwise.kind"] == "family")
    history = store.client.get_metric_history(family.info.run_id, "quality")
    assert [(point.step, point.value) for point in history] == [(0, 0.8), (1, 0.9)]


def test_more_metrics_than_one_request_takes_are_written_in_several(store):
    metrics = {f"slices/{number}/quality": 0.5 for number in range(1200)}

    run_id = log_run(
        store, record(metrics=metrics, params={f"p{number}": number for number in range(150)}, children=())
    )

    run = store.client.get_run(run_id)
    assert len(run.data.metrics) == 1200
    assert len(run.data.params) == 150


def test_a_finished_run_is_not_written_twice_and_one_left_by_a_crash_is_begun_anew(store, tmp_path):
    with pytest.raises(TrackingError, match="could not be written"):
        log_run(store, record(artifacts=(("report", tmp_path / "is-not-there.html"),)))
    assert find_run(store, "k1") is None

    first = log_run(store, record())
    second = log_run(store, record())

    assert first == second == find_run(store, "k1")
    parents = store.client.search_runs([store.experiment_id], "tags.`tierwise.key` = 'k1'")
    assert sorted(run.info.status for run in parents) == ["FAILED", "FINISHED"]


def test_a_store_that_cannot_be_reached_is_one_sentence_without_a_password(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="could not be opened") as refused:
        log_run(Store(f"sqlite:///{tmp_path}/file/mlflow.db"), record())
    assert "\n" not in str(refused.value)

    assert Store("postgresql://me:secret@host/db").place == "postgresql://host/db"


@pytest.mark.parametrize(
    "address",
    [
        "http://me:s3cr%21et@127.0.0.1:9/x",
        "http:/me:s3cr%21et@host",
        "sqlit:///me:s3cr%21et@host/db",
        "postgresql://me:s3cr%21et@host:port/db",
        "https://me:s3cr%21et@[host",
    ],
)
def test_an_address_with_a_password_is_told_without_it_whatever_is_wrong_with_it(address, monkeypatch):
    """MLflow, its transport and its database name the whole address in their messages."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(TrackingError, match="MLflow at") as refused:
        Registry(Store(address)).at("champion")

    told = "".join(traceback.format_exception(refused.value))
    assert "s3cr" not in str(refused.value)
    assert "s3cr%21et" not in told
    assert "\n" not in str(refused.value)


def test_a_server_that_is_down_is_one_sentence_after_seconds(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    began = time.monotonic()

    with pytest.raises(TrackingError, match=r"http://127\.0\.0\.1:9 could not be opened"):
        Registry(Store("http://127.0.0.1:9")).at("champion")

    assert time.monotonic() - began < 20


def test_a_deleted_experiment_says_how_to_bring_it_back(store):
    store.client.delete_experiment(store.experiment_id)

    with pytest.raises(TrackingError, match="mlflow experiments restore"):
        log_run(Store(store.uri), record())


def test_the_store_is_where_the_environment_says_and_else_under_the_working_directory(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert Store.at().uri == "sqlite:///mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.test")
    assert Store.at().uri == "http://example.test"
    assert Store.at("sqlite:///x.db").uri == "sqlite:///x.db"


def test_a_registered_bundle_is_the_challenger_and_decides_when_mlflow_loads_it(store, tmp_path, monkeypatch):
    import mlflow
    import mlflow.pyfunc

    run_id = log_run(store, record(children=()))
    path = bundle(tmp_path / "policy.tierwise")
    registry = Registry(store)
    began = time.perf_counter()
    version = registry.register(path, run_id=run_id, tags={"tierwise.certified": "true"})
    seconds = time.perf_counter() - began

    assert (version.number, version.bundle, version.run_id) == ("1", load(path).version, run_id)
    assert registry.at("challenger") == version
    assert len(store.client.get_run(run_id).outputs.model_outputs) == 1
    assert registry.register(path, run_id=run_id, tags={}) == version
    assert load(registry.fetch(version, tmp_path)).version == load(path).version
    assert seconds < 20

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)
    try:
        loaded = mlflow.pyfunc.load_model("models:/tierwise@challenger")
        decisions = loaded.predict(["What is 2 + 2?", "Name the ships"])
    finally:
        mlflow.set_tracking_uri(before)
    assert [decision["policy_version"] for decision in decisions] == [load(path).version[:16]] * 2
    assert {decision["start"] for decision in decisions} <= {"small", "large"}


def test_crowning_moves_the_aliases_and_may_be_repeated(store, tmp_path):
    run_id = log_run(store, record(children=()))
    registry = Registry(store)
    one = registry.register(bundle(tmp_path / "1.tierwise", seed=1), run_id=run_id, tags={})
    registry.crown(one.bundle, previous=None)
    assert (registry.at("champion"), registry.at("challenger"), registry.at("previous")) == (one, None, None)
    two = registry.register(bundle(tmp_path / "2.tierwise", seed=2), run_id=run_id, tags={})
    assert (registry.at("champion"), registry.at("challenger")) == (one, two)

    for _ in range(2):
        registry.crown(two.bundle, previous=one.bundle)
        assert (registry.at("champion"), registry.at("challenger"), registry.at("previous")) == (two, None, one)
    back = Switch("rollback", two.bundle, one.bundle, (one.bundle,))
    registry.crown(back.new, previous=back.previous)

    assert (registry.at("champion"), registry.at("previous")) == (one, None)
    assert registry.crown("f" * 64, previous=None) is None
    assert registry.at("champion") is None


def test_an_empty_registry_has_no_champion_and_nothing_to_take_from_it(store):
    registry = Registry(store)

    assert registry.at("champion") is None
    assert registry.crown("f" * 64, previous=None) is None


def test_runs_are_put_side_by_side_with_intervals_and_what_differs(store, tmp_path):
    first = log_run(store, record("k1"))
    changed = record("k2", params={**record().params, "target_quality": 0.98}, metrics={"policy/quality": 0.95})
    other = Dataset(name="labels", digest="def", source="l.parquet", rows={"train": 90})
    second = log_run(store, replace(changed, dataset=other, children=()))
    version = Registry(store).register(bundle(tmp_path / "p.tierwise"), run_id=second, tags={})

    found = compare(store)

    assert found.runs == (first, second)
    assert found.aliases == ((), ("challenger",))
    rows = {row.name: row for row in found.rows}
    assert rows["data"].values == ("abc", "def")
    assert rows["target_quality"].values == ("0.95", "0.98")
    assert rows["policy/quality"].values == (0.9, 0.95)
    assert rows["policy/quality"].bounds == ((0.88, 0.92), None)
    assert "policy/quality_low" not in rows
    assert {"data", "target_quality", "policy/quality"} <= {row.name for row in found.different}
    assert "rung" not in {row.name for row in found.different}
    assert found.headline[0].name == "policy/quality"
    assert json.loads(json.dumps(found.as_dict()))["runs"][1]["aliases"] == ["challenger"]
    assert compare(store, [first[:8], "@challenger"]).runs == (first, second)
    assert compare(store, ["run k1"]).runs == (first,)
    assert version.run_id == second


def test_a_run_that_is_not_there_names_those_that_are(store):
    with pytest.raises(InputError, match="there is no finished run"):
        compare(store)
    log_run(store, record(children=()))

    with pytest.raises(InputError, match=r"'zzz' is no finished run; the newest are .* \(run k1\)"):
        compare(store, ["zzz"])


def test_a_bundle_is_bound_to_data_tiers_prices_code_and_schema():
    bound = provenance(TIERS, data="abc")

    assert bound.keys() == {"data", "tiers", "tiers_hash", "prices_hash", "code", "feature_schema"}
    assert bound["code"]["source"] == source_hash()
    assert bound == provenance(TIERS, data="abc")
    assert json.loads(json.dumps(bound))["data"] == "abc"
    dearer = replace(TIERS, tiers=(TIERS[0], replace(TIERS[1], price=TIERS[0].price)))
    assert provenance(dearer, data="abc")["prices_hash"] != bound["prices_hash"]


def test_tiers_come_back_from_a_bundles_facts_without_address_key_or_options():
    named = replace(TIERS[0], base_url="http://inside.example", api_key_env="SECRET", options={"seed": 1})

    snapshot = json.loads(json.dumps(tier_snapshot(replace(TIERS, tiers=(named, TIERS[1])))))

    assert ladder_from(snapshot) == TIERS
    assert "inside" not in json.dumps(snapshot)
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert environment()["python"]


def test_mlflow_is_not_imported_before_a_store_is_used():
    told = "import sys, training.tracking, training.run, training.promote; print('mlflow' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=os.environ)

    assert done.stdout.strip() == "False"


def test_the_page_is_served_to_this_machine_only_and_by_a_process_that_ends_with_ours(store):
    became = []

    serve(store, port=5099, become=lambda *words: became.append(words))

    [(program, words, environment)] = became
    assert program == words[0] == sys.executable
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert environment["MLFLOW_BACKEND_STORE_URI"] == store.uri
    assert store.uri not in words
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
