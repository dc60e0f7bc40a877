"""[cache.semantic] as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from router.embed import Embedder

Shelf = Literal["memory", "sqlite", "redis"]

FLAT = 50_000
"""Vectors that are compared one by one; with more of them an index is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSettings:
    """`[cache.semantic]`: answers to questions that ask the same in other words.

    ``threshold`` is the least cosine that passes, as it was fitted for ``embedder``; ``identity`` says which model that
    is, and vectors of another are never compared with its own. ``timeout`` is how long a request waits for its vector,
    in seconds. ``store`` is where vectors are kept beside the process's own memory: in a file at ``path``, or in Redis
    at ``url`` under keys that begin with ``namespace``, with the password that the environment variable
    ``password_env`` holds; one that gives no answer within ``store_timeout`` seconds is done without. At most
    ``max_entries`` are kept, and the ``candidates`` nearest ones are looked at for each request.
    """

    embedder: Embedder
    threshold: float
    identity: str
    timeout: float = 0.5
    store: Shelf = "memory"
    path: Path | None = None
    url: str | None = None
    password_env: str | None = None
    namespace: str = "tierwise"
    store_timeout: float = 0.05
    max_entries: int = FLAT
    candidates: int = 8
