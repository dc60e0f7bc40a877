"""The three-tier pools that policies are compared on: the same estimators for all, fitted and held-out tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from router.assess import Trained
from router.plan import Plan
from router.tiers import Ladder
from training.fit import fit
from training.public import zellinger
from training.records import Query, Records
from training.table import Table, table_of

POOLS = ("llama3", "gpt4o")

RUNGS = ("confidence", "prompt", "answer", "forest")
"""The rungs tried; boosted trees take five times as long."""


@dataclass(frozen=True)
class Halves:
    """``train``: the table of out-of-fold estimates that rules are tuned on. ``held``: the rows that nothing saw."""

    train: Table
    held: Table
    rung: str


def halves(records: Records, ladder: Ladder, *, n_train: int, seed: int) -> Halves:
    """Fit the estimators on ``n_train`` queries drawn by ``seed``, split by prompt, and judge all others by them."""
    keys = np.unique([query.split_key for query in records.queries])
    order = {key: place for place, key in enumerate(np.random.default_rng(seed).permutation(keys).tolist())}
    ranked = sorted(records.queries, key=lambda query: order[query.split_key])
    last = ranked[n_train - 1].split_key
    train = [query for query in ranked if order[query.split_key] <= order[last]]
    held = ranked[len(train) :]
    fitted = fit(_split(records, train, "train"), ladder, rungs=RUNGS)
    plan = Plan(ladder=ladder, assessor=Trained(ladder, fitted.bundle.estimators), rule=fitted.bundle.rule)
    return Halves(fitted.table, table_of(_split(records, held, "test"), plan), fitted.rung.name)


@dataclass(frozen=True)
class Parts:
    """60/20/20 of the prompts, ``train`` in the order in which they are drawn."""

    train: Records
    certify: Records
    test: Records


def parts(records: Records, *, seed: int) -> Parts:
    """Split by prompt, those of one split key together."""
    keys = np.unique([query.split_key for query in records.queries])
    order = {key: place for place, key in enumerate(np.random.default_rng(seed).permutation(keys).tolist())}
    ranked = sorted(records.queries, key=lambda query: order[query.split_key])
    ends = [round(share * len(keys)) for share in (0.6, 0.8)]
    places = [int(np.searchsorted(ends, order[query.split_key], side="right")) for query in ranked]
    names = ("train", "certify", "test")
    found = [
        _split(records, [query for query, place in zip(ranked, places, strict=True) if place == which], name)
        for which, name in enumerate(names)
    ]
    return Parts(*found)


def judged(thirds: Parts, ladder: Ladder, *, n_train: int) -> tuple[Table, Table, str]:
    """Fit the estimators on the first ``n_train`` queries; the out-of-fold table, the test rows' table, the rung."""
    learned = replace(thirds.train, queries=thirds.train.queries[:n_train])
    fitted = fit(learned, ladder, rungs=RUNGS)
    plan = Plan(ladder=ladder, assessor=Trained(ladder, fitted.bundle.estimators), rule=fitted.bundle.rule)
    return fitted.table, table_of(thirds.test, plan), fitted.rung.name


def pool(name: str) -> tuple[Records, Ladder]:
    """One of :data:`POOLS`, every query labelled at every tier."""
    records, ladder = zellinger(name)  # type: ignore[arg-type] # one of POOLS
    return records.labelled(), ladder


def _split(records: Records, queries: Sequence[Query], name: str) -> Records:
    return replace(records, queries=tuple(replace(query, split=name) for query in queries))
