"""Two three-tier pools: backward induction against cascade routing and threshold search on the same estimators."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from router.errors import InputError
from router.policy import Thresholds
from router.pricing import NANO
from router.tiers import Ladder
from training.benchmarks.curve_reading import GRID, Reading, followed, oracle, read, regret, routed
from training.benchmarks.pools import POOLS, RUNGS, Parts, judged, parts, pool
from training.benchmarks.proof import Proof, Target, proof
from training.benchmarks.result import Report
from training.hull import hull
from training.library import FAMILIES, Candidate, candidates, lambdas
from training.records import Outcome, Records
from training.table import Table, states

SEEDS = range(20)
SIZES = (300, 1200, 3000)
QUICK_SEEDS = range(2)
QUICK_SIZES = (300,)
WORKERS = 2
DRAWS = 2000

OURS = "induction"
PEERS = ("frugal", "cascade_routing")
OTHERS = ("thresholds", "cost_aware", "library")
PLAIN = ("hull", "routing", "raw_confidence", "oracle", "random_mix")

PROTOCOL = (
    "Zellinger-Thomson logs, 5,233 queries (MMLU, MedMCQA, TriviaQA, TruthfulQA) pooled, every tier labelled, "
    "self-checks charged. Pools: llama3 = Llama 3.1 8B/70B/405B, gpt4o = gpt-4o-mini/Qwen2.5-72B/gpt-4o. Per seed, "
    "prompts are split 60/20/20: estimators learn from 300, 1,200 or 3,000 labels of the first part (rungs "
    f"{', '.join(RUNGS)}), the second is left alone, the third is the test. All families of rules share the estimators "
    "of a split, and are tuned on their out-of-fold estimates. The vertices of a family's training hull (single tiers "
    "included) are followed on the test rows, and the hull of these points is read: the cost of 95, 98 and 99 % of the "
    "strongest tier's quality, in % of always asking it, means over the splits that reach it (reached: their share); "
    "and the area from the cheapest to the strongest tier's cost, in %. Under every_rule all of a family's rules are "
    "followed on the test rows and their hull is read, which flatters families of many rules. win_share: the share of "
    "paired splits of both pools and all sizes in which our area is the larger, with an exact binomial interval; other "
    "intervals are 95 % by a bootstrap over splits."
)
QUICK = " Quick: 2 splits and 300 labels only."
DIFFERS = (
    "No figures are published for these pools: the peers are our own implementations, on our estimators.",
    "frugal: FrugalGPT's search over lists of tiers and their thresholds (Chen, Zaharia and Zou 2023).",
    "cascade_routing: Dekoninck, Baader and Vechev (2025), with one price for all steps; its authors tune one a step.",
    "Input tokens are reckoned back from the logged cost, which includes the self-check call of open questions.",
)
_REACH = {"llama3": (22, 42, 54), "gpt4o": (11, 23, 30)}
_COSTS = ("cost95", "cost98", "cost99")


@dataclass(frozen=True)
class Split:
    """What one split found: readings by the name of a family or a plain router, ours at its own price, the rung."""

    pool: str
    size: int
    seed: int
    readings: Mapping[str, Reading]
    every: Mapping[str, Reading]
    singles: Mapping[str, tuple[float, float]]
    regret: float
    n_test: int
    rung: str


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Measure every family on every split; ``quick``: few of them.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    seeds, sizes = (QUICK_SEEDS, QUICK_SIZES) if quick else (SEEDS, SIZES)
    # The longest first, so that the workers end together.
    jobs = [(name, size, seed) for size in sorted(sizes, reverse=True) for name in POOLS for seed in seeds]
    for name in POOLS:
        pool(name)  # says here, and not in a worker, that there is no data
    found: list[Split] = []
    for split in Parallel(n_jobs=WORKERS, return_as="generator")(delayed(measured)(*job) for job in jobs):
        found.append(split)
        report(f"{len(found)} of {len(jobs)} splits: {split.pool}, {split.size:,} labels, rung {split.rung!r}")
    return told(found, started=started, quick=quick)


def told(found: Sequence[Split], *, started: float, quick: bool) -> Proof:
    """The splits' figures, averaged and compared."""
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    baselines: dict[str, dict[str, Any]] = {}
    for name, size, splits in _groups(found):
        cell, bounds = _summed([split.readings[OURS] for split in splits])
        cell["every_rule"], _ = _summed([split.every[OURS] for split in splits])
        cell["regret"] = float(np.mean([split.regret for split in splits]))
        ahead = {
            peer: [split.readings[OURS].area - split.readings[peer].area for split in splits]
            for peer in (*PEERS, *OTHERS)
        }
        cell["ahead_by"] = {peer: float(np.mean(values)) for peer, values in ahead.items()}
        bounds["ahead_by"] = {peer: _interval(values) for peer, values in ahead.items()}
        cell["win_share"] = {peer: float(np.mean(np.array(values) > 0)) for peer, values in ahead.items()}
        bounds["win_share"] = {peer: _binomial(values) for peer, values in ahead.items()}
        cell["rungs"] = {rung: sum(split.rung == rung for split in splits) for rung in RUNGS}
        metrics.setdefault(name, {})[f"at_{size}"] = cell
        intervals.setdefault(name, {})[f"at_{size}"] = bounds
        for other in (*PEERS, *OTHERS, *PLAIN):
            row, _ = _summed([split.readings[other] for split in splits])
            if other in splits[0].every:
                row["every_rule"], _ = _summed([split.every[other] for split in splits])
            baselines.setdefault(other, {}).setdefault(name, {})[f"at_{size}"] = row
        for other in splits[0].singles:
            quality, cost = np.mean([split.singles[other] for split in splits], axis=0).tolist()
            told_of = {"quality": quality, "cost": cost}
            baselines.setdefault(other, {}).setdefault(name, {})[f"at_{size}"] = told_of
    for peer in PEERS:
        values = [split.readings[OURS].area - split.readings[peer].area for split in found]
        metrics.setdefault("win_share", {})[peer] = float(np.mean(np.array(values) > 0))
        intervals.setdefault("win_share", {})[peer] = _binomial(values)
    return proof(
        "zellinger-pool",
        protocol=PROTOCOL + QUICK * quick,
        n_train={f"at_{size}": size for size in sorted({split.size for split in found})},
        n_test=round(float(np.mean([split.n_test for split in found]))),
        seeds=sorted({split.seed for split in found}),
        metrics=metrics,
        intervals=intervals,
        baselines=baselines,
        targets={} if quick else _targets(),
        differs=DIFFERS,
        curves=_curves(found),
        axes=("cost, share of always asking the strongest tier", "quality"),
        started=started,
        quick=quick,
    )


def measured(name: str, size: int, seed: int) -> Split:
    """Fit the estimators of one split, tune every family, and follow it on the test rows."""
    with threadpool_limits(1):
        records, ladder = _pool(name)
        thirds = parts(records, seed=seed)
        apart(thirds)
        train, held, fitted = judged(thirds, ladder, n_train=size)
        return _split(name, size, seed, train, held, _raw(thirds, size), fitted)


def _split(
    name: str, size: int, seed: int, train: Table, held: Table, raw: tuple[Table, Table] | None, rung: str
) -> Split:
    tried = candidates(train, families=FAMILIES)
    families: dict[str, list[Candidate]] = {
        family: [item for item in tried if item.family in (family, "single")]
        for family in FAMILIES
        if family != "single"
    }
    readings: dict[str, Reading] = {}
    every: dict[str, Reading] = {}
    points: dict[int, Any] = {}
    for family, items in families.items():
        for item, point in zip(items, followed(held, [item.rule for item in items]), strict=True):
            points[id(item)] = point
        readings[family] = read([points[id(item)] for item in hull(items)], held)
        every[family] = read([points[id(item)] for item in items], held)
    readings["library"] = read([points[id(item)] for item in hull(tried)], held)
    singles = [item for item in tried if item.family == "single"]
    single_points = [points[id(item)] for item in singles]
    readings["hull"] = read(single_points, held)
    readings["random_mix"] = read([single_points[0], single_points[-1]], held)
    prices = lambdas(train)
    readings["routing"] = read([*routed(held, prices), *single_points], held)
    readings["oracle"] = read([*oracle(held, prices), *single_points], held)
    if raw is not None:
        bars = sorted({round(float(bar), 6) for bar in np.quantile(_answers(raw[0]), np.linspace(0.02, 0.98, 40))})
        tiers = held.tiers
        rules = [Thresholds(start=(0.0,) * tiers, accept=(bar,) * tiers) for bar in bars]
        bare = replace(raw[1], cost=held.cost)
        readings["raw_confidence"] = read([*followed(bare, rules), *single_points], held)
    strongest = single_points[-1]
    told_singles = {
        label: (100 * point.quality, 100 * point.cost / strongest.cost)
        for label, point in (
            ("always_cheap", single_points[0]),
            ("always_strong", strongest),
            ("best_single", single_points[int(np.argmax([item.quality for item in singles]))]),
        )
    }
    price = _even(train)
    mine = max(families[OURS], key=lambda item: item.quality - price / NANO * item.cost)
    return Split(
        pool=name,
        size=size,
        seed=seed,
        readings=readings,
        every=every,
        singles=told_singles,
        regret=regret(held, mine.rule, price),
        n_test=len(held),
        rung=rung,
    )


def apart(thirds: Parts) -> None:
    """Refuse prompts that are in two parts.

    Raises:
        InputError: there is one.
    """
    for one, other in ((thirds.train, thirds.test), (thirds.train, thirds.certify), (thirds.certify, thirds.test)):
        shared = {query.split_key for query in one.queries} & {query.split_key for query in other.queries}
        if shared:
            raise InputError(f"{len(shared)} prompts are both in training and in test rows, so nothing can be claimed")


@lru_cache(maxsize=2)
def _pool(name: str) -> tuple[Records, Ladder]:
    return pool(name)


def _raw(thirds: Parts, size: int) -> tuple[Table, Table]:
    """Tables of train and test rows whose chances are the answers' own probabilities, as they came."""
    return _unread(replace(thirds.train, queries=thirds.train.queries[:size])), _unread(thirds.test)


def _unread(records: Records) -> Table:
    found = np.array([[_told(one) for one in query.outcomes] for query in records.queries])
    masks = [0, *(sum(1 << rank for rank in run) for run in states(found.shape[1]))]
    return Table(
        quality=np.array([query.qualities for query in records.queries]),
        cost=np.zeros_like(found),
        chances=dict.fromkeys(masks, found),
        expected=dict.fromkeys(masks, np.zeros_like(found)),
        draw=np.zeros(len(found)),
        weight=np.ones(len(found)),
        keys=tuple(query.split_key for query in records.queries),
    )


def _told(outcome: Outcome | None) -> float:
    """An answer's probability by its own tokens, their geometric mean."""
    if outcome is None or outcome.completion.logprobs is None:
        return math.nan
    return float(np.exp(np.mean(outcome.completion.logprobs.values)))


def _answers(raw: Table) -> Any:
    return raw.chances[0].ravel()


def _even(train: Table) -> float:
    """Quality per dollar at which the cheapest and the strongest tier are worth the same in training."""
    quality = [train.mean(train.quality[:, rank]) for rank in (0, train.tiers - 1)]
    cost = [train.mean(train.cost[:, rank]) for rank in (0, train.tiers - 1)]
    return max(quality[1] - quality[0], 0.0) / max(cost[1] - cost[0], 1.0) * NANO


def _groups(found: Sequence[Split]) -> Iterator[tuple[str, int, list[Split]]]:
    for name in POOLS:
        for size in sorted({split.size for split in found}):
            yield name, size, [split for split in found if (split.pool, split.size) == (name, size)]


def _summed(readings: Sequence[Reading]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Means over the splits that have a figure, and intervals."""
    rows = [reading.as_dict() for reading in readings]
    means: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        there = values[~np.isnan(values)]
        means[name] = float(there.mean()) if len(there) else math.nan
        bounds[name] = _interval(there.tolist())
    means["reached"] = {name: float(np.mean([not math.isnan(row[name]) for row in rows])) for name in _COSTS}
    return means, bounds


def _interval(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    means = np.array(values)[rng.integers(0, len(values), (DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    return low, high


def _binomial(ahead: Sequence[float]) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson for the share of values above 0."""
    interval = binomtest(sum(value > 0 for value in ahead), len(ahead)).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def _targets() -> dict[str, Target]:
    largest = max(SIZES)
    targets: dict[str, Target] = {
        f"{name}.at_{largest}.{cost}": {"reach": reach, "better": "lower"}
        for name, reaches in _REACH.items()
        for cost, reach in zip(_COSTS, reaches, strict=True)
    }
    return targets | {f"win_share.{peer}": {"reach": 0.85, "better": "higher"} for peer in PEERS}


def _curves(found: Sequence[Split]) -> dict[str, list[list[float]]]:
    """Mean quality at each cost that all splits' hulls reach, at the most labels."""
    largest = max(split.size for split in found)
    curves = {}
    for name in POOLS:
        for family in (OURS, *PEERS, "hull", "oracle"):
            drawn = [s.readings[family].drawn for s in found if (s.pool, s.size) == (name, largest)]
            means = np.mean(drawn, axis=0)
            known = ~np.isnan(means)
            curves[f"{name}: {family}"] = np.column_stack([GRID[known], means[known]]).tolist()
    return curves
