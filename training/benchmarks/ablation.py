"""What each part adds: features, gain, cost and embeddings before an answer, rungs, signals and rules after it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from router.embed import Embedder
from router.embedders.naming import embedder_named
from router.errors import EmbedderError, InputError
from router.features import PromptFeatures
from router.tiers import Ladder
from training.benchmarks import ablation_answer, ablation_prompt, pair_sources
from training.benchmarks.ablation_answer import Split
from training.benchmarks.ablation_prompt import Task
from training.benchmarks.overlap import apart
from training.benchmarks.pairs import Pairs
from training.benchmarks.pairs import drawn as draw
from training.benchmarks.pools import POOLS, pool
from training.benchmarks.proof import Proof, proof
from training.benchmarks.result import Report
from training.benchmarks.routellm_mmlu import random, unseen
from training.embedding import Remembered
from training.records import Records

Item = TypeVar("Item")
Done = TypeVar("Done")

SEEN, UNSEEN = "before_an_answer", "unseen_subjects"
SEEDS = range(100, 103)
LABELS = 1404
POOL_SEEDS = range(100, 102)
POOL_LABELS = 3000
DRAWS = 100
EMBEDDER = "wordllama"
WORKERS = 2

QUICK_ROWS, QUICK_LABELS, QUICK_POOL_ROWS, QUICK_POOL_LABELS, QUICK_DRAWS = 1200, 300, 700, 250, 10

PROTOCOL = (
    "Two measurements, on seeds that no benchmark's claim uses. Before an answer: RouteLLM's MMLU (Mixtral 8x7B "
    "against GPT-4 Turbo), 1,404 labels drawn with 3 seeds, all other questions scored; and 6 groups of subjects held "
    "out, with 1,404 labels of the others. Each variant fits the classifier anew without a group of features, or ranks "
    "by something else, without_gain_heads by tiers that are each fitted alone, without_trees by the kernel heads "
    "alone; change is its APGR less that of the whole. After an answer: Zellinger-Thomson logs, pools of three tiers, "
    "3,000 labels, 2 splits by prompt; per rung, and without a source of signals, all families of rules are tuned on "
    "out-of-fold estimates and the vertices of the training hull followed on all other queries; per family of rules on "
    "the estimators of the rung 'answer'. The rung 'trees' is fitted on the first split only, where the other rungs "
    "stand beside it. area: under quality over cost, from the cheapest to the strongest tier's, x 100; cost95 to "
    "cost99: the cost of so much of the strongest tier's quality, in % of always asking it. Intervals, before an "
    "answer: 95 %, bootstrap over runs and questions together."
)
QUICK = " Quick: 1,200 questions, 300 labels, 1 seed, no unseen subjects; 700 queries of one pool, 250 labels, 1 split."

DIFFERS = (
    "Nothing was published to set beside these figures: they say what our own parts are worth.",
    "MMLU's costs are estimated at four characters a token of the prompt; the pools' costs are logged.",
)


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Fit and judge every variant; ``quick`` on fewer labels, seeds and pools.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    pairs = pair_sources.routellm("mmlu")
    if quick:
        pairs = pairs.take(draw(pairs, QUICK_ROWS, seed=0))
    report("reading prompts")
    embedder = _embedder()
    parts = _tasks(pairs, dict(zip(pairs.ids, ablation_prompt.read(pairs, embedder), strict=True)), quick=quick)
    for name, tasks in parts.items():
        found = _each(partial(ablation_prompt.scores, embedded=embedder is not None), tasks, report=report, what=name)
        judged = ablation_prompt.judged(tasks, found, draws=QUICK_DRAWS if quick else DRAWS)
        metrics[name], intervals[name] = judged.metrics, judged.intervals
    labels = QUICK_POOL_LABELS if quick else POOL_LABELS
    pools = {name: pool(name) for name in (POOLS[:1] if quick else POOLS)}
    if quick:
        pools = {name: (_some(records, QUICK_POOL_ROWS), ladder) for name, (records, ladder) in pools.items()}
    metrics |= _after(pools, labels, POOL_SEEDS[:1] if quick else POOL_SEEDS, report=report)
    first = parts[SEEN][0]
    return proof(
        "ablation",
        protocol=PROTOCOL + (QUICK if quick else ""),
        n_train={SEEN: len(first.train), "after_an_answer": labels},
        n_test=len(first.test),
        seeds=SEEDS[:1] if quick else SEEDS,
        metrics=metrics,
        intervals=intervals,
        differs=DIFFERS
        if embedder is not None
        else (*DIFFERS, f"{EMBEDDER} is not installed, so nothing is embedded."),
        started=started,
        quick=quick,
    )


def _embedder() -> Embedder | None:
    """The optional embedder, where it is installed."""
    try:
        return Remembered(embedder_named(EMBEDDER))
    except (EmbedderError, InputError):
        return None


def _tasks(pairs: Pairs, features: Mapping[str, PromptFeatures], *, quick: bool) -> dict[str, list[Task]]:
    """What is learned from and judged on; ``features`` by id."""
    jobs = {SEEN: random(pairs, QUICK_LABELS if quick else LABELS, seeds=SEEDS[:1] if quick else SEEDS)}
    if not quick:
        jobs[UNSEEN] = unseen(pairs, LABELS, seed=SEEDS[0])
    for job in (job for each in jobs.values() for job in each):
        apart(job.train, job.test)
    return {
        name: [
            Task(
                train=job.train,
                test=job.test,
                known=[features[id] for id in job.train.ids],
                asked=[features[id] for id in job.test.ids],
            )
            for job in each
        ]
        for name, each in jobs.items()
    }


def _some(records: Records, size: int) -> Records:
    chosen = np.random.default_rng(POOL_SEEDS[0]).permutation(len(records))[:size]
    return replace(records, queries=tuple(records.queries[place] for place in sorted(chosen)))


def _after(
    pools: Mapping[str, tuple[Records, Ladder]], labels: int, seeds: Sequence[int], *, report: Report
) -> dict[str, Any]:
    """Per pool the means over its splits; what only the first split was measured with stands by itself."""
    splits: list[Split] = []
    for seed in seeds:  # all first splits first: they take the longest
        rungs = ablation_answer.EVERY if seed == seeds[0] else ablation_answer.QUICK
        splits += [ablation_answer.drawn(*each, labels=labels, seed=seed, rungs=rungs) for each in pools.values()]
    done = _each(ablation_answer.measured, splits, report=report, what="after an answer")
    told: dict[str, Any] = {}
    for place, name in enumerate(pools):
        found = done[place :: len(pools)]
        common = [variant for variant in found[0] if all(variant in each for each in found)]
        told[f"after_an_answer_{name}"] = {variant: _means([each[variant] for each in found]) for variant in common}
        if len(common) < len(found[0]):
            fitted = [variant for variant in found[0] if variant.removeprefix("rung_") in ablation_answer.EVERY]
            told[f"first_split_{name}"] = {variant: found[0][variant] for variant in fitted}
    return told


def _each(work: Callable[[Item], Done], items: Sequence[Item], *, report: Report, what: str) -> list[Done]:
    """``work`` of each item, a few at the same time."""
    from joblib import Parallel, delayed

    report(f"{what}: {len(items)} to do")
    found: list[Done] = []
    workers = min(WORKERS, os.cpu_count() or 1, len(items))
    for done in Parallel(n_jobs=workers, return_as="generator")(delayed(work)(item) for item in items):
        found.append(done)
        report(f"{what}: {len(found)} of {len(items)} done")
    return found


def _means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over the splits that have the figure."""
    return {name: _mean([each[name] for each in found]) for name in found[0]}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
