"""The loop that the product is: serve, collect, label, train, promote, serve for less; and notice when that ends.

Two simulated tiers behind a real server on loopback: which of them answers a prompt rightly depends on the prompt. All
else is real: the router, its ledger, the commands, MLflow's store and the bundle's file.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from router.bundle import load
from router.cli.main import app as tierwise
from router.engine import Router
from router.ledger import Ledger
from router.policy import Always
from router.pricing import usd
from training.__main__ import app

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint"),
]

TARGET = 0.9
SUBJECTS = ("cats", "dogs", "ships", "trains", "rivers", "towns", "apples", "books", "stars", "clouds")
SMALL_KNOWS = {"count": 0.97, "copy": 1.0, "prove": 0.05}
"""The share of each kind of prompt that the small tier answers rightly; the large one has 0.98 of all. Simulated."""

GRADER = """
import hashlib


def truth(prompt):
    return int(hashlib.sha256(prompt.encode()).hexdigest()[:6], 16) % 1000


def grade(prompt, response, reference):
    return float(str(truth(prompt)) in response.split())
"""


def prompts(n: int, *, seed: int) -> list[str]:
    rng = random.Random(seed)
    kinds = list(SMALL_KNOWS)
    return [
        f"{rng.choice(kinds)} the {rng.choice(SUBJECTS)} and the {rng.choice(SUBJECTS)}, case {seed}-{number}"
        for number in range(n)
    ]


def shifted(n: int) -> list[str]:
    """Traffic of another sort: long pieces of code."""
    rng = random.Random(5)
    return [
        f"prove this, case {number}:\n"
        + "\n".join(f"def f{rng.randint(0, 99)}(x): return x ** 2 + {i}" for i in range(20))
        for number in range(n)
    ]


def share(*words: str) -> float:
    """A number in [0, 1) that hangs on the words alone."""
    return int(hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:12], 16) / 16**12


def truth(prompt: str) -> int:
    return int(hashlib.sha256(prompt.encode()).hexdigest()[:6], 16) % 1000


def is_right(model: str, prompt: str) -> bool:
    chance = 0.98 if model == "sim-large" else SMALL_KNOWS[prompt.split()[0]]
    return share(model, prompt) < chance


def answered(body: dict[str, Any]) -> dict[str, Any]:
    """What the simulated model says, in the wire format of OpenAI's chat."""
    model, prompt = body["model"], body["messages"][-1]["content"]
    text = f"It is {truth(prompt) if is_right(model, prompt) else truth(prompt) + 1}"
    usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": 3, "total_tokens": len(prompt) // 4 + 3}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}


@pytest.fixture(scope="module")
def server():
    """The address of the simulated models."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            data = json.dumps(answered(json.loads(self.rfile.read(int(self.headers["content-length"]))))).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}/v1"
    serving.shutdown()
    thread.join()
    serving.server_close()


def configured(url: str) -> str:
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\napi = "openai-chat"\nmodel = "sim-{name}"\nbase_url = "{url}"\nmax_tokens = 16\n'
        f"price = {{ input = {price}, output = {4 * price} }}\n\n"
        for name, price in (("small", 0.1), ("large", 2.0))
    )
    return f"""{tiers}
[policy]
bundle = "serve/policy.tierwise"
untrained = "strong"
watch = 0.001

[ledger]
path = "ledger.db"

[audits]
enabled = true
share = 0.5
least = 0.1
most = 0.5

[train]
target_quality = {TARGET}
delta = 0.05
"""


def say(*words: str, program: Any = app) -> dict[str, Any]:
    """What a command printed as JSON, and its exit status."""
    result = CliRunner().invoke(program, [*words, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return {**json.loads(result.stdout), "left_with": result.exit_code}


def served(router: Router, asked: list[str]) -> dict[str, Any]:
    """Serve prompts, and say what it came to per request."""
    done = [router.route(prompt) for prompt in asked]
    good = [str(truth(prompt)) in response.text.split() for prompt, response in zip(asked, done, strict=True)]
    return {
        "policy": {response.decision.policy_version for response in done},
        "tiers": [response.decision.tier for response in done],
        "quality": sum(good) / len(good),
        "cost": usd(sum(response.decision.cost for response in done)) / len(done),
        "strong_quality": sum(is_right("sim-large", prompt) for prompt in asked) / len(asked),
    }


@pytest.fixture(scope="module")
def loop(server, tmp_path_factory, migrated):
    """The whole loop once, by what each step said."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "mlruns").mkdir()
    shutil.copy(migrated, folder / "mlruns" / "mlflow.db")
    (folder / "tierwise.toml").write_text(configured(server))
    (folder / "simulated_grader.py").write_text(GRADER)
    serve = folder / "serve" / "policy.tierwise"
    told: dict[str, Any] = {"folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlruns/mlflow.db")
        with Router.from_config() as router:
            told["cold"] = served(router, prompts(400, seed=1))
            told["planned"] = say("collect", "300", "--budget", "1", "--dry-run")
            told["collect"] = say("collect", "300", "--budget", "1")
            told["again"] = say("collect", "300", "--budget", "1")
            told["grade"] = say("label", "grade", "--ledger", "--grader", "simulated_grader:grade")
            told["run"] = say("run")
            told["before"] = served(router, prompts(5, seed=2))
            told["promote"] = say("promote")
            told["fresh"] = served(router, prompts(400, seed=3))
            told["calm"] = say("run", "--if-drift")
            told["good"] = load(serve).version
            told["bad"] = load(serve).with_rule(Always(1, why="by mistake")).save(serve)
            told["mistaken"] = served(router, prompts(20, seed=4))
            told["rollback"] = say("rollback")
            told["restored"] = served(router, prompts(20, seed=6))
            began = datetime.now(UTC).isoformat()
            told["shifted"] = served(router, shifted(300))
            told["drift"] = say("drift", "--since", began)
            told["retrain"] = say("run", "--if-drift", "--drift-since", began, "--dry-run")
        told["cost"] = say("cost", program=tierwise)
    sys.modules.pop("simulated_grader", None)
    return told


def test_an_untrained_router_asks_the_strongest_tier_so_its_ledger_knows_of_no_cheap_answer(loop):
    cold = loop["cold"]

    assert cold["policy"] == {"untrained"}
    assert set(cold["tiers"]) == {"large"}


def test_collecting_asks_the_cheap_tier_once_for_what_was_drawn(loop):
    planned, done, again = loop["planned"], loop["collect"], loop["again"]

    assert (planned["status"], planned["calls"], planned["left_with"]) == ("planned", 300, 0)
    assert (done["status"], done["collected"], done["failed"], done["left"], done["candidates"]) == (
        "done",
        300,
        0,
        0,
        400,
    )
    assert 0 < done["spent"] <= done["worst_case"] < done["budget"]
    assert done["least_inclusion"] == pytest.approx(0.75)
    assert (again["collected"], again["complete"], again["calls"], again["spent"]) == (0, 300, 0, 0.0)


def test_labels_lead_to_a_certified_challenger(loop):
    grade, run = loop["grade"], loop["run"]

    assert (grade["labelled"], grade["unclear"]) == (700, 0)
    assert (run["status"], run["exit_code"], run["left_with"], run["challenger"]) == ("registered", 0, 0, "1")
    assert run["certified"] is True
    assert run["certificate"].startswith("With 95 % confidence")
    assert (loop["folder"] / run["report"]).is_file()
    assert {"run_id", "bundle", "bundle_version", "policy", "rung", "seconds", "peak_mib"} <= run.keys()


def test_a_running_router_takes_up_what_was_promoted(loop):
    assert loop["before"]["policy"] == {"untrained"}
    assert (loop["promote"]["status"], loop["promote"]["left_with"]) == ("promoted", 0)
    assert loop["good"] == loop["run"]["bundle_version"]
    assert loop["fresh"]["policy"] == {loop["good"][:16]}


def test_costs_fall_and_quality_holds_on_prompts_that_nobody_has_seen(loop):
    """Two thirds of the traffic is what the small tier knows, at a twentieth of the price.

    The policy is tuned to the target and not above it, so 400 prompts may show a few points less by chance.
    """
    cold, fresh = loop["cold"], loop["fresh"]

    assert fresh["cost"] < 0.6 * cold["cost"]
    assert fresh["quality"] >= (TARGET - 0.06) * fresh["strong_quality"]
    assert {"small", "large"} == set(fresh["tiers"])


def test_audits_are_written_in_the_background_and_stand_in_the_books(loop):
    with Ledger(loop["folder"] / "ledger.db") as ledger:
        entries = [entry.decision for entry in ledger.decisions()]
    audits = [made for made in entries if made.audit_of and made.attempts[0].verdict == "audited"]
    collected = [made for made in entries if made.audit_of and made.attempts[0].verdict == "collected"]
    by_id = {made.id: made for made in entries}
    total = loop["cost"]["total"]

    assert len(collected) == 300
    assert len(audits) > 0
    assert all(by_id[made.audit_of].audit == made.propensity for made in audits)
    assert (total["audits"], total["requests"]) == (len(audits) + 300, 400 + 5 + 400 + 20 + 20 + 300)
    assert total["audited"] == pytest.approx(usd(sum(made.cost for made in (*audits, *collected))))


def test_the_same_traffic_is_no_drift_and_nothing_is_done(loop):
    calm = loop["calm"]

    assert (calm["status"], calm["exit_code"], calm["left_with"]) == ("no_drift", 5, 5)
    assert calm["drift"]["n"] == 400


def test_other_traffic_raises_the_alarm_and_would_train(loop):
    assert (loop["drift"]["level"], loop["drift"]["left_with"]) == ("alarm", 11), loop["drift"]
    assert any("prompt" in reason for reason in loop["drift"]["reasons"])
    assert (loop["retrain"]["status"], loop["retrain"]["left_with"]) == ("planned", 0)
    assert "fit" in loop["retrain"]["stages"]


def test_rollback_brings_the_champion_back_in_place_of_a_bundle_that_was_put_there_by_hand(loop):
    assert loop["mistaken"]["policy"] == {loop["bad"][:16]}
    assert loop["rollback"]["bundle_version"] == loop["good"]
    assert loop["rollback"]["left_with"] == 0
    assert loop["restored"]["policy"] == {loop["good"][:16]}
    assert loop["restored"]["cost"] < 0.8 * loop["mistaken"]["cost"]
