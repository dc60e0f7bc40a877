"""Embeddings in training: many prompts at once, and each but once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from router.assess import Evidence
from router.cascade import Plan
from router.embed import Embedder, Vectors, readable
from router.features import PromptFeatures
from router.types import Request

BATCH = 256

Report = Callable[[str], None]


class Remembered:
    """An embedder that embeds each text once, and keeps all vectors: for a job that reads the same prompts often."""

    def __init__(self, embedder: Embedder) -> None:
        self.name = embedder.name
        self._embedder = embedder
        self._found: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """As the embedder does.

        Raises:
            EmbedderError: as the embedder.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._found]
        if new or not texts:
            made = self._embedder(new)
            if not texts:
                return made
            self._found |= dict(zip(new, made, strict=True))
        return np.array([self._found[text] for text in texts])


def with_embeddings(
    features: Sequence[PromptFeatures],
    requests: Sequence[Request],
    embedder: Embedder,
    *,
    report: Report = lambda _: None,
) -> tuple[PromptFeatures, ...]:
    """The ``features`` of ``requests`` with their embeddings.

    Raises:
        EmbedderError: there are none; training does not go on without.
    """
    texts = [readable(request) for request in requests]
    found: list[PromptFeatures] = []
    for start in range(0, len(texts), BATCH):
        vectors = embedder(texts[start : start + BATCH])
        pairs = zip(features[start : start + BATCH], vectors, strict=True)
        found += [replace(item, embedding=vector) for item, vector in pairs]
        if (start // BATCH) % 8 == 7:
            report(f"embedded {len(found):,} of {len(texts):,} prompts")
    return tuple(found)


def begin(plan: Plan, request: Request) -> Evidence:
    """What the plan's assessor makes of a prompt, its embedding included where it reads one.

    Raises:
        EmbedderError: there is none; offline nothing is judged without.
    """
    vector = None if plan.embedder is None else plan.embedder((readable(request),))[0]
    return plan.assessor.begin(request, embedding=vector)
