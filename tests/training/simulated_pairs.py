"""Simulated pairs: hard questions say so, and the strong tier is better on them."""

from __future__ import annotations

import numpy as np

from router.types import Request, as_messages
from training.benchmarks.overlap import key_of
from training.benchmarks.pairs import Pairs


def simulated_pairs(n: int, *, twins: int = 0, groups: int = 3, prefix: str = "row", costs: bool = True) -> Pairs:
    """``n`` questions, and ``twins`` of them once more under another id; every other one is hard."""
    numbers = [*range(n), *range(twins)]
    hard = np.array([number % 2 for number in numbers])
    luck = np.random.default_rng(0).random((len(numbers), 2))
    texts = [
        f"{'Prove the hard theorem' if own else 'Name the easy colour'} number {number}"
        for number, own in zip(numbers, hard, strict=True)
    ]
    return Pairs(
        ids=tuple(f"{prefix}/{place}" for place in range(len(numbers))),
        requests=tuple(Request(messages=as_messages(text)) for text in texts),
        quality=(luck < np.column_stack([0.9 - 0.7 * hard, np.full(len(hard), 0.9)])).astype(float),
        keys=tuple(map(key_of, texts)),
        groups=tuple(f"group {number % groups}" for number in numbers),
        cost=np.column_stack([np.full(len(hard), 1e5), 2e6 + 1e5 * hard]) if costs else None,
    )
