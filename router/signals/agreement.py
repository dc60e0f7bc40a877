"""How far two answers agree."""

from __future__ import annotations

from router.signals.words import words_of


def agreement(first: str, second: str) -> tuple[float, float]:
    """How far two answers agree: whether they are the same when case and signs are folded, and the share of
    words they have in common (Jaccard).
    """
    one, two = words_of(first), words_of(second)
    if not one and not two:
        return 1.0, 1.0
    a, b = set(one), set(two)
    return float(one == two), len(a & b) / len(a | b)
