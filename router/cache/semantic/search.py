"""The nearest vectors of one group of questions: one by one, or by an index where they are many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.cache.semantic.settings import FLAT
from router.features import Floats

Single = NDArray[np.float32]

_FIRST = 1
_LEAST_RATIO = 4
"""An index is asked for so many times as many as are wanted, since those that are gone are still in it."""


@dataclass(frozen=True, slots=True)
class Near:
    """A question that may ask the same: the ``key`` of its answer, its ``text``, and its cosine."""

    key: str
    text: str
    similarity: float


class Vectors:
    """The vectors (d,) of one group, each of length 1, with a key and a text. Not safe for threads.

    Beyond ``flat`` of them they are looked up in a graph (HNSW, by usearch), which may miss one: that costs a hit and
    nothing else, since the cosine of what it finds is reckoned anew.
    """

    def __init__(self, dimension: int, *, flat: int = FLAT) -> None:
        self._matrix: Single = np.empty((_FIRST, dimension), np.float32)
        self._keys: list[str] = []
        self._texts: list[str] = []
        self._place: dict[str, int] = {}
        self._flat = flat
        self._graph: _Graph | None = None

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def dimension(self) -> int:
        """Numbers a vector has."""
        return int(self._matrix.shape[1])

    def add(self, key: str, text: str, vector: Floats) -> None:
        """Take up a vector; one of the same key is replaced."""
        self.remove(key)
        count = len(self._keys)
        if count == len(self._matrix):
            self._matrix = np.concatenate((self._matrix, np.empty_like(self._matrix)))
        self._matrix[count] = vector
        self._keys.append(key)
        self._texts.append(text)
        self._place[key] = count
        if self._graph is not None:
            self._graph.add(key, self._matrix[count])
        elif len(self._keys) > self._flat:
            self._graph = _Graph(self.dimension)
            for at, each in enumerate(self._keys):
                self._graph.add(each, self._matrix[at])

    def remove(self, key: str) -> None:
        """Forget a vector, if it is there."""
        place = self._place.pop(key, None)
        if place is None:
            return
        last = len(self._keys) - 1
        if place != last:
            self._matrix[place] = self._matrix[last]
            self._keys[place], self._texts[place] = self._keys[last], self._texts[last]
            self._place[self._keys[place]] = place
        self._keys.pop()
        self._texts.pop()
        if self._graph is not None:
            self._graph.remove(key)

    def nearest(self, vector: Floats, *, count: int, least: float) -> list[Near]:
        """The ``count`` nearest of at least ``least``, the nearest first."""
        if not self._keys:
            return []
        asked = vector.astype(np.float32)
        if self._graph is None:
            cosines = self._matrix[: len(self._keys)] @ asked
            some = min(count, len(cosines))
            places = np.argpartition(-cosines, some - 1)[:some] if some < len(cosines) else np.arange(len(cosines))
            found = [(float(cosines[place]), int(place)) for place in places]
        else:
            keys = self._graph.nearest(asked, min(_LEAST_RATIO * count, len(self._keys)))
            known = [self._place[key] for key in keys if key in self._place]
            found = [(float(self._matrix[place] @ asked), place) for place in known]
        found = sorted((pair for pair in found if pair[0] >= least), key=lambda pair: (-pair[0], self._keys[pair[1]]))
        return [Near(self._keys[place], self._texts[place], min(cosine, 1.0)) for cosine, place in found[:count]]


class _Graph:
    """usearch's index, by keys that are text."""

    def __init__(self, dimension: int) -> None:
        make: Callable[..., Any] = import_module("usearch.index").Index
        self._index = make(ndim=dimension, metric="ip", dtype="f32")
        self._label: dict[str, int] = {}
        self._key: dict[int, str] = {}
        self._next = 0

    def add(self, key: str, vector: Single) -> None:
        self.remove(key)
        self._label[key], self._key[self._next] = self._next, key
        self._index.add(self._next, vector)
        self._next += 1

    def remove(self, key: str) -> None:
        label = self._label.pop(key, None)
        if label is not None:
            del self._key[label]
            self._index.remove(label)

    def nearest(self, vector: Single, count: int) -> list[str]:
        labels = [int(label) for label in self._index.search(vector, count).keys]
        return [self._key[label] for label in labels if label in self._key]


def indexed() -> bool:
    """Whether there is a package for more than a few vectors."""
    return find_spec("usearch") is not None
