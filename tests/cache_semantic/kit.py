"""Settings of a semantic cache whose embedder is a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from router.cache.semantic.settings import SemanticSettings
from router.embed import Vectors


class Table:
    """An embedder that knows some texts: the others have no vector. ``asked`` are the texts it was given."""

    name = "table"

    def __init__(self, vectors: Mapping[str, Sequence[float]], *, dimension: int = 2) -> None:
        self.vectors, self.dimension = dict(vectors), dimension
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        found = np.array([self.vectors.get(text, [0.0] * self.dimension) for text in texts], float)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        scaled: Vectors = found / np.where(length > 0, length, 1.0)
        return scaled


def at(degrees: float) -> Vectors:
    """The vector (2,) in this direction."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def settings(**changes: object) -> SemanticSettings:
    """In memory, with a threshold of 0.9, about 26 degrees."""
    found = {"embedder": Table({}), "threshold": 0.9, "identity": "table 1", "store_timeout": 5.0, **changes}
    return SemanticSettings(**found)  # type: ignore[arg-type]
