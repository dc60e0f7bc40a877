"""Fitted backward induction against cascade routing and threshold search: the same estimators, paired splits."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.benchmarks.pools import POOLS, Halves, halves, pool
from training.benchmarks.result import BenchmarkResult, Report, benchmark_result
from training.hull import Mean, area, hull
from training.library import FAMILIES, Candidate, Family, candidates
from training.table import Table, walk

TRIALS = 4
SIZES = (300, 1200, 3000)
TARGETS = (0.95, 0.98, 0.99)
RIVALS: tuple[Family, ...] = ("single", "thresholds", "frugal", "cost_aware", "cascade_routing", "induction")
DRAWS = 1000

PROTOCOL = (
    "Zellinger-Thomson logs, 5,233 queries (MMLU, MedMCQA, TriviaQA, TruthfulQA), every tier labelled, self-checks "
    "charged. Pools: llama3 = Llama 3.1 8B/70B/405B, gpt4o = gpt-4o-mini/Qwen2.5-72B/gpt-4o. Per split, estimators "
    "are fitted on 300, 1,200 or 3,000 queries (split by prompt) and shared by all families; each family is tuned on "
    "their out-of-fold estimates, the vertices of its training hull (single tiers included) are followed on all other "
    "queries, and the hull of those points is read: area under it from the cheapest to the strongest tier's cost "
    "(x100), and the cost of reaching 95, 98 and 99 % of the strongest tier's quality, in % of always asking it: means "
    "over the splits, one that does not reach it, or for more, counting as 100, since asking the strongest tier does "
    "(reached: the share that does). Always asking one tier pays for the self-checks of TriviaQA and TruthfulQA too, "
    "which nobody would make there: the costs are the logged ones. win_share: the share of splits, of all sizes, in "
    "which induction's area is the larger. 'library' takes the hull over all families, which is what ships. Intervals: "
    "95 %, bootstrap over splits, which overlap and so are not independent. The kernel, its penalties, the rungs, how "
    "one is picked and the rules' regressions were chosen with labels of these same pools by other draws (seeds from "
    "100; docs/decisions 0012, 0017), after an earlier reading of seeds 0 to 3; no judged fit sees a judged label."
)


def run(*, report: Report = lambda _: None, trials: int = TRIALS) -> BenchmarkResult:
    """Measure every family on every split, ``trials`` of them for each pool and size.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    found: dict[str, dict[int, list[Mapping[str, Mapping[str, float]]]]] = {}
    for name in POOLS:
        records, ladder = pool(name)
        for size in SIZES:
            for trial in range(trials):
                report(f"{name}, {size:,} queries, split {trial + 1} of {trials}")
                split = halves(records, ladder, n_train=size, seed=trial)
                found.setdefault(name, {}).setdefault(size, []).append(_measured(split))
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name, sizes in found.items():
        everything = [split for splits in sizes.values() for split in splits]
        for family in (*RIVALS, "library"):
            rows = [split[family] for split in everything]
            wins = [split["induction"]["area"] > split[family]["area"] for split in everything]
            told: dict[str, Any] = {
                "win_share": float(np.mean(wins)) if family != "induction" else math.nan,
                **_means(rows),
            }
            told |= {f"at_{size}": _means([split[family] for split in splits]) for size, splits in sizes.items()}
            metrics.setdefault(name, {})[family] = told
            ahead = [split["induction"]["area"] - split[family]["area"] for split in everything]
            intervals.setdefault(name, {})[family] = {"area": _interval([row["area"] for row in rows])}
            if family != "induction":
                told["induction_ahead_by"] = float(np.mean(ahead))
                intervals[name][family]["induction_ahead_by"] = _interval(ahead)
    total = [split for sizes in found.values() for splits in sizes.values() for split in splits]
    metrics["win_share"] = {
        family: float(np.mean([split["induction"]["area"] > split[family]["area"] for split in total]))
        for family in RIVALS
        if family != "induction"
    }
    return benchmark_result(
        "policies",
        protocol=PROTOCOL,
        seeds=range(trials),
        metrics=metrics,
        intervals=intervals,
        started=started,
    )


def _measured(split: Halves) -> dict[str, dict[str, float]]:
    """Per family, what its curve on the held-out rows comes to."""
    tried = candidates(split.train, families=FAMILIES)
    chosen: dict[str, Sequence[Candidate]] = {
        family: [item for item in tried if item.family in (family, "single")] for family in RIVALS
    }
    chosen["library"] = tried
    return {family: _curve(hull(items), split.held) for family, items in chosen.items()}


def _curve(vertices: Sequence[Candidate], held: Table) -> dict[str, float]:
    points = []
    for vertex in vertices:
        done = walk(held, vertex.rule)
        points.append(Mean(float(done.quality.mean()), float(done.cost.mean())))
    strong = Mean(float(held.quality[:, -1].mean()), float(held.cost[:, -1].mean()))
    reached = hull(points)
    low = float(held.cost[:, 0].mean())
    return {
        "area": 100 * area(reached, low=low, high=strong.cost),
        **{
            f"cost{round(100 * share)}": 100 * _cost_at(reached, share * strong.quality) / strong.cost
            for share in TARGETS
        },
    }


def _cost_at(vertices: Sequence[Mean], quality: float) -> float:
    """The least cost of ``quality`` on a hull; NaN when it does not reach it."""
    if vertices[0].quality >= quality:
        return vertices[0].cost
    if vertices[-1].quality < quality:
        return math.nan
    return float(np.interp(quality, [point.quality for point in vertices], [point.cost for point in vertices]))


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over the splits; asking the strongest tier always works, so that no cost is above 100."""
    told = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        if name == "area":
            told[name] = float(values.mean())
            continue
        told[name] = float(np.fmin(values, 100.0).mean())
        told[f"{name}_reached"] = float(np.mean(~np.isnan(values)))
    return told


def _interval(values: Sequence[float]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    means = np.array(values)[rng.integers(0, len(values), (DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
