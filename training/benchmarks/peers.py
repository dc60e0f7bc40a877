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
from training.benchmarks.environments import Peer, PeerMissing, Report, environment

__all__ = [
    "AnswerScorer",
    "Peer",
    "PeerMissing",
    "PromptScorer",
    "environment",
    "run_script",
    "score_answers",
    "score_prompts",
]

CASCADEFLOW = Peer(name="cascadeflow", version="1.2.0", requirements=("cascadeflow==1.2.0",))
LITELLM = Peer(name="litellm", version="1.106.2", requirements=("litellm==1.106.2",))

PromptScorer = Literal["cascadeflow", "cascadeflow-difficulty", "litellm", "litellm-learned"]
AnswerScorer = Literal["cascadeflow"]

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
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def score_prompts(peer: PromptScorer, prompts: Sequence[str], *, report: Report = lambda _: None) -> Floats:
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
    return _scores(whom, script, scorer, [{"prompt": prompt} for prompt in prompts], report)


def score_answers(
    peer: AnswerScorer, prompts: Sequence[str], answers: Sequence[str], *, report: Report = lambda _: None
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
    items = [{"prompt": prompt, "answer": answer} for prompt, answer in zip(prompts, answers, strict=True)]
    return _scores(whom, script, scorer, items, report)


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
