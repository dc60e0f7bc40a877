"""What each rung, each source of signals and each kind of rule adds once answers are read, in pools of three tiers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from router.assess import Trained
from router.errors import InputError
from router.plan import Plan
from router.tiers import Ladder
from router.types import Completion
from training.benchmarks.result import Report
from training.curves import Spot, cost_at
from training.estimators.threads import one_thread
from training.fit import fit
from training.hull import Mean, area, hull
from training.library import FAMILIES, Candidate, Family, candidates
from training.records import Query, Records
from training.rungs import RUNGS, affordable
from training.table import Table, table_of, walk

SHARES = (0.95, 0.98, 0.99)

WHOLE = "answer"
"""The rung that signals are taken from, and whose estimators the rules share; with too few labels, the highest."""

SLOW = "trees"
"""The rung that takes ten times as long as any other."""

EVERY = tuple(rung.name for rung in RUNGS)
QUICK = tuple(name for name in EVERY if name != SLOW)

SIGNALS: Mapping[str, Callable[[Completion], Completion]] = MappingProxyType(
    {
        "without_logprobs": lambda answer: replace(answer, logprobs=None, signals=None),
        "without_text": lambda answer: replace(answer, text="."),
    }
)

RULES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "common_threshold": ("thresholds",),
        "tier_thresholds": ("frugal",),
        "cost_aware": ("cost_aware",),
        "cascade_routing": ("cascade_routing",),
        "induction": ("induction",),
    }
)

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Queries to fit and to tune on, and queries that nothing saw; ``rungs`` are those that are fitted, in order, as
    far as the labels allow.
    """

    train: Records
    held: Records
    ladder: Ladder
    rungs: tuple[str, ...] = QUICK


def drawn(records: Records, ladder: Ladder, *, labels: int, seed: int, rungs: tuple[str, ...] = QUICK) -> Split:
    """So many queries drawn by prompt to learn from, and all others.

    Raises:
        InputError: an id stands on both sides.
    """
    keys = np.unique([query.split_key for query in records.queries])
    place = dict(zip(np.random.default_rng(seed).permutation(keys).tolist(), range(len(keys)), strict=True))
    ordered = sorted(records.queries, key=lambda query: place[query.split_key])
    last = place[ordered[labels - 1].split_key]
    train = [query for query in ordered if place[query.split_key] <= last]
    held = [query for query in ordered if place[query.split_key] > last]
    both = {query.id for query in train} & {query.id for query in held}
    if both:
        raise InputError(f"{len(both)} ids are to be learned from and judged, {min(both)!r} among them; leave them out")
    return Split(
        train=_as(records, train, "train"),
        held=_as(records, held, "test"),
        ladder=ladder,
        rungs=rungs,
    )


def measured(split: Split, *, report: Report = lambda _: None) -> dict[str, Figures]:
    """By variant what its policies' curve comes to on the held-out queries."""
    told: dict[str, Figures] = {}
    rungs = [rung.name for rung in affordable(len(split.train)) if rung.name in split.rungs]
    whole = WHOLE if WHOLE in rungs else rungs[-1]
    for rung in rungs:
        report(f"the rung {rung}")
        train, held = _tables(split, rung)
        with one_thread():
            tried = candidates(train)
        told[f"rung_{rung}"] = _curve(hull(tried), held)
        if rung == whole:
            for name, families in RULES.items():
                told[f"rule_{name}"] = _curve(_of(tried, families), held)
    for name, changed in SIGNALS.items():
        report(name)
        part = Split(train=_changed(split.train, changed), held=_changed(split.held, changed), ladder=split.ladder)
        train, held = _tables(part, whole)
        with one_thread():
            told[f"rung_{whole}_{name}"] = _curve(hull(candidates(train, families=FAMILIES)), held)
    return told


def _of(tried: Sequence[Candidate], families: Sequence[Family]) -> Sequence[Candidate]:
    """The vertices of these families, with single tiers among them as everywhere."""
    return hull([each for each in tried if each.family in (*families, "single")])


def _tables(split: Split, rung: str) -> tuple[Table, Table]:
    fitted = fit(split.train, split.ladder, rungs=(rung,))
    plan = Plan(ladder=split.ladder, assessor=Trained(split.ladder, fitted.bundle.estimators), rule=fitted.bundle.rule)
    return fitted.table, table_of(split.held, plan)


def _curve(vertices: Sequence[Candidate], held: Table) -> Figures:
    """The quality-cost area x 100, and the cost of shares of the strongest tier's quality in % of always asking it."""
    done = [walk(held, vertex.rule) for vertex in vertices]
    points = [Mean(float(each.quality.mean()), float(each.cost.mean())) for each in done]
    low, high = (float(held.cost[:, rank].mean()) for rank in (0, -1))
    strong = float(held.quality[:, -1].mean())
    spots = [Spot(point.cost, point.quality, math.nan) for point in points]
    told = {"area": 100 * area(points, low=low, high=high)}
    for share in SHARES:
        cost = cost_at(spots, share * strong)
        told[f"cost{round(100 * share)}"] = math.nan if cost is None else 100 * cost / high
    return told


def _changed(records: Records, changed: Callable[[Completion], Completion]) -> Records:
    queries = tuple(
        replace(
            query,
            outcomes=tuple(
                None if each is None else replace(each, completion=changed(each.completion)) for each in query.outcomes
            ),
        )
        for query in records.queries
    )
    return replace(records, queries=queries)


def _as(records: Records, queries: Sequence[Query], split: str) -> Records:
    return replace(records, queries=tuple(replace(query, split=split) for query in queries))
