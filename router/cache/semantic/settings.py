"""[cache.semantic] as values."""

from __future__ import annotations

from dataclasses import dataclass

from router.embed import Embedder


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSettings:
    """`[cache.semantic]`: answers to questions that ask the same in other words.

    ``threshold`` is the least cosine that passes, as it was fitted for ``embedder``; ``fit`` is the hash of that fit.
    ``timeout`` is how long a request waits for its vector, in seconds. ``store`` is where vectors are kept ("memory", a
    path, or a Redis URL; ``password_env`` names the variable with its password), at most ``max_entries`` of them.
    ``candidates`` nearest ones are looked at for each request. A store that gives no answer within ``store_timeout``
    seconds is done without.
    """

    embedder: Embedder
    threshold: float
    fit: str
    timeout: float = 0.5
    store: str = "memory"
    password_env: str | None = None
    store_timeout: float = 0.05
    max_entries: int = 50_000
    candidates: int = 8
