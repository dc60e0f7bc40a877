"""``ab_ever_wrong``: how often an interval for the difference of two policies is wrong at any look. Simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from result import SEED, Result, rounded, say
from threadpoolctl import threadpool_limits

from router.abtest.power import sample_size
from router.abtest.sequence import log_wealth

Values = NDArray[np.float64]
Draw = Callable[[Generator, tuple[int, int], float, float], Values]

DELTA = 0.05
FIRST = 30
"""The look at which the usual interval begins; ours begins at the first."""

_AT_ONCE = 50


def votes(rng: Generator, shape: tuple[int, int], p: float, q: float) -> Values:
    """Labels of 0 and 1."""
    return (rng.random(shape) < q).astype(float) - (rng.random(shape) < p)


def grades(rng: Generator, shape: tuple[int, int], p: float, q: float) -> Values:
    """Labels between them."""
    return rng.beta(8 * q, 8 * (1 - q), shape) - rng.beta(8 * p, 8 * (1 - p), shape)


SCENES: dict[str, tuple[Draw, float, float]] = {
    "the same, 80 %": (votes, 0.8, 0.8),
    "80 % and 82 %": (votes, 0.8, 0.82),
    "98 % and 97 %": (votes, 0.98, 0.97),
    "graded, 70 % and 75 %": (grades, 0.7, 0.75),
}


def measure(*, quick: bool) -> Result:
    """Simulate tests of 4,000 labels an arm, and look after every one."""
    tests, looks = (50, 500) if quick else (1000, 4000)
    say(f"ab_ever_wrong: {tests} simulated tests of {looks} looks in each of {len(SCENES)} scenes")
    rng = np.random.default_rng(SEED)
    with threadpool_limits(1):
        scenes = {name: _wrong(rng, scene, tests, looks) for name, scene in SCENES.items()}
        stopping = _stopping(rng, tests // 5)
    ours = max(scene["ours"] for scene in scenes.values())
    naive = max(scene["t_interval"] for scene in scenes.values())
    return Result(
        name="ab_ever_wrong",
        value=ours,
        unit="share of simulated tests in which an interval of 95 % is wrong at any look, in the worst scene",
        against="the t-interval of 95 % made anew at each look",
        ratio=naive / ours if ours else None,
        n=tests * len(SCENES),
        more={"simulated": True, "looks": looks, "against_value": rounded(naive), "scenes": scenes, "stop": stopping},
    )


def _wrong(rng: Generator, scene: tuple[Draw, float, float], tests: int, looks: int) -> dict[str, float]:
    draw, p, q = scene
    truth, wanted = q - p, math.log(2 / DELTA)
    ours = naive = 0
    for shape in _portions(tests, looks):
        values = draw(rng, shape, p, q)
        below = log_wealth(values, truth, low=-1).max(axis=-1) >= wanted
        above = log_wealth(-values, -truth, low=-1).max(axis=-1) >= wanted
        ours += int((below | above).sum())
        naive += int(_naively(values, truth).sum())
    return {"ours": ours / tests, "t_interval": naive / tests}


def _naively(values: Values, truth: float) -> NDArray[np.bool_]:
    counts = np.arange(1, values.shape[-1] + 1)
    means = values.cumsum(axis=-1) / counts
    squares = np.maximum((values**2).cumsum(axis=-1) / counts - means**2, 1e-12)
    errors = np.sqrt(squares / np.maximum(counts - 1, 1))
    wrong: NDArray[np.bool_] = (np.abs(means - truth) > 1.96 * errors)[:, FIRST:].any(axis=-1)
    return wrong


def _stopping(rng: Generator, tests: int) -> dict[str, Any]:
    """How many labels an arm it takes until the difference is seen, beside what was planned."""
    size = sample_size(0.8, effect=0.05, power=0.8)
    stops = []
    for shape in _portions(tests, size.labels_a):
        wealth = log_wealth(votes(rng, shape, 0.8, 0.85), 0.0, low=-1)
        seen = wealth >= math.log(4 / DELTA)
        stops += [int(row.argmax()) + 1 if row.any() else math.inf for row in seen]
    return {
        "effect": 0.05,
        "planned": size.labels_a,
        "looked_at_once": size.once_a,
        "seen_by_then": rounded(sum(stop < math.inf for stop in stops) / len(stops)),
        "median": rounded(float(np.median(stops))),
    }


def _portions(tests: int, looks: int) -> Iterator[tuple[int, int]]:
    for start in range(0, tests, _AT_ONCE):
        yield min(_AT_ONCE, tests - start), looks
