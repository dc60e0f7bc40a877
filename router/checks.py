"""What must hold of a policy bundle before it may route: every shape, number, state and rule, looked at once.

So a bundle that loads cannot fail in the middle of a request. What is wrong is a ValueError of one clause, which
:func:`router.bundle.load` completes to a sentence.
"""

from __future__ import annotations

import io
import math
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from router.embed import PROBES
from router.features import HAND
from router.policy import Always, CascadeRouting, CostAware, Induction, Mixture, Noted, Rule, Thresholds
from router.signals import NAMES
from router.trees import SINGLE, TreeModel, check_trees

LARGEST = 1e15
"""The largest magnitude of a trained number; far above any real one, far below where sums overflow."""

MOST_LANDMARKS = 4096
"""The most landmarks of the complexity classifier: each costs every request a distance. Training takes 1,000."""

_Shape = tuple[int, ...]


def texts(value: Any, what: str) -> tuple[str, ...]:
    """Read a list of non-empty texts.

    Raises:
        ValueError: it is something else.
    """
    if not (isinstance(value, list) and value and all(isinstance(item, str) and item for item in value)):
        raise ValueError(f"{what} is no list of names")
    return tuple(value)


def states(value: Any, *, tiers: int) -> tuple[int, ...]:
    """Read the sets of tiers, as bit masks, that have a confidence scorer.

    Raises:
        ValueError: one is no set of these ``tiers``, or a single tier has none: its answer could not be judged.
    """
    if not (isinstance(value, list) and all(_whole(mask) and 0 < mask < 1 << tiers for mask in value)):
        raise ValueError(f"the states {_short(value)} are no sets of {tiers} tiers")
    for rank in range(tiers):
        if 1 << rank not in value:
            raise ValueError(f"no confidence scorer is there for the answers of tier {rank}")
    return tuple(value)


def embedder(value: Any, *, reads: int) -> str | None:
    """Read which embedder a classifier needs; None when it reads no embedding.

    Raises:
        ValueError: it is not named, or was given other texts of the prompts than ``reads`` stands for.
    """
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("its embedder is not named")  # noqa: TRY004 - a fault of the file
    if value.get("reads") != reads:
        raise ValueError(f"its embedder read prompts in the way {_short(value.get('reads'))}, and not {reads}")
    return str(value["name"])


def rule(found: Rule, *, tiers: int) -> None:
    """See that ``found`` can decide among ``tiers`` tiers.

    Raises:
        ValueError: a rank, a number or a length does not fit.
    """
    if isinstance(found, Always):
        if not (found.rank is None or (_whole(found.rank) and 0 <= found.rank < tiers)):
            raise ValueError(f"the rule asks the tier of rank {_short(found.rank)}, and there are {tiers} tiers")
        if not isinstance(found.why, str):
            raise ValueError("the rule gives no reason in words")  # noqa: TRY004 - a fault of the file
        return
    if isinstance(found, Noted):
        if not isinstance(found.note, str):
            raise ValueError("the rule's note is not in words")  # noqa: TRY004 - likewise
        rule(found.rule, tiers=tiers)
        return
    if isinstance(found, Mixture):
        if not (_number(found.share) and 0 <= found.share <= 1):
            raise ValueError(f"the rule is a mixture by the share {_short(found.share)}, which is none")
        rule(found.first, tiers=tiers)
        rule(found.second, tiers=tiers)
        return
    if isinstance(found, CostAware | CascadeRouting | Induction) and not _number(found.quality_per_dollar):
        raise ValueError(f"quality_per_dollar is {_short(found.quality_per_dollar)}, which is no finite number")
    if isinstance(found, CascadeRouting):
        if len(found.spread) != tiers or not all(_number(value) and value >= 0 for value in found.spread):
            raise ValueError(f"the rule's spread {_short(found.spread)} is not one number from 0 up for each tier")
        return
    if isinstance(found, Induction):
        _induction(found, tiers=tiers)
        return
    assert isinstance(found, Thresholds | CostAware)
    if found.keep not in ("best", "last"):
        raise ValueError(f"the rule keeps {_short(found.keep)}, which is neither 'best' nor 'last'")
    if isinstance(found, CostAware):
        return
    for name, values in (("start", found.start), ("accept", found.accept)):
        if len(values) != tiers:
            raise ValueError(f"the rule has {len(values)} thresholds `{name}`, and there are {tiers} tiers")
        if not all(map(_number, values)):
            raise ValueError(f"the rule's thresholds `{name}` are not all finite numbers")


def _induction(found: Induction, *, tiers: int) -> None:
    """See that every state is a set of tiers and every action one above it, with as many weights as are read."""
    for mask, fitted in found.states.items():
        if not 0 <= mask < 1 << tiers:
            raise ValueError(f"the rule has a state {mask}, and there are {tiers} tiers")
        for rank, (intercept, weights) in fitted.actions.items():
            if not mask.bit_length() <= rank < tiers:
                raise ValueError(f"in the rule's state {mask} the tier of rank {rank} cannot come next")
            if len(weights) != 3 * tiers or not all(map(_number, (intercept, *weights))):
                raise ValueError(f"in the rule's state {mask} the weights of tier {rank} are not {3 * tiers} numbers")


def read_array(blob: bytes, name: str) -> NDArray[Any]:
    """Read a ``.npy`` of numbers whose header promises as much as there is: no header can ask for more memory.

    Raises:
        ValueError: it is no such array.
    """
    stream = io.BytesIO(blob)
    try:
        if npy.read_magic(stream) != (1, 0):
            raise ValueError(f"the array {name} is of another layout")
        shape, _, dtype = npy.read_array_header_1_0(stream)
    except (SyntaxError, tokenize.TokenError, TypeError, RecursionError, MemoryError):
        raise ValueError(f"the header of the array {name} cannot be read") from None
    if dtype.kind not in "fu":
        raise ValueError(f"the array {name} holds {dtype} and not numbers")
    if stream.tell() + math.prod(shape) * dtype.itemsize != len(blob):
        raise ValueError(f"the array {name} is not as long as its header says")
    array: NDArray[Any] = np.load(io.BytesIO(blob), allow_pickle=False)
    return array


def arrays(found: Mapping[str, NDArray[Any]], *, tiers: int, states: Sequence[int], embedded: bool = False) -> None:
    """See that ``found`` are exactly the arrays of estimators for ``tiers`` tiers, and hold usable numbers.

    ``embedded``: whether the classifier reads embeddings.

    Raises:
        ValueError: one is missing, unknown, of another shape or type, or holds what cannot be reckoned with.
    """
    wanted = dict(_shapes(found, tiers=tiers, states=states))
    if embedded:
        wanted |= _embedded(found)
    plain = dict(found)
    read = len(HAND) + _count(found, "prompt.topics", 1) + (_count(found, "dense.directions", 1) if embedded else 0)
    forests = [("prompt_trees", read, _count(found, "prompt.intercept", 0))]
    forests += [(f"scorer.{mask}.trees", _width(mask, tiers), tiers) for mask in states]
    for prefix, columns, heads in forests:
        if f"{prefix}.roots" in found:
            check_trees(found, prefix, columns=columns, tiers=heads)
            for field in fields(TreeModel):
                del plain[f"{prefix}.{field.name}"]
    for name in sorted(wanted.keys() ^ plain.keys()):
        raise ValueError(f"the array {name} is {'missing' if name in wanted else 'of no use'}")
    for name, shape in wanted.items():
        _one(name, found[name], shape)
    keys = found["prompt.keys"]
    if not (keys[1:] > keys[:-1]).all():
        raise ValueError("prompt.keys does not ascend")


def _one(name: str, array: NDArray[Any], shape: _Shape) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}, where {shape} is wanted")
    if name == "prompt.keys":
        if array.dtype != np.uint64:
            raise ValueError(f"{name} holds {array.dtype} and not 64-bit keys")
        return
    if array.dtype.kind != "f" or array.dtype.itemsize < SINGLE:
        raise ValueError(f"{name} holds {array.dtype} and not floating-point numbers of 32 bits or more")
    if not (np.abs(array) <= LARGEST).all():  # as false for NaN as for infinity
        raise ValueError(f"{name} holds NaN, infinity or a number too large to reckon with")
    field = name.rpartition(".")[2]
    if field == "idf" and not (array >= 1).all():  # so it is by its formula, and no prompt's vector has length 0
        raise ValueError(f"{name} is below 1")
    if field in ("rate", "topic_rate") and not (array >= 0).all():
        raise ValueError(f"{name} is below 0")
    if name == "embedder.probes" and not np.isin(np.linalg.norm(array, axis=1).round(6), (0.0, 1.0)).all():
        raise ValueError(f"{name} holds a vector whose length is neither 0 nor 1")
    if field == "scale" and not (array * LARGEST >= 1).all():
        raise ValueError(f"{name} holds a number that is 0, below it, or too near it to divide by")
    if field == "x" and not (array[:, 1:] >= array[:, :-1]).all():
        raise ValueError(f"the knots {name} do not ascend")
    if field == "y" and not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"the knots {name} are not all between 0 and 1")


def _shapes(found: Mapping[str, NDArray[Any]], *, tiers: int, states: Sequence[int]) -> Iterator[tuple[str, _Shape]]:
    """The shape that each array must have; only the counts of terms and knots are the bundle's own."""
    hand, terms = len(HAND), max(_count(found, "prompt.keys", 0), 1)
    yield "prompt.keys", (terms,)
    yield "prompt.idf", (terms,)
    heads, landmarks = max(_count(found, "prompt.intercept", 0), 1), _landmarks(found)
    yield "prompt.terms", (terms, heads)
    topics = max(_count(found, "prompt.topics", 1), 1)
    yield "prompt.topics", (terms, topics)
    yield "prompt.mean", (hand,)
    yield "prompt.scale", (hand,)
    yield "prompt.landmarks", (landmarks, hand)
    yield "prompt.places", (landmarks, topics)
    yield "prompt.topic_rate", (1,)
    yield "prompt.topic_weight", (1,)
    yield "prompt.rate", (1,)
    yield "prompt.weights", (landmarks, heads)
    yield "prompt.intercept", (heads,)
    yield "prompt.mix", (heads, tiers)
    yield "prompt.shift", (tiers,)
    yield from _calibration(found, "calibration", tiers)
    for prefix in ("length.prompt", "length.answer"):
        yield from _linear(prefix, hand + 1, tiers)
        for name in ("tokens_per_char", "overhead", "fewest", "least", "most", "smear"):
            yield f"{prefix}.{name}", (tiers,)
        for name in ("carry", "carry_smear"):
            yield f"{prefix}.{name}", (tiers, tiers)
    for mask in states:
        yield from _linear(f"scorer.{mask}.model", _width(mask, tiers), tiers)
        yield from _calibration(found, f"scorer.{mask}.calibration", tiers)


def _embedded(found: Mapping[str, NDArray[Any]]) -> dict[str, _Shape]:
    """The shapes of what reads an embedding; its dimension is the embedder's own."""
    size = max(_count(found, "embedder.probes", 1), 1)
    heads, landmarks = max(_count(found, "prompt.intercept", 0), 1), _landmarks(found)
    directions = _count(found, "dense.directions", 1)
    return {
        "dense.landmarks": (landmarks, size),
        "dense.rate": (1,),
        "dense.weights": (landmarks, heads),
        "dense.absent": (heads,),
        "dense.directions": (size, directions),
        "dense.middle": (directions,),
        "embedder.probes": (len(PROBES), size),
    }


def _landmarks(found: Mapping[str, NDArray[Any]]) -> int:
    count = _count(found, "prompt.landmarks", 0)
    if count > MOST_LANDMARKS:
        raise ValueError(f"the classifier has {count:,} landmarks, and {MOST_LANDMARKS:,} are the most")
    return max(count, 1)


def _width(mask: int, tiers: int) -> int:
    """The scorer's inputs, as router.assess.scorer_row lays them out; each pair of answers is compared in two ways."""
    answers = mask.bit_count()
    return tiers + len(HAND) + answers * len(NAMES) + answers * (answers - 1)


def _linear(prefix: str, width: int, tiers: int) -> Iterator[tuple[str, _Shape]]:
    yield f"{prefix}.mean", (width,)
    yield f"{prefix}.scale", (width,)
    yield f"{prefix}.weights", (width, tiers)
    yield f"{prefix}.intercept", (tiers,)


def _calibration(found: Mapping[str, NDArray[Any]], prefix: str, tiers: int) -> Iterator[tuple[str, _Shape]]:
    knots = max(_count(found, f"{prefix}.x", 1), 1)
    yield f"{prefix}.slope", (tiers,)
    yield f"{prefix}.shift", (tiers,)
    yield f"{prefix}.x", (tiers, knots)
    yield f"{prefix}.y", (tiers, knots)


def _count(found: Mapping[str, NDArray[Any]], name: str, axis: int) -> int:
    """The length of an array's axis; 0 where there is none, and its shape is refused."""
    shape = found[name].shape if name in found else ()
    return shape[axis] if axis < len(shape) else 0


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
