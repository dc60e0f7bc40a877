"""Simulated logs: prompts whose words say which tier gets them right. For tests only; no result rests on them."""

from __future__ import annotations

import random

import numpy as np

from router.tiers import Ladder
from router.types import Completion, Logprobs, Request, Usage, as_messages
from tests.kit import ladder
from training.records import Outcome, Query, Records

TIERS: Ladder = ladder("small", "large")
SUBJECTS = ("cats", "dogs", "ships", "trains", "rivers", "towns", "apples", "books", "stars", "clouds")
KINDS = {"count": (0.9, 0.5), "name": (0.3, 0.95), "guess": (0.2, 0.3), "copy": (0.97, 0.98)}
SPLITS = ("train",) * 6 + ("certify",) * 2 + ("test",) * 2


def records(n: int = 400, *, seed: int = 7) -> Records:
    """``n`` queries whose kind sets each tier's chance of being right, and whose log-probabilities tell of it."""
    rng = random.Random(seed)
    queries = []
    for number in range(n):
        kind = rng.choice(list(KINDS))
        prompt = f"{kind} the {rng.choice(SUBJECTS)} and the {rng.choice(SUBJECTS)}, case {number}"
        request = Request(messages=as_messages(prompt))
        outcomes = tuple(_outcome(rng, chance, prompt) for chance in KINDS[kind])
        queries.append(
            Query(
                id=f"q{number}",
                request=request,
                outcomes=outcomes,
                split=SPLITS[number % len(SPLITS)],
                split_key=request.prompt_hash,
                task=kind,
            )
        )
    return Records(TIERS.names, tuple(queries))


def _outcome(rng: random.Random, chance: float, prompt: str) -> Outcome:
    right = rng.random() < chance
    surety = rng.gauss(-0.2 if right else -1.2, 0.4)
    values = tuple(min(surety + rng.gauss(0, 0.2), -0.001) for _ in range(3))
    words = rng.randint(1, 5)
    completion = Completion(
        text=" ".join(["right" if right and rng.random() < 0.7 else "answer"] * words),
        usage=Usage(input_tokens=len(prompt) // 4, output_tokens=words),
        stop="end",
        logprobs=Logprobs(tokens=("a", "b", "c"), values=values),
        latency=0.1,
    )
    return Outcome(completion, float(right))


def random_prompts(n: int, *, seed: int = 11) -> list[Request]:
    """Prompts of known and unknown words, digits, signs and other scripts."""
    rng = np.random.default_rng(seed)
    words = [
        *SUBJECTS,
        *KINDS,
        "the",
        "and",
        "12",
        "7,000",
        "zebra",
        "quux",
        "Straße",
        "日本",
        "(x)",
        "==",
        "\n\n",
        "?",
    ]
    return [
        Request(messages=as_messages("case " + " ".join(rng.choice(words, size=rng.integers(1, 60))))) for _ in range(n)
    ]
