"""``tierwise train run``, ``promote``, ``rollback`` and ``compare``, end to end on simulated logs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from router.bundle import load
from router.config import load as load_config
from router.errors import InputError
from router.ledger import Ledger
from router.policy import Always
from tests.training.simulated import records
from tests.training.test_promote import another_versions
from training.__main__ import app
from training.drift_check import reference_in
from training.errors import NotPromoted
from training.goals import goals_of
from training.job import Job, Session, read_json, write_json
from training.lock import exclusive
from training.long_format import write_records
from training.provenance import ladder_from
from training.run import Context, perform
from training.stages import stages
from training.tracking import Registry, Store

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint"),
]

TERMINAL = CliRunner()
WORDS = ("run", "--config", "preset:local", "--data", "labels.parquet", "--target-quality", "0.9", "--json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, migrated):
    """A folder in which a policy was trained on simulated labels, and what the command said."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "mlruns").mkdir()
    shutil.copy(migrated, folder / "mlruns" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlruns/mlflow.db")
        made = records(500)
        write_records(replace(made, facts={"use": "any"}), folder / "labels.parquet")
        told = say(*WORDS, "--profile", "internal=quality:0.7")
    return folder, told


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """A copy of that folder to work in; its MLflow store is a copy too."""
    folder, told = trained
    for part in ("labels.parquet", "tierwise-runs", "mlruns"):
        source = folder / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part)
        else:
            shutil.copy(source, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    return tmp_path, told


def call(*words):
    return TERMINAL.invoke(app, words)


def say(*words):
    """What a command printed as JSON; its exit status is added."""
    result = call(*words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return {**json.loads(result.stdout), "left_with": result.exit_code}


def test_one_command_goes_from_labels_to_a_registered_challenger(trained):
    folder, told = trained

    assert (told["status"], told["exit_code"], told["left_with"]) == ("registered", 0, 0)
    assert told["challenger"] == "1"
    assert told["certificate"].startswith("With 90 % confidence")
    assert (folder / told["report"]).is_file()
    bundle = load(folder / told["bundle"])
    assert bundle.version == told["bundle_version"]
    assert set(bundle.profiles) == {"default", "internal"}


def test_the_bundle_is_bound_to_its_data_tiers_prices_code_and_schema_and_can_tell_drift(trained):
    folder, told = trained
    facts = load(folder / told["bundle"]).facts

    bound = facts["provenance"]
    assert bound["data"] == facts["data"]
    assert ladder_from(bound["tiers"]).names == load_config("preset:local").tiers.names
    assert {"prices_hash", "tiers_hash", "code", "feature_schema"} <= bound.keys()
    assert "reference" in load(folder / told["bundle"]).profiles["internal"].facts


def test_the_run_is_in_mlflow_with_nested_runs_and_files_but_without_prompts(here):
    _, told = here
    store = Store.at()

    run = store.client.get_run(told["run_id"])
    assert run.data.tags["tierwise.bundle"] == told["bundle_version"]
    assert {"policy/quality", "policy/quality_low", "certificate/p_value"} <= run.data.metrics.keys()
    assert any(name.startswith("profiles/internal/") for name in run.data.metrics)
    nested = store.client.search_runs([store.experiment_id], f"tags.mlflow.parentRunId = '{told['run_id']}'")
    assert {child.data.tags["tierwise.kind"] for child in nested} == {"rung", "family"}
    files = {item.path for item in store.client.list_artifacts(told["run_id"])}
    assert {"report", "bundle", "evaluation.json"} <= files
    assert not any(path.endswith(".parquet") for path in files)


def test_the_same_again_gives_the_same_result_and_does_nothing(here):
    folder, told = here
    before = {path: path.stat().st_mtime_ns for path in (folder / "tierwise-runs").rglob("*") if path.is_file()}

    again = say(*WORDS, "--profile", "internal=quality:0.7")

    assert {**again, "seconds": 0, "peak_mib": 0} == {**told, "seconds": 0, "peak_mib": 0}
    after = {path: path.stat().st_mtime_ns for path in (folder / "tierwise-runs").rglob("*") if path.is_file()}
    before.pop(folder / "tierwise-runs" / "lock")
    after.pop(folder / "tierwise-runs" / "lock")
    assert after == before


def test_a_dry_run_reads_the_data_and_says_what_would_be_done(here):
    folder, _ = here

    told = say(*WORDS, "--dry-run", "--out", "elsewhere")

    assert (told["status"], told["left_with"]) == ("planned", 0)
    assert told["stages"] == ["fit", "tune", "certify", "evaluate", "report", "log", "register"]
    assert [path.name for path in (folder / told["folder"]).iterdir()] == ["ingest"]


def test_a_dry_run_throws_nothing_away(here):
    folder, told = here

    planned = say(*WORDS, "--profile", "internal=quality:0.7", "--dry-run", "--fresh")

    assert (planned["status"], planned["left_with"]) == ("planned", 0)
    assert (folder / told["bundle"]).is_file()


def test_a_ledger_is_data_as_it_is_for_ingest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Ledger("ledger.db") as ledger:
        ledger.open()

    told = say(*(word.replace("labels.parquet", "ledger.db") for word in WORDS))

    assert (told["status"], told["left_with"]) == ("failed", 2)
    assert told["sentence"].startswith("the ledger: no row of it can be trained on")


def test_a_promotion_under_way_is_exit_code_6(here):
    folder, _ = here
    serve = folder / "serve" / "policy.tierwise"

    with exclusive(serve.parent / "bundles" / "lock", what="another promotion or rollback"):
        told = say(*WORDS, "--profile", "internal=quality:0.7", "--promote", "--to", str(serve))

    assert (told["status"], told["left_with"]) == ("locked", 6)
    assert not serve.exists()


def test_another_run_under_way_is_exit_code_6(here):
    folder, _ = here
    with exclusive(folder / "tierwise-runs" / "lock", what="another training run"):
        told = say(*WORDS, "--profile", "internal=quality:0.7")

    assert (told["status"], told["left_with"]) == ("locked", 6)


def test_too_few_labels_are_exit_code_4(here):
    write_records(replace(records(12), facts={}), here[0] / "few.parquet")

    told = say("run", "--config", "preset:local", "--data", "few.parquet", "--target-quality", "0.9", "--json")

    assert (told["status"], told["left_with"]) == ("not_enough_labels", 4)
    assert "labelled" in told["sentence"]


def test_a_registry_that_is_down_keeps_bundle_and_report_and_the_rerun_logs_only(here, monkeypatch):
    folder, told = here
    for stage in ("log", "register"):
        shutil.rmtree(folder / told["folder"] / stage)
    up = f"sqlite:///{folder}/mlruns/mlflow.db"
    (folder / "blocked").write_text("")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/blocked/mlflow.db")

    down = say(*WORDS, "--profile", "internal=quality:0.7")

    assert (down["status"], down["left_with"]) == ("registry_down", 7)
    assert (folder / down["bundle"]).is_file()
    assert (folder / down["report"]).is_file()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", up)
    again = say(*WORDS, "--profile", "internal=quality:0.7")
    assert (again["status"], again["run_id"], again["challenger"]) == ("registered", told["run_id"], "1")


def test_promote_makes_the_first_certified_challenger_champion_and_says_why(here):
    folder, told = here

    done = say("promote", "--config", "preset:local", "--to", "serve/policy.tierwise", "--json")

    assert (done["status"], done["left_with"]) == ("promoted", 0)
    assert load(folder / "serve" / "policy.tierwise").version == told["bundle_version"]
    champion = Registry(Store.at()).at("champion")
    assert champion is not None
    assert champion.bundle == told["bundle_version"]
    assert "there is no champion yet" in champion.tags["tierwise.verdict"]
    assert Registry(Store.at()).at("challenger") is None


def test_a_champion_that_is_as_good_and_cheaper_is_kept_and_force_overrules_and_rollback_undoes(here):
    folder, told = here
    serve = folder / "serve" / "policy.tierwise"
    cheap = load(folder / told["bundle"]).with_rule(Always(0))
    old = replace(cheap, facts={**cheap.facts}).save(serve)
    words = ("promote", "--config", "preset:local", "--to", str(serve), "--json")

    kept = say(*words)
    assert (kept["status"], kept["left_with"]) == ("kept", 3)
    assert load(serve).version == old
    forced = say(*words, "--force")
    assert (forced["status"], load(serve).version) == ("promoted", told["bundle_version"])
    back = say("rollback", "--config", "preset:local", "--to", str(serve), "--json")

    assert back["bundle_version"] == old == load(serve).version
    assert Registry(Store.at()).at("champion") is None


def test_a_switch_that_mlflow_cannot_be_told_of_is_made_and_is_exit_code_7(here, monkeypatch):
    """The file is what serves, so a registry that is down keeps nobody from promoting or from going back."""
    folder, told = here
    serve = folder / "serve" / "policy.tierwise"
    old = load(folder / told["bundle"]).with_rule(Always(0)).save(serve)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    common = ("--config", "preset:local", "--to", str(serve), "--json")

    forth = say("promote", told["bundle"], "--data", "labels.parquet", "--force", *common)
    assert (forth["status"], forth["left_with"]) == ("registry_down", 7)
    assert load(serve).version == told["bundle_version"]
    back = say("rollback", *common)

    assert (back["status"], back["left_with"]) == ("registry_down", 7)
    assert (back["from"], back["bundle_version"]) == (told["bundle_version"], old)
    assert load(serve).version == old


def test_promotion_without_a_place_or_a_challenger_is_one_sentence(here):
    with pytest.raises(NotPromoted, match="names no bundle of its own"):
        TERMINAL.invoke(app, ["promote", "--config", "preset:local"], catch_exceptions=False)
    with pytest.raises(NotPromoted, match="has no challenger"):
        TERMINAL.invoke(
            app,
            ["promote", "--config", "preset:local", "--to", "x.tierwise", "--model", "none"],
            catch_exceptions=False,
        )
    with pytest.raises(NotPromoted, match="none to go back to"):
        TERMINAL.invoke(app, ["rollback", "--config", "preset:local", "--to", "x.tierwise"], catch_exceptions=False)


def test_run_with_promote_serves_what_deserves_it_and_keeps_the_champion_otherwise(here):
    folder, told = here
    serve = folder / "serve" / "policy.tierwise"
    words = (*WORDS, "--profile", "internal=quality:0.7", "--promote", "--to", str(serve))

    first = say(*words)
    assert (first["status"], first["left_with"]) == ("promoted", 0)
    again = say(*words)

    assert (again["status"], again["left_with"]) == ("kept", 3)
    assert "the challenger is the champion" in again["sentence"]
    assert load(serve).version == told["bundle_version"]


def test_without_drift_nothing_is_done_and_with_no_champion_there_is_training(here):
    folder, told = here
    serve = folder / "serve" / "policy.tierwise"
    serve.parent.mkdir()
    shutil.copy(folder / told["bundle"], serve)

    calm = say(*WORDS, "--if-drift", "--to", str(serve), "--out", "elsewhere")

    assert (calm["status"], calm["left_with"]) == ("no_drift", 5)
    assert not (folder / "elsewhere").exists()
    planned = say(*WORDS, "--if-drift", "--to", "nothing-serves-here.tierwise", "--dry-run")
    assert planned["status"] == "planned"


def test_after_an_upgrade_what_was_trained_anew_takes_the_place_of_a_champion_that_cannot_serve(here):
    """By `promote` as by `run --promote`; what served is kept beside."""
    folder, told = here
    serve = folder / "serve" / "policy.tierwise"
    serve.parent.mkdir()
    shutil.copy(folder / told["bundle"], serve)
    stale = another_versions(serve)
    old, words = serve.read_bytes(), (*WORDS, "--profile", "internal=quality:0.7", "--to", str(serve))

    done = call("promote", "--config", "preset:local", "--to", str(serve))
    assert (done.exit_code, load(serve).version) == (0, told["bundle_version"])
    assert "retrain it with this version; until then it counts as no champion" in done.stderr
    assert (folder / "serve" / "bundles" / f"{stale[:16]}.tierwise").read_bytes() == old
    serve.write_bytes(old)
    assert say(*words, "--promote")["status"] == "promoted"


def test_the_same_again_after_a_promotion_says_that_it_serves(here):
    """It is no challenger any more, so there is nothing to promote."""
    folder, told = here
    serve = folder / "serve" / "policy.tierwise"
    words = (*WORDS, "--profile", "internal=quality:0.7", "--to", str(serve))
    assert "next: tierwise train promote" in say(*words)["sentence"]
    say("promote", "--config", "preset:local", "--to", str(serve), "--json")

    again = say(*words)

    assert (again["status"], again["left_with"]) == ("registered", 0)
    assert again["sentence"].startswith(f"{told['bundle_version'][:16]} serves from {serve} already")


def test_compare_prints_runs_side_by_side(here):
    text = call("compare", "--all")
    assert text.exit_code == 0
    assert "policy/quality" in text.stdout
    assert "@challenger" in text.stdout

    told = say("compare", "@challenger", "--json")

    assert told["runs"][0]["aliases"] == ["challenger"]
    assert {row["name"] for row in told["rows"]} >= {"data", "goal.share", "policy/quality"}


def test_the_help_names_the_exit_codes():
    told = " ".join(call("run", "--help").stdout.split())

    assert "not enough labels" in told
    assert "another run is under way" in told


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("internal", "write NAME=quality"),
        ("=quality:0.9", "write NAME=quality"),
        ("internal=speed:3", "'speed' is none of quality, absolute, budget"),
        ("internal=quality:high", "'high' is no number"),
        ("internal=quality:98", "share of the strongest"),
        ("default=quality:0.9", "has an objective already"),
        ("a/b=quality:0.9", "letters, digits"),
        ("..=quality:0.9", "letters, digits"),
    ],
)
def test_a_profile_that_is_written_otherwise_is_one_sentence(profile, words):
    with pytest.raises(InputError, match=words):
        goals_of([profile], target_quality=0.95)


def test_profiles_have_objectives_of_their_own_and_the_default_needs_one():
    found = goals_of(["batch=budget:2.5", "internal=quality:0.9,budget:3"], target_quality=0.95, delta=0.05)

    assert (found["default"].target_quality, found["default"].delta) == (0.95, 0.05)
    assert found["batch"].budget == 2.5
    assert (found["internal"].target_quality, found["internal"].budget) == (0.9, 3.0)
    with pytest.raises(InputError, match="need an objective too"):
        goals_of(["batch=budget:2.5"])


def test_numbers_that_are_not_finite_are_null_on_disk(tmp_path):
    write_json(tmp_path / "x.json", {"a": [float("nan"), 1.0], "b": float("inf")})

    assert read_json(tmp_path / "x.json") == {"a": [None, 1.0], "b": None}


def test_run_with_promote_and_no_place_to_serve_from_says_so_before_it_trains(here):
    with pytest.raises(NotPromoted, match="names no bundle of its own"):
        TERMINAL.invoke(app, [*WORDS, "--promote", "--out", "elsewhere"], catch_exceptions=False)

    assert not (here[0] / "elsewhere").exists()


def test_drift_is_measured_from_all_held_out_rows_and_not_from_those_alone_that_are_labelled(tmp_path, monkeypatch):
    """Which rows have a label at every tier may have been chosen, so they need not look like traffic."""
    monkeypatch.chdir(tmp_path)
    made = records(500)
    short = [query.id for query in made.split("certify").queries][::2]
    queries = []
    for query in made.queries:
        first, *rest = query.outcomes
        unlabelled = (replace(first, quality=float("nan")), *rest)
        queries.append(replace(query, outcomes=unlabelled) if query.id in short else query)
    part = replace(made, queries=tuple(queries), facts={"use": "any"})
    write_records(part, tmp_path / "labels.parquet")
    settings = load_config("preset:local")
    job = Job(config=settings, source=tmp_path / "labels.parquet", goals=goals_of((), target_quality=0.9))
    folder = tmp_path / "work" / "key"

    done = perform(stages()[:4], Context(folder=folder, inputs={}, work=Session(job, folder)))

    bundle = load(folder / "certify" / "policy.tierwise")
    assert done.status == "registered"
    assert reference_in(bundle).score.n == len(made.split("certify").queries) > len(part.split("certify").labelled())
