"""Trees as plain arrays, boosted or averaged, walked by numpy alone.

Training fits them with scikit-learn; what is walked here ends in the same leaves, also where a number is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.estimators import DenseModel
from router.features import Floats

Indices = NDArray[np.uint32]

LARGEST = 1e15
"""The largest magnitude of a threshold or a value; a threshold of infinity is stored as this."""

SINGLE = 4
"""The fewest bytes of a number: sums of halves would overflow."""

DEEPEST = 32
"""The most steps from a root to a leaf, so that a damaged bundle cannot make a request take long."""


ROUNDING = 1e-12
"""How far above a threshold a number still counts as equal to it. Thresholds are numbers that training read, of prompts
that may come again, and topics and the like are not reckoned in the same order here."""


@dataclass(frozen=True)
class TreeModel:
    """Trees that add up to one logit per tier.

    The nodes of all trees stand in one row of M, children behind their parents: ``feature``, ``left``, ``right``
    (M,) are indices, ``threshold`` (M,): a number up to it goes left, ``missing_left`` (M,) 1 where a missing one
    goes left too. A leaf is its own child and has a ``value`` (M,). ``roots`` (T,) are the trees' first nodes,
    ``head`` (T,) the tier that each adds to, ``intercept`` (K,) where the sums begin. Trees that all tiers share have
    values (M, K), one a tier, and a ``head`` that is not read.
    """

    feature: Indices
    threshold: Floats
    left: Indices
    right: Indices
    missing_left: NDArray[np.uint8]
    value: Floats
    roots: Indices
    head: Indices
    intercept: Floats

    def logits(self, row: Floats) -> Floats:
        """One logit per tier, shape (K,), from ``row`` (D,), in which NaN is missing."""
        plan = self._plan
        # Each number twice: as it is, and with -inf for a missing one. NaN is not below any threshold and goes
        # right, -inf is below all and goes left; a test reads the copy that sends a missing number its way.
        both = row.repeat(2)
        np.fmax(both[1::2], -np.inf, out=both[1::2])
        left = both.take(plan.source) <= plan.threshold
        place = plan.roots
        for _ in range(plan.depth):
            place = plan.children.take(place + left.take(plan.test.take(place)))
        ends = place // 2
        if self.value.ndim > 1:
            shared: Floats = self.intercept + self.value.take(ends, axis=0).sum(axis=0)
            return shared
        found: Floats = self.intercept + np.bincount(plan.head, self.value.take(ends), len(self.intercept))
        return found

    @cached_property
    def _plan(self) -> _Plan:
        left, right = self.left.astype(np.intp), self.right.astype(np.intp)
        depth, level = 0, self.roots.astype(np.intp)
        while True:
            level = np.unique(np.concatenate((left[level], right[level])))
            if (left[level] == level).all():
                break
            depth += 1
        source = 2 * self.feature.astype(np.intp) + self.missing_left
        tests, test = np.unique(source + 1j * self.threshold, return_inverse=True)
        return _Plan(
            source=tests.real.astype(np.intp),
            threshold=tests.imag + ROUNDING,
            test=test.repeat(2),
            children=2 * np.column_stack((right, left)).ravel(),
            roots=2 * self.roots.astype(np.intp),
            head=self.head.astype(np.intp),
            depth=depth + 1,
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a walk reads, as it reads it fastest.

    A test is a number's place in the row of copies, its ``source`` (S,), and a ``threshold`` (S,). Trees cut where one
    of few intervals ends, so many nodes share a test, and each is made once for a row. A node has two places in
    ``children`` (2M,): the first holds the places of its right child, the second those of its left one. ``test`` (2M,)
    is its test at both; ``roots`` (T,) are places too.
    """

    source: NDArray[np.intp]
    threshold: Floats
    test: NDArray[np.intp]
    children: NDArray[np.intp]
    roots: NDArray[np.intp]
    head: NDArray[np.intp]
    depth: int


@dataclass(frozen=True, slots=True)
class Blend:
    """A linear model and trees whose logits add up."""

    linear: DenseModel
    trees: TreeModel

    def logits(self, row: Floats) -> Floats:
        """One logit per tier, shape (K,), from ``row`` (D,)."""
        return self.linear.logits(row) + self.trees.logits(row)


def join_trees(models: Sequence[TreeModel]) -> TreeModel:
    """Several tiers' trees as one model: the first one's tiers come first."""
    nodes = np.cumsum([0, *(len(model.feature) for model in models)])
    tiers = np.cumsum([0, *(len(model.intercept) for model in models)])

    def shifted(name: str, by: NDArray[Any]) -> Indices:
        moved = [getattr(model, name) + np.uint32(step) for model, step in zip(models, by, strict=False)]
        return np.concatenate(moved).astype(np.uint32)

    return TreeModel(
        feature=np.concatenate([model.feature for model in models]),
        threshold=np.concatenate([model.threshold for model in models]),
        left=shifted("left", nodes),
        right=shifted("right", nodes),
        missing_left=np.concatenate([model.missing_left for model in models]),
        value=np.concatenate([model.value for model in models]),
        roots=shifted("roots", nodes),
        head=shifted("head", tiers),
        intercept=np.concatenate([model.intercept for model in models]),
    )


def check_trees(found: Mapping[str, NDArray[Any]], prefix: str, *, columns: int, tiers: int) -> None:
    """See that the arrays ``prefix.feature`` and so on can be walked for rows of ``columns`` numbers.

    Every walk ends: a child stands behind its parent, or is the parent itself, a leaf, and none is deeper than
    :data:`DEEPEST`.

    Raises:
        ValueError: an array is missing, of another shape or type, or points where nothing is.
    """
    arrays = {}
    for field in fields(TreeModel):
        name = f"{prefix}.{field.name}"
        if name not in found:
            raise ValueError(f"the array {name} is missing")
        arrays[field.name] = found[name]
    _shapes(arrays, prefix, tiers)
    nodes = len(arrays["feature"])
    for name, limit in (("feature", columns), ("left", nodes), ("right", nodes), ("roots", nodes), ("head", tiers)):
        if not (arrays[name] < limit).all():
            raise ValueError(f"{prefix}.{name} points at {int(arrays[name].max())}, and there are {limit}")
    if not (arrays["missing_left"] <= 1).all():
        raise ValueError(f"{prefix}.missing_left holds what is neither 0 nor 1")
    for name in ("threshold", "value", "intercept"):
        if not (np.abs(arrays[name]) <= LARGEST).all():  # as false for NaN as for infinity
            raise ValueError(f"{prefix}.{name} holds NaN, infinity or a number too large to reckon with")
    _ends(arrays, prefix)


def _shapes(arrays: Mapping[str, NDArray[Any]], prefix: str, tiers: int) -> None:
    per_node = ("feature", "threshold", "left", "right", "missing_left", "value")
    lengths = dict.fromkeys(per_node, arrays["feature"].size) | dict.fromkeys(("roots", "head"), arrays["roots"].size)
    lengths["intercept"] = tiers
    for name, length in lengths.items():
        array = arrays[name]
        if array.shape != (length,) and not (name == "value" and array.shape == (lengths["feature"], tiers)):
            raise ValueError(f"{prefix}.{name} has the shape {array.shape}, where {(length,)} is wanted")
        wanted = "f" if name in {"threshold", "value", "intercept"} else "u"
        if array.dtype.kind != wanted or (wanted == "f" and array.dtype.itemsize < SINGLE):
            kind = "floating-point numbers of 32 bits or more" if wanted == "f" else "indices"
            raise ValueError(f"{prefix}.{name} holds {array.dtype} and not {kind}")


def _ends(arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    left, right = arrays["left"].astype(np.intp), arrays["right"].astype(np.intp)
    here = np.arange(len(left))
    leaf = (left == here) & (right == here)
    if not (leaf | ((left > here) & (right > here))).all():
        raise ValueError(f"{prefix} has a node whose child does not stand behind it")
    level = arrays["roots"].astype(np.intp)
    for _ in range(DEEPEST + 1):
        level = np.unique(level[~leaf[level]])
        if not len(level):
            return
        level = np.concatenate((left[level], right[level]))
    raise ValueError(f"{prefix} has a tree of more than {DEEPEST} levels")
