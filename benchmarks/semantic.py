"""``semantic_wrong_hit``: how often the semantic cache takes one question for another, beside cosines alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from result import SEED, Result, median, quartiles, rounded, say
from threadpoolctl import threadpool_limits

from router.cache.semantic.fitting import Pair, Sides, fitted, judged
from router.cache.semantic.gates import GATES, shut
from router.cache.semantic.pairs import read_pairs
from router.cache.semantic.search import Vectors
from router.cli.cache_fit import cosines_of, gates_of
from router.embedders.naming import embedder_named
from router.errors import InputError

PAIRS = Path(__file__).resolve().parent.parent / "data" / "cache_pairs.jsonl"

MAX_WRONG = 0.02
CONFIDENCE = 0.95

PLAIN = 0.8
"""The `similarity_threshold` that gptcache's Config has by default, and that LiteLLM's documentation configures (there
it is an argument without a default)."""

GPTCACHE = 0.6
"""The cosine that gptcache's 0.8 comes to with its SearchDistanceEvaluation over squared distances of unit vectors, as
faiss gives them: 4 - (2 - 2 cos) >= 0.8 * 4."""


def measure(*, quick: bool) -> Result:
    """Fit on some topics, and judge by others, which were written when the gates were done."""
    every = read_pairs(PAIRS)
    halves = {name: [pair for pair in every if pair.split == name] for name in ("fit", "test")}
    say(f"semantic_wrong_hit: {len(halves['fit'])} pairs to fit on, {len(halves['test'])} to judge by, wordllama")
    embedder = embedder_named("wordllama")
    with threadpool_limits(1):
        cosines = {name: cosines_of(embedder, pairs) for name, pairs in halves.items()}
        opened = {name: [gate is None for gate in gates_of(pairs)] for name, pairs in halves.items()}
        same = [pair.same for pair in halves["fit"]]
        threshold = fitted(cosines["fit"], opened["fit"], same, max_wrong=MAX_WRONG, confidence=CONFIDENCE)
        one_percent = _refused(cosines["fit"], opened["fit"], same)
        times = _times(quick=quick)
    pairs, near, gates = halves["test"], cosines["test"], opened["test"]
    ours = _sides(pairs, near >= threshold.value, gates)
    plain = _sides(pairs, near >= PLAIN)
    return Result(
        name="semantic_wrong_hit",
        value=_wrong(ours),
        unit="share of hits that are wrong",
        against=f"plain cosine at {PLAIN}",
        ratio=_wrong(plain) / _wrong(ours) if ours.wrong else None,
        n=len(pairs),
        more={
            "upper_bound": rounded(ours.bound),
            "against_value": rounded(_wrong(plain)),
            "against_upper_bound": rounded(plain.bound),
            "threshold": threshold.value,
            "gates_and_threshold": _plain(ours),
            "plain_cosine": _plain(plain),
            "plain_cosine_at_our_threshold": _plain(_sides(pairs, near >= threshold.value)),
            "plain_cosine_as_gptcache": _plain(_sides(pairs, near >= GPTCACHE)),
            "gates_at_plain_threshold": _plain(_sides(pairs, near >= PLAIN, gates)),
            "fit": _plain(threshold.sides) | {"max_wrong": MAX_WRONG, "confidence": CONFIDENCE},
            "at_1_percent": one_percent,
            "wrong_by_kind": _by_kind(pairs, _hits(near >= threshold.value, gates)),
            "plain_wrong_by_kind": _by_kind(pairs, _hits(near >= PLAIN)),
            "gates": len(GATES),
        }
        | times,
    )  # fmt: skip


def _sides(pairs: list[Pair], close: Any, gates: list[bool] | None = None) -> Sides:
    return judged(_hits(close, gates), [pair.same for pair in pairs], confidence=CONFIDENCE)


def _hits(close: Any, gates: list[bool] | None = None) -> list[bool]:
    opened = gates or [True] * len(close)
    return [bool(each) and gate for each, gate in zip(close, opened, strict=True)]


def _wrong(sides: Sides) -> float:
    return sides.wrong / sides.hits if sides.hits else 0.0


def _plain(sides: Sides) -> dict[str, Any]:
    return {
        "hits": sides.hits,
        "wrong": sides.wrong,
        "precision": rounded(sides.precision),
        "recall": rounded(sides.recall),
        "wrong_at_most": rounded(sides.bound),
        "wrong_a_lookup_at_most": rounded(sides.lookup_bound),
    }


def _by_kind(pairs: list[Pair], hits: list[bool]) -> dict[str, str]:
    """Wrong hits of each kind of difference, of how many pairs of that kind."""
    kinds = sorted({pair.kind for pair in pairs if not pair.same})
    return {
        kind: f"{sum(hit for pair, hit in zip(pairs, hits, strict=True) if pair.kind == kind)} of "
        f"{sum(pair.kind == kind for pair in pairs)}"
        for kind in kinds
    }


def _refused(cosines: Any, opened: list[bool], same: list[bool]) -> str:
    """What is said of a bound of 1 %, for which there are too few pairs."""
    try:
        fitted(cosines, opened, same, max_wrong=0.01, confidence=CONFIDENCE)
    except InputError as error:
        return f"refused: {error}"
    return "fitted"


def _times(*, quick: bool) -> dict[str, Any]:
    """Milliseconds of a search among random vectors (simulated), one by one; microseconds of the gates on a pair."""
    count, rounds = (2_000, 5) if quick else (50_000, 41)
    random = np.random.default_rng(SEED)
    made = random.normal(size=(count + rounds, 256))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    shelf = Vectors(256)
    for place in range(count):
        shelf.add(str(place), "", made[place])
    took = []
    for vector in made[count:]:
        began = time.perf_counter()
        shelf.nearest(vector, count=8, least=0.5)
        took.append((time.perf_counter() - began) * 1e3)
    gated = []
    for at in range(200 if quick else 2_000):
        one, other = f"How do I boil {at} eggs in Rome?", f"What is the way to boil {at} eggs in Rome?"
        began = time.perf_counter()
        shut(one, other)
        gated.append((time.perf_counter() - began) * 1e6)
    return {
        f"search_{count}_ms": rounded(median(took)),
        f"search_{count}_quartiles": quartiles(took),
        "gates_us": rounded(median(gated)),
    }
