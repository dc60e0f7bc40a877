"""The loop with two real language models: route, collect, grade against the data's own answers, train."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from typer.testing import CliRunner

from router.config import load
from router.engine import Router
from router.ledger import Ledger
from tests.end_to_end.test_loop import say
from training.__main__ import app
from training.demo import MAX_TOKENS, SAMPLE, draw

N = 30

GRADER = """
import json
import pathlib

from training.graders import grade as graded

KNOWN = json.loads(pathlib.Path("references.json").read_text())


def grade(prompt, response, reference):
    accepted, exact_case = KNOWN[prompt]
    return graded(response, accepted=accepted, exact_case=exact_case)
"""

pytestmark = [
    pytest.mark.local_models,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint"),
]


@pytest.fixture(scope="module")
def loop(model, tmp_path_factory, migrated):
    """The loop once over real answers, by what each step said."""
    for tier in load("preset:local").tiers.tiers:
        model(tier.model)
    questions = draw(SAMPLE.absolute(), N, seed=3)
    folder = tmp_path_factory.mktemp("local-loop")
    (folder / "mlruns").mkdir()
    shutil.copy(migrated, folder / "mlruns" / "mlflow.db")
    (folder / "tierwise.toml").write_text('preset = "local"\n\n[ledger]\npath = "ledger.db"\n')
    (folder / "local_grader.py").write_text(GRADER)
    references = {question.prompt: [question.accepted, question.exact_case] for question in questions}
    (folder / "references.json").write_text(json.dumps(references))
    told = {"folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlruns/mlflow.db")
        with Router.from_config() as router:
            told["responses"] = [
                router.route(question.prompt, max_tokens=MAX_TOKENS, stop=["\n"], temperature=0.0)
                for question in questions
            ]
        told["collect"] = say("collect", str(N), "--budget", "1")
        told["grade"] = say("label", "grade", "--ledger", "--grader", "local_grader:grade")
        told["run"] = say("run", "--target-quality", "0.8")
    sys.modules.pop("local_grader", None)
    return told


def test_real_answers_are_collected_with_their_log_probabilities(loop):
    """What the default policy did not ask is asked; then every prompt has both tiers' answers."""
    routed = sum(len({a.tier for a in response.decision.attempts}) for response in loop["responses"])
    collect = loop["collect"]

    assert (collect["status"], collect["failed"], collect["left"], collect["candidates"]) == ("done", 0, 0, N)
    assert routed + collect["calls"] == 2 * N
    with Ledger(loop["folder"] / "ledger.db") as ledger:
        made = [entry.decision for entry in ledger.decisions() if entry.decision.audit_of]
    assert len(made) == collect["calls"]
    assert all(each.attempts[0].verdict == "collected" and each.cost > 0 for each in made)
    # An answer of no token at all has none.
    assert all(one.signals["has_logprobs"] == bool(one.text) for one in (each.attempts[0] for each in made))


def test_answers_are_graded_against_the_datas_own(loop):
    grade = loop["grade"]

    assert (grade["labelled"], grade["unclear"]) == (2 * N, 0)


def test_so_few_labels_end_in_an_honest_status_and_a_report(loop):
    """Either a policy is certified, or the sentence says what it would take."""
    run = loop["run"]

    assert run["status"] in ("registered", "kept", "not_enough_labels")
    assert run["certified"] is (run["status"] == "registered")
    assert (run["status"] == "not_enough_labels") == (run["labels_needed"] is not None and not run["certified"])
    assert (loop["folder"] / run["report"]).is_file()
    assert (loop["folder"] / run["bundle"]).is_file()
    assert run["policy"]["quality"] > 0


def test_the_help_of_collect_says_why_it_exists():
    told = " ".join(CliRunner().invoke(app, ["collect", "--help"]).stdout.split())

    assert "asks the strongest tier only" in told
