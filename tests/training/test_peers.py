"""Other people's routers: how their processes are run, and, where their environments are there, what they say."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import pytest

from router.errors import InputError
from training import public
from training.benchmarks.environments import Peer, PeerMissing, environment, installing, ready
from training.benchmarks.llmrouter_peers import Dense, choices
from training.benchmarks.peers import (
    CASCADEFLOW,
    LITELLM,
    LLMROUTER,
    ROUTELLM,
    llmrouter_choices,
    routellm_figures,
    run_script,
    score_answers,
    score_prompts,
)
from training.benchmarks.ranking import figures

PEER = Peer(name="fake", version="0", requirements=())
EASY = "What is 2 + 2?"
HARD = (
    "First prove the Cauchy-Schwarz inequality step by step, then derive the Navier-Stokes equations, analyze the "
    "time complexity of the distributed algorithm and implement it in Python with a binary search tree."
)


def installed(peer: Peer) -> None:
    """Skip where it would have to be downloaded first: a test installs nothing."""
    if not ready(peer):
        pytest.skip(f"{peer.name} {peer.version} is not installed; a benchmark that uses it installs it")


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Write a script that runs in an environment that is there."""
    folder = tmp_path / "envs" / "fake-0"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (folder / ".ready").write_text(PEER.pins, encoding="utf-8")
    monkeypatch.setenv("TIERWISE_BENCH_ENVS", str(folder.parent))

    def written(text: str) -> str:
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_a_quick_run_installs_nothing(tmp_path, monkeypatch):
    """A peer that is not there is told of in a sentence."""
    monkeypatch.setenv("TIERWISE_BENCH_ENVS", str(tmp_path))

    with pytest.raises(PeerMissing, match=r"^cascadeflow \S+ is not installed, and a quick run installs nothing$"):
        score_prompts("cascadeflow", [EASY], absent="tell")

    assert not list(tmp_path.iterdir())


def test_a_quick_comparison_with_llmrouter_installs_nothing(tmp_path, monkeypatch):
    """scikit-learn stands in, and the reason is kept for the page."""
    monkeypatch.setenv("TIERWISE_BENCH_ENVS", str(tmp_path))
    rows = np.random.default_rng(0).normal(size=(20, 3))
    quality = np.eye(2)[(rows[:, 0] > 0).astype(int)]

    found = choices(Dense(train=rows, test=rows[:4]), quality, np.ones((20, 2)), routers=("knn",), absent="tell")

    assert found.missing is not None
    assert found.missing.endswith("is not installed, and a quick run installs nothing")
    assert [len(chosen) for chosen in found.chosen["knn"]] == [4, 4, 4]
    assert not list(tmp_path.iterdir())


def test_a_failed_installation_is_not_tried_again(tmp_path):
    """Not by the same process: it may have taken minutes, which a benchmark's time does not count."""
    before, taken = time.perf_counter(), tmp_path / "envs"
    taken.write_text("no folder")
    for _ in range(2):
        with pytest.raises(PeerMissing, match="cannot be written"):
            environment(PEER, within=taken)
        taken.unlink(missing_ok=True)

    assert not taken.exists()
    assert 0 < installing(since=before) < time.perf_counter() - before
    assert installing(since=time.perf_counter()) == 0


def test_a_script_is_given_json_lines_and_answers_in_json_lines(script):
    """One value for each line it prints, whatever the text holds."""
    path = script("import json, sys\nfor line in sys.stdin:\n    print(json.dumps(json.loads(line)['prompt'].upper()))")

    found = run_script(PEER, path, items=[{"prompt": "a\nb"}, {"prompt": "ß é"}])

    assert found == ["A\nB", "SS É"]


def test_a_peer_sees_no_key_of_ours(script, monkeypatch):
    """A package that phones home when it finds a key finds none."""
    monkeypatch.setenv("SOME_API_KEY", "secret")
    path = script("import json, os\nprint(json.dumps('SOME_API_KEY' in os.environ))")

    assert run_script(PEER, path, items=[]) == [False]


def test_a_peer_that_fails_says_what_it_said_last(script):
    """One sentence for the page, not a traceback."""
    path = script("import sys\nprint('before', file=sys.stderr)\nsys.exit('it is broken')")

    with pytest.raises(PeerMissing, match=r"^fake 0 failed: it is broken$"):
        run_script(PEER, path, items=[])


def test_a_peer_is_bounded_in_time(script):
    """A process that hangs is ended."""
    path = script("import threading\nthreading.Event().wait()")

    with pytest.raises(PeerMissing, match=r"^fake 0 did not score 1 items in 0 seconds$"):
        run_script(PEER, path, items=[{}], seconds=0.2)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: score_prompts("gpt", []), "there is cascadeflow, cascadeflow-difficulty, litellm, litellm-learned"),
        (lambda: score_answers("litellm", [], []), "there is cascadeflow"),
        (lambda: score_answers("cascadeflow", ["a"], []), "1 prompts and 0 answers"),
        (lambda: routellm_figures(np.zeros(2), weak=np.zeros(3), strong=np.zeros(3)), "2 scores for 3"),
        (
            lambda: llmrouter_choices("knn", np.zeros((2, 3)), np.zeros((2, 2)), asked=np.zeros((1, 4))),
            "do not fit together",
        ),
        (lambda: llmrouter_choices("bert", np.zeros((1, 1)), np.zeros((1, 1)), asked=np.zeros((1, 1))), "knn, svm"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(ask, said):
    """Before any process is started."""
    with pytest.raises(InputError, match=said):
        ask()


def test_a_score_with_too_many_ties_is_refused_before_their_code_is():
    """RouteLLM's quantile bins must differ; its own message would be about pandas."""
    with pytest.raises(PeerMissing, match="too many ties"):
        routellm_figures(np.repeat([0.0, 1.0], 50), weak=np.zeros(100), strong=np.ones(100))


@pytest.mark.parametrize("name", ["cascadeflow", "cascadeflow-difficulty"])
def test_cascadeflow_tells_hard_from_easy(name):
    """Higher is more complex."""
    installed(CASCADEFLOW)

    easy, hard = score_prompts(name, [EASY, HARD])

    assert easy < hard


def test_litellm_tells_hard_from_easy():
    """Its default rules; higher is more complex."""
    installed(LITELLM)

    easy, hard = score_prompts("litellm", [EASY, HARD])

    assert easy < 1 < hard


def test_cascadeflows_confidence_has_the_figures_that_we_quote():
    """On RouteLLM's GSM8K, from the weak answers' text alone: APGR .649, AUROC .667."""
    installed(CASCADEFLOW)
    if not (public.folder() / "routellm.parquet").is_file():
        pytest.skip(f"{public.folder()} has no public benchmark data; name the folder in TIERWISE_BENCHMARKS")
    records, _ = public.routellm("gsm8k")
    outcomes = [[outcome for outcome in query.outcomes if outcome is not None] for query in records.queries]
    weak, strong = np.array([[outcome.quality for outcome in pair] for pair in outcomes]).T

    confidence = score_answers(
        "cascadeflow",
        [query.request.text for query in records.queries],
        [cheap.completion.text for cheap, _ in outcomes],
    )

    found = figures(-confidence, weak=weak, strong=strong)
    assert round(found["apgr"] or 0.0, 3) == 0.649
    assert round(found["auroc"] or 0.0, 3) == 0.667


@pytest.mark.parametrize("graded", [1.0, 0.9])
def test_routellms_code_agrees_with_ours(graded):
    """On right-or-wrong labels by its MMLU class, on graded ones by its MT-Bench class."""
    installed(ROUTELLM)
    rng = np.random.default_rng(0)
    weak = (rng.random(500) < 0.6) * graded
    strong = (rng.random(500) < 0.8) * 1.0
    score = rng.random(500) - 0.3 * weak

    theirs = routellm_figures(score, weak=weak, strong=strong)

    ours = figures(score, weak=weak, strong=strong)
    assert theirs["apgr_deciles"] == pytest.approx(ours["apgr_deciles"], abs=1e-9)
    assert theirs["cpt50_deciles"] == pytest.approx(ours["cpt50_deciles"], abs=0.006)  # they print two places
    assert theirs["cpt80_deciles"] == pytest.approx(ours["cpt80_deciles"], abs=0.006)


def test_llmrouters_knn_learns_which_model_is_best():
    """From the features alone, and it never sees the performance of what it is asked about."""
    installed(LLMROUTER)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 3))
    performance = np.column_stack((features[:, 0] > 0, features[:, 0] <= 0)).astype(float)

    choice = llmrouter_choices("knn", features[:100], performance[:100], asked=features[100:])

    assert (choice == performance[100:].argmax(axis=1)).mean() >= 0.8
