"""Other people's routers, run for real on the same rows: each in an environment of its own, in a process of its own.

Nothing is kept between runs but the installed packages. A peer that cannot be installed or that fails raises
``PeerMissing``, whose sentence a benchmark prints in place of the figures.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from router.errors import InputError
from router.features import Floats
from training.benchmarks.environments import Absent, Peer, PeerMissing, Report, environment, required
from training.benchmarks.recovered import Places

__all__ = [
    "Absent",
    "AnswerScorer",
    "Peer",
    "PeerMissing",
    "PromptScorer",
    "Trained",
    "environment",
    "llmrouter_choices",
    "routellm_figures",
    "run_script",
    "score_answers",
    "score_prompts",
]

CASCADEFLOW = Peer(name="cascadeflow", version="1.2.0", requirements=("cascadeflow==1.2.0",))
LITELLM = Peer(name="litellm", version="1.106.2", requirements=("litellm==1.106.2",))
ROUTELLM = Peer(
    name="routellm",
    version="0.2.0",
    requirements=("numpy==2.2.6", "pandas==2.3.3", "tqdm==4.67.1"),
    alone=("routellm==0.2.0",),
)
"""Its evaluation alone; its routers would need torch, transformers and LiteLLM."""
LLMROUTER = Peer(
    name="llmrouter",
    version="0.4.0",
    requirements=("torch==2.13.0", "scikit-learn==1.9.0", "numpy==2.4.6", "pandas==2.3.3", "pyyaml==6.0.3"),
    alone=("llmrouter-lib==0.4.0",),
)
"""Its kNN, SVM and MLP routers alone. A build of torch for the CPU will do, which pip takes where its own settings name
an index that has one; the build for graphics cards is several gigabytes more.
"""

PromptScorer = Literal["cascadeflow", "cascadeflow-difficulty", "litellm", "litellm-learned"]
AnswerScorer = Literal["cascadeflow"]
Trained = Literal["knn", "svm", "mlp"]

START_SECONDS = 60.0
"""What a peer's process may take to start, when nothing is asked of it."""
ITEM_SECONDS = 0.05
"""What it may take for each item beyond that; the slowest takes about a thousandth."""

_SCRIPTS = Path(__file__).parent / "peer_scripts"
_PROMPTS: Mapping[PromptScorer, tuple[Peer, str, str]] = MappingProxyType(
    {
        "cascadeflow": (CASCADEFLOW, "cascadeflow_scores.py", "complexity"),
        "cascadeflow-difficulty": (CASCADEFLOW, "cascadeflow_scores.py", "difficulty"),
        "litellm": (LITELLM, "litellm_scores.py", "rules"),
        "litellm-learned": (LITELLM, "litellm_scores.py", "learned"),
    }
)
_ANSWERS: Mapping[AnswerScorer, tuple[Peer, str, str]] = MappingProxyType(
    {"cascadeflow": (CASCADEFLOW, "cascadeflow_scores.py", "confidence")}
)
_BINS = 10
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def score_prompts(
    peer: PromptScorer, prompts: Sequence[str], *, absent: Absent = "install", report: Report = lambda _: None
) -> Floats:
    """How complex ``peer`` holds each of the ``prompts`` to be: (n,), higher is more complex. Many may be equal.

    "cascadeflow" is the level of its ``ComplexityDetector``, by which it routes, 0 to 4; "cascadeflow-difficulty" its
    ``QueryDifficultyEstimator``. "litellm" is the tier of its complexity router with the default rules, 0 to 3, plus a
    tenth of the rules' sum; "litellm-learned" the fitted model that it carries, ``heuristic_v2``: one minus the chance
    that the cheapest tier succeeds.

    Raises:
        PeerMissing: it cannot be installed here, or it failed; the message says why.
        InputError: there is no such peer.
    """
    if peer not in _PROMPTS:
        raise InputError(f"peer={peer!r} scores no prompts; there is {', '.join(get_args(PromptScorer))}")
    whom, script, scorer = _PROMPTS[peer]
    required(whom, absent=absent)
    return _scores(whom, script, scorer, [{"prompt": prompt} for prompt in prompts], report)


def score_answers(
    peer: AnswerScorer,
    prompts: Sequence[str],
    answers: Sequence[str],
    *,
    absent: Absent = "install",
    report: Report = lambda _: None,
) -> Floats:
    """How sure ``peer`` is of each answer, its text alone and no log-probabilities: (n,), higher is surer.

    "cascadeflow" is its ``ProductionConfidenceEstimator`` with the defaults, given the prompt and the answer.

    Raises:
        PeerMissing: it cannot be installed here, or it failed; the message says why.
        InputError: there is no such peer, or there are not as many answers as prompts.
    """
    if peer not in _ANSWERS:
        raise InputError(f"peer={peer!r} scores no answers; there is {', '.join(get_args(AnswerScorer))}")
    if len(prompts) != len(answers):
        raise InputError(f"there are {len(prompts)} prompts and {len(answers)} answers; give an answer for each prompt")
    whom, script, scorer = _ANSWERS[peer]
    required(whom, absent=absent)
    items = [{"prompt": prompt, "answer": answer} for prompt, answer in zip(prompts, answers, strict=True)]
    return _scores(whom, script, scorer, items, report)


def routellm_figures(
    score: Floats, *, weak: Floats, strong: Floats, absent: Absent = "install", report: Report = lambda _: None
) -> dict[str, float]:
    """``apgr_deciles``, ``cpt50_deciles`` and ``cpt80_deciles`` (in %) of a score, by RouteLLM's own code.

    The score (n,) is higher where the strong model is worth more; ``weak`` and ``strong`` (n,) are the qualities. Its
    thresholds, curve and figures are those of ``routellm.evals`` as published, so they check ours. An odd thing of
    theirs is kept: CPT interpolates over the accuracy, which is only right where the accuracy rises with the calls.

    Raises:
        PeerMissing: it cannot be installed here, it failed, or it cannot judge a score with so many ties.
        InputError: the three are not of one length.
    """
    if not len(score) == len(weak) == len(strong):
        raise InputError(f"there are {len(score)} scores for {len(weak)} weak and {len(strong)} strong qualities")
    if len(np.unique(np.quantile(score, np.linspace(0, 1, _BINS + 1)))) <= _BINS:
        raise PeerMissing(
            ROUTELLM.name, f"RouteLLM's code needs {_BINS} distinct bins, and the score has too many ties"
        )
    required(ROUTELLM, absent=absent)
    rows = [
        {"score": float(one), "weak": float(cheap), "strong": float(dear)}
        for one, cheap, dear in zip(score, weak, strong, strict=True)
    ]
    (found,) = run_script(ROUTELLM, "routellm_metrics.py", items=rows, report=report)
    return {f"{name}_deciles": float(found[name]) for name in ("apgr", "cpt50", "cpt80")}


def llmrouter_choices(
    router: Trained,
    features: Floats,
    performance: Floats,
    *,
    asked: Floats,
    seed: int = 0,
    absent: Absent = "install",
    report: Report = lambda _: None,
) -> Places:
    """The model that LLMRouter's kNN, SVM or MLP router chooses for each row of ``asked`` (t, d): (t,), from 0.

    It is trained on ``features`` (n, d), which stand in for its Longformer embeddings, and the ``performance`` (n, m)
    of each of m models. Its own code takes the best model of a row as its label, the first of equals, and trains with
    the hyper-parameters of its example configurations. To make it mind the cost, take that off the performance.

    Raises:
        PeerMissing: it cannot be installed here, it failed or it was too slow; the message says why.
        InputError: there is no such router, or the arrays do not fit together.
    """
    if router not in get_args(Trained):
        raise InputError(f"router={router!r} is none of LLMRouter's that run here: {', '.join(get_args(Trained))}")
    if len(features) != len(performance) or features.shape[1:] != asked.shape[1:] or not np.isfinite(performance).all():
        raise InputError(
            f"features {features.shape}, performance {performance.shape} and asked {asked.shape} do not fit together, "
            "or a performance is missing; give (n, d), (n, m) without NaN and (t, d)"
        )
    required(LLMROUTER, absent=absent)
    items = [
        {"features": row.tolist(), "performance": values.tolist()}
        for row, values in zip(features, performance, strict=True)
    ]
    items += [{"features": row.tolist()} for row in asked]
    found = run_script(LLMROUTER, "llmrouter_choices.py", router, str(seed), items=items, report=report)
    if len(found) != len(asked):
        raise PeerMissing(LLMROUTER.name, f"LLMRouter chose for {len(found)} prompts of {len(asked)}")
    return np.array(found, dtype=np.intp)


def _scores(peer: Peer, script: str, scorer: str, items: Sequence[Mapping[str, Any]], report: Report) -> Floats:
    found = run_script(peer, script, scorer, items=items, report=report)
    if len(found) != len(items) or not all(isinstance(value, float) and math.isfinite(value) for value in found):
        raise PeerMissing(peer.name, f"{peer.name} {peer.version} did not give {len(items)} items a score each")
    return np.array(found, dtype=np.float64)


def run_script(
    peer: Peer,
    script: str,
    *arguments: str,
    items: Sequence[Mapping[str, Any]],
    report: Report = lambda _: None,
    seconds: float | None = None,
) -> list[Any]:
    """What ``script`` of ``peer_scripts/`` answers in ``peer``'s environment: one JSON value for each line it prints.

    It is given the ``items`` as JSON lines and may take ``seconds``; by default a minute and a twentieth of a second an
    item. It sees none of our environment variables but where programs and the home folder are, and no API key.

    Raises:
        PeerMissing: it cannot be installed here, it failed or it was too slow; the message says why.
    """
    python = environment(peer, report=report)
    limit = START_SECONDS + ITEM_SECONDS * len(items) if seconds is None else seconds
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 -- an interpreter and a script of ours
            [str(python), "-E", "-s", str(_SCRIPTS / script), *arguments],
            input="".join(json.dumps(item) + "\n" for item in items),
            capture_output=True,
            encoding="utf-8",
            timeout=limit,
            check=False,
            env=kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        reason = f"did not score {len(items)} items in {limit:.0f} seconds"
    except OSError as error:
        reason = f"could not be started: {error}"
    else:
        if done.returncode == 0:
            return [json.loads(line) for line in done.stdout.splitlines()]
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        reason = f"failed: {last[0]}"
    raise PeerMissing(peer.name, f"{peer.name} {peer.version} {reason}")
