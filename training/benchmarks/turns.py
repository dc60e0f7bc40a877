"""Ways of doing the same, timed in turns: a pass each, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter_ns, thread_time_ns
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from router.features import Floats

T = TypeVar("T")

DRAWS = 500


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds of every call, (rounds, items) each: ``wall``, and ``cpu``, the processor time of its thread, which
    is what it takes on a machine that does nothing else.
    """

    wall: Floats
    cpu: Floats


def timed_in_turns(calls: Mapping[str, Callable[[T], Any]], items: Sequence[T], *, rounds: int) -> dict[str, Times]:
    """The times of each call on each item: ``rounds`` passes over the items, in every one each call at its turn.

    A pass of each before, which is not counted, leaves nothing to be done for the first time.
    """
    found = {name: Times(*np.empty((2, rounds, len(items)))) for name in calls}
    with _settled():
        for call in calls.values():
            _pass(call, items)
        for number in range(rounds):
            for name, call in calls.items():
                found[name].wall[number], found[name].cpu[number] = _pass(call, items)
    return found


def quantile_bounds(times: Floats, share: float, *, seed: int) -> tuple[float, float]:
    """A 95 % interval for a quantile of all ``times`` (rounds, items): a percentile bootstrap over the rounds."""
    return _bounds([np.quantile(times[places], share) for places in _drawn(times, seed)])


def ratio_bounds(times: Floats, other: Floats, share: float, *, seed: int) -> tuple[float, float]:
    """The same of the quantile of ``other`` divided by that of ``times``, both (rounds, items) of the same rounds."""
    return _bounds(
        [np.quantile(other[places], share) / np.quantile(times[places], share) for places in _drawn(times, seed)]
    )


def _bounds(drawn: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _drawn(times: Floats, seed: int) -> Iterator[NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield rng.integers(len(times), size=len(times))


def _pass(call: Callable[[T], Any], items: Sequence[T]) -> tuple[list[float], list[float]]:
    wall, cpu = [], []
    for item in items:
        began, worked = perf_counter_ns(), thread_time_ns()
        call(item)
        cpu.append((thread_time_ns() - worked) / 1000)
        wall.append((perf_counter_ns() - began) / 1000)
    return wall, cpu


@contextmanager
def _settled() -> Iterator[None]:
    """Take what was loaded out of the garbage collector's rounds, as a server does after its start."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
