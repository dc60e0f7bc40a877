"""Folds that depend on what the rows say, and not on their order."""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from router.features import Floats

Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Distinct:
    """Rows that are the same to the bit, counted as one.

    ``first`` (m,) is the place of each distinct row's first copy, ``group`` (m,) its group's number, ``inverse``
    (n,) each row's distinct row. Distinct rows and groups stand in the order of a hash over their content, so that
    neither shuffling nor repeating rows changes anything that is reckoned from them.
    """

    first: Ints
    group: Ints
    inverse: Ints


def distinct_rows(matrix: Floats, *, groups: ArrayLike | None = None) -> Distinct:
    """Find the distinct rows of ``matrix`` (n, d); rows of different ``groups`` (n,) stay apart.

    Without groups every distinct row is its own group: copies of a row then never stand on both sides of a fold.
    """
    rows = np.ascontiguousarray(matrix, np.float64) + 0.0  # -0.0 becomes 0.0
    rows[np.isnan(rows)] = np.nan  # one NaN, whatever its bits were
    content = _digests([row.tobytes() for row in rows])
    if groups is None:
        _, first, inverse = np.unique(content, return_index=True, return_inverse=True)
        return Distinct(first, np.arange(len(first)), inverse)
    _, code = np.unique(np.asarray(groups), return_inverse=True)
    least = np.full(int(code.max()) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, code, content)
    rank = np.empty(len(least), np.intp)
    rank[np.argsort(least, kind="stable")] = np.arange(len(least))
    owner = rank[code]
    order = np.lexsort((content, owner))
    new = np.ones(len(order), bool)
    new[1:] = (owner[order][1:] != owner[order][:-1]) | (content[order][1:] != content[order][:-1])
    inverse = np.empty(len(order), np.intp)
    inverse[order] = np.cumsum(new) - 1
    first = order[new]
    return Distinct(first, owner[first], inverse)


def grouped_folds(group: Ints, *, target: Floats, weight: Floats, folds: int) -> Ints | None:
    """Deal groups into folds, each with its share of both kinds; None where fewer than two folds are possible.

    ``group`` (m,) are numbers from 0, ``target`` (m,) the share of each row that is acceptable, ``weight`` (m,).
    A group goes with its majority, the heaviest first, always to the fold that has least of that kind. Every
    complement of a fold holds both kinds; where the rarer kind has fewer groups than ``folds``, so many are made.
    """
    good = np.bincount(group, weight * target)
    bad = np.bincount(group, weight * (1 - target))
    count = min(folds, int((good > 0).sum()), int((bad > 0).sum()))
    if count < 2:
        return None
    total = good + bad
    size = np.round(total / total.max(), 9)  # so that 0.1 + 0.2 and 0.3 are dealt alike
    fold_of = np.empty(len(total), np.intp)
    for kind, numbers in ((1, range(count)), (0, reversed(range(count)))):
        load = [(0.0, place, number) for place, number in enumerate(numbers)]
        (members,) = np.nonzero((good >= bad) == bool(kind))
        for member in members[np.argsort(-size[members], kind="stable")].tolist():
            least, place, number = load[0]
            fold_of[member] = number
            heapq.heapreplace(load, (least + float(size[member]), place, number))
    for number in range(count):
        rest = fold_of != number
        if not (good[rest].any() and bad[rest].any()):
            return None
    return fold_of[group]


def _digests(rows: list[bytes]) -> NDArray[np.uint64]:
    joined = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(joined, np.uint64)


def sums(place: Ints, values: Floats) -> Floats:
    """The sum of ``values`` (n,) at each ``place`` (n,)."""
    out: Floats = np.bincount(place, values).astype(float)
    return out
