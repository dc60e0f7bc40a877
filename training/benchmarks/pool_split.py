"""One split of a pool: every family tuned on its training rows, and what the families come to on its test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from threadpoolctl import threadpool_limits

from router.errors import InputError
from router.features import Floats
from router.pricing import NANO
from router.signals import NAMES, answer_signals
from router.tiers import Ladder
from router.types import Completion
from training.benchmarks.curve_reading import Reading, followed, oracle, read, regret, routed
from training.benchmarks.pool_scores import plain_points
from training.benchmarks.pools import Parts, judged, parts, pool
from training.benchmarks.unchecked import Logged, bare_costs, followed_unchecked, logged
from training.hull import Mean, hull
from training.library import FAMILIES, Candidate, candidates, lambdas
from training.records import Query, Records
from training.table import Table

OURS = "induction"
PEERS = ("frugal", "cascade_routing")


@dataclass(frozen=True, kw_only=True)
class Split:
    """What one split found.

    ``readings``: by the name of a family or of a plain router. ``every``: by family, all of its rules followed.
    ``unchecked``: ours, the peers' and the single tiers', where checks that nothing reads are not paid for.
    ``singles``: quality in %, and cost in % of the strongest tier's. ``regret``: ours, at the even price of training.
    ``rung``: the one that served.
    """

    pool: str
    size: int
    seed: int
    readings: Mapping[str, Reading]
    every: Mapping[str, Reading]
    unchecked: Mapping[str, Reading]
    singles: Mapping[str, tuple[float, float]]
    regret: float
    n_test: int
    rung: str


def measured(name: str, size: int, seed: int) -> Split:
    """Fit the estimators of one split, tune every family, and follow it on the test rows.

    Raises:
        InputError: the public data is not there, or a prompt is in two parts.
    """
    with threadpool_limits(1):
        records, ladder, tokens = _pool(name)
        thirds = parts(records, seed=seed)
        apart(thirds)
        train, held, rung = judged(thirds, ladder, n_train=size)
        learned = replace(thirds.train, queries=thirds.train.queries[:size])
        beside = plain_points(learned, thirds.test, held)
        found = compared(train, held, beside=beside, bare=bare_costs(thirds.test, ladder, tokens))
        return replace(found, pool=name, size=size, seed=seed, rung=rung)


def compared(train: Table, held: Table, *, beside: Mapping[str, Sequence[Mean]], bare: Floats) -> Split:
    """Tune every family on ``train``, and read it on ``held``; the names of the split are left empty.

    ``beside``: what plain routers come to on ``held``. ``bare`` (n, K): the nano-dollars of each call there without
    the check.
    """
    tried = candidates(train, families=FAMILIES)
    families: dict[str, list[Candidate]] = {
        family: [item for item in tried if item.family in (family, "single")]
        for family in FAMILIES
        if family != "single"
    }
    points = dict(zip(map(id, tried), followed(held, [item.rule for item in tried]), strict=True))
    chosen = {**{family: hull(items) for family, items in families.items()}, "library": hull(tried)}
    readings = {family: read([points[id(item)] for item in items], held) for family, items in chosen.items()}
    every = {family: read([points[id(item)] for item in items], held) for family, items in families.items()}
    singles = [item for item in tried if item.family == "single"]
    ends = [points[id(item)] for item in singles]
    prices = lambdas(train)
    readings["hull"] = read(ends, held)
    readings["random_mix"] = read([ends[0], ends[-1]], held)
    readings["routing"] = read([*routed(held, prices), *ends], held)
    readings["oracle"] = read([*oracle(held, prices), *ends], held)
    readings |= {name: read([*found, *ends], held) for name, found in beside.items()}
    alone = [item.rule for item in singles]
    spared = {
        name: read(followed_unchecked(held, bare, [*alone, *rules]), replace(held, cost=bare))
        for name, rules in (
            *((family, [item.rule for item in chosen[family]]) for family in (OURS, *PEERS)),
            ("hull", []),
        )
    }
    price = _even(train)
    mine = max(families[OURS], key=lambda item: item.quality - price / NANO * item.cost)
    named = (ends[0], ends[-1], ends[int(np.argmax([item.quality for item in singles]))])
    return Split(
        pool="",
        size=len(train),
        seed=0,
        readings=readings,
        every=every,
        unchecked=spared,
        singles={
            label: (100 * point.quality, 100 * point.cost / ends[-1].cost)
            for label, point in zip(("always_cheap", "always_strong", "best_single"), named, strict=True)
        },
        regret=regret(held, mine.rule, price),
        n_test=len(held),
        rung="",
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
def _pool(name: str) -> tuple[Records, Ladder, Logged]:
    records, ladder = pool(name)
    return already_read(records), ladder, logged()


def already_read(records: Records) -> Records:
    """``records`` with every answer's signals beside it: each is read once here, and not again in every split."""
    return replace(records, queries=tuple(map(_read, records.queries)))


def _read(query: Query) -> Query:
    def read_off(completion: Completion) -> Completion:
        signals = answer_signals(query.request, completion).tolist()
        return replace(completion, signals=dict(zip(NAMES, signals, strict=True)))

    outcomes = tuple(
        None if one is None else replace(one, completion=read_off(one.completion)) for one in query.outcomes
    )
    return replace(query, outcomes=outcomes)


def _even(train: Table) -> float:
    """Quality per dollar at which the cheapest and the strongest tier are worth the same in training."""
    quality = [train.mean(train.quality[:, rank]) for rank in (0, train.tiers - 1)]
    cost = [train.mean(train.cost[:, rank]) for rank in (0, train.tiers - 1)]
    return max(quality[1] - quality[0], 0.0) / max(cost[1] - cost[0], 1.0) * NANO
