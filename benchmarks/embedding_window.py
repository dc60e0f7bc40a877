"""``embed_together``: concurrent prompts that are embedded in one call, against a call for each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from result import Result, median, quartiles, rounded

from router.embed import Embedder, Vectors
from router.embedders.naming import embedder_named
from router.embedding import Embedding
from router.ops import Embed

WINDOW = 0.002
THREADS = 32
PROMPTS = tuple(f"What is the capital of country number {place}, and how many live there today?" for place in range(64))


class Counted:
    """An embedder that counts its calls."""

    name = "counted"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self.calls = embedder, 0

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        return self._embedder(texts)


def measure(*, quick: bool) -> Result:
    """Embed the same prompts with a window and without, in turn."""
    embedder = embedder_named("wordllama")
    embedder(PROMPTS[:1])
    times: dict[float, list[float]] = {WINDOW: [], 0.0: []}
    calls: dict[float, list[float]] = {WINDOW: [], 0.0: []}
    for _ in range(3 if quick else 40):
        for window, taken in times.items():
            counted, embedding = Counted(embedder), Embedding(window=window)
            with ThreadPoolExecutor(THREADS) as pool:
                began = perf_counter()
                list(pool.map(lambda prompt: embedding.perform(Embed(counted, (prompt,), 5.0)), PROMPTS))  # noqa: B023
                taken.append((perf_counter() - began) * 1000)
            embedding.close()
            calls[window].append(counted.calls)
    ours, alone = median(times[WINDOW]), median(times[0.0])
    more: dict[str, Any] = {
        "quartiles": quartiles(times[WINDOW]),
        "alone_ms": {"median": rounded(alone), "quartiles": quartiles(times[0.0])},
        "calls": median(calls[WINDOW]),
        "calls_alone": median(calls[0.0]),
        "window_ms": WINDOW * 1000,
        "threads": THREADS,
    }
    return Result(
        name="embed_together",
        value=ours,
        unit="ms",
        against="a call for each",
        ratio=alone / ours,
        n=len(times[WINDOW]) * len(PROMPTS),
        more=more,
    )
