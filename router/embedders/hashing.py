"""The embedder without a model: words and pairs of neighbouring words, hashed to signed counts.

It says of two texts how many words they share and nothing of meaning: a floor to measure others by, and enough for
tests. The hashing trick with signs: Weinberger et al., "Feature hashing for large scale multitask learning", 2009.
"""

from __future__ import annotations

import numpy as np

from router.embed import Encode, Vectors
from router.features import Keys, cut, fold

DIMENSION = 256

_MIX = np.uint64(0x94D049BB133111EB)
_PAIR = np.uint64(0x9E3779B97F4A7C15)


def load(_: str) -> Encode:
    """The function itself; there is nothing to load."""
    return embed


def embed(texts: list[str]) -> Vectors:
    """Embed each text as the signed sums of ``1 + ln(count)`` of its terms, (n, 256)."""
    return np.array([_one(text) for text in texts]).reshape(-1, DIMENSION)


def _one(text: str) -> Vectors:
    words = cut(fold(text)).keys if text else np.empty(0, np.uint64)
    terms, counts = np.unique(np.concatenate((words, words[:-1] * _PAIR + words[1:])), return_counts=True)
    mixed: Keys = (terms ^ (terms >> np.uint64(32))) * _MIX
    signs = 1.0 - 2.0 * ((mixed >> np.uint64(40)) & np.uint64(1))
    places = (mixed >> np.uint64(56)).astype(np.int64)
    found: Vectors = np.bincount(places, weights=signs * (1.0 + np.log(counts)), minlength=DIMENSION).astype(float)
    return found
