"""Simulated logs and tables of any number of tiers, for tests of rules; no result rests on them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from router.tiers import Ladder
from router.types import Completion, Logprobs, Request, Usage, as_messages
from tests.kit import ladder
from training.records import Outcome, Query, Records
from training.table import Table, states

NAMES = ("small", "middle", "large", "huge", "giant")
SPLITS = ("train",) * 3 + ("certify", "test")
WORDS = ("apples", "books", "clouds", "dogs", "rivers", "ships", "stars", "towns", "trains")


def tiers(count: int) -> Ladder:
    """A ladder of ``count`` tiers whose prices rise tenfold."""
    return ladder(*NAMES[:count])


def logs(n: int, *, count: int, seed: int = 1) -> Records:
    """``n`` prompts of growing difficulty; answers of all lengths, refusals among them, and unsure ones."""
    rng = random.Random(seed)
    queries = []
    for number in range(n):
        effort = rng.randint(0, 9)
        prompt = " ".join([f"task {number}:", *rng.choices(WORDS, k=1 + 2 * effort)])
        request = Request(messages=as_messages(prompt))
        outcomes = tuple(_outcome(rng, 1.5 * rank - effort / 2 + 1, prompt) for rank in range(count))
        split = SPLITS[number % len(SPLITS)]
        queries.append(Query(f"q{number}", request, outcomes, split, request.prompt_hash))
    return Records(tiers(count).names, tuple(queries))


def _outcome(rng: random.Random, strength: float, prompt: str) -> Outcome:
    if rng.random() < 0.05:
        said = Completion(
            text="I cannot help with that.", usage=Usage(input_tokens=20, output_tokens=6), stop="refusal", latency=0.1
        )
        return Outcome(said, 0.0)
    right = rng.random() < 1 / (1 + np.exp(-strength))
    sure = rng.gauss(-0.3 if right else -1.0, 0.4)
    words = rng.randint(1, 30)
    said = Completion(
        text=" ".join(rng.choices(WORDS[:3] if right else WORDS, k=words)),
        usage=Usage(input_tokens=len(prompt) // 4 + 3, output_tokens=words),
        stop="end",
        logprobs=Logprobs(tokens=("a", "b"), values=(min(sure, -0.001), min(sure - 0.1, -0.001))),
        latency=0.2,
    )
    return Outcome(said, float(right))


def table(
    n: int, *, count: int, seed: int = 0, costs: Sequence[float] | None = None, told: float = 2.0, prompt: float = 1.0
) -> Table:
    """``n`` requests at ``count`` tiers, without prompts or answers.

    ``told`` is how much an answer reveals of whether it is right (0: nothing), ``prompt`` how much the prompt does.
    Chances are calibrated in the sense that a higher one goes with better answers.
    """
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=n)
    strength = np.linspace(0, 1.5, count)
    quality = (ease[:, None] + strength + rng.logistic(size=(n, count)) > 0).astype(float)
    price = np.array(costs if costs is not None else [10.0**rank * 1e4 for rank in range(count)])
    cost = price * rng.uniform(0.5, 1.5, size=(n, 1))
    before = prompt * ease[:, None] + strength + rng.normal(size=(n, count)) * 0.1
    sign = told * (2 * quality - 1) + rng.normal(size=(n, count))
    chances, expected = {0: _chance(before)}, {0: np.tile(price, (n, 1))}
    for run in states(count):
        after = before.copy()
        for rank in run:
            after[:, rank] += sign[:, rank]
        mask = sum(1 << rank for rank in run)
        chances[mask], expected[mask] = _chance(after), cost
    return Table(
        quality=quality,
        cost=np.round(cost),
        chances=chances,
        expected=expected,
        draw=rng.random(n),
        weight=np.ones(n),
        keys=tuple(f"k{row}" for row in range(n)),
    )


def _chance(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))
