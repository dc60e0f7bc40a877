"""Rows that every tier answered and every answer of which is labelled: what policies are judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats
from router.plan import Plan
from training.records import Query, Records, row_weight
from training.replay import costs_of, qualities_of


@dataclass(frozen=True)
class Rows:
    """n queries at K tiers: ``quality`` and ``cost`` (n, K; nano-dollars), split keys, and the ``weight`` (n,) of each,
    one over the probability with which it was observed and labelled.
    """

    records: Records
    quality: Floats
    cost: Floats
    keys: tuple[str, ...]
    weight: Floats

    @property
    def queries(self) -> tuple[Query, ...]:
        """The queries, in order."""
        return self.records.queries

    def __len__(self) -> int:
        return len(self.records)

    def mean(self, values: Floats) -> Floats:
        """The weighted mean over the queries."""
        found: Floats = np.average(values, axis=0, weights=self.weight)
        return found


def rows_of(records: Records, plan: Plan) -> Rows:
    """The rows of ``records`` that are labelled at every tier, at the prices of ``plan``.

    Raises:
        InputError: there are none, a call's token counts are missing, or the log does not say how probable it was that
            a row was observed.
    """
    records = records.labelled()
    if not records.queries:
        raise InputError("no row is labelled at every tier, so nothing can be judged; label some, or pass other rows")
    cost = costs_of(records, plan)
    weight = np.array(list(map(row_weight, records.queries)))
    for found, told in (
        (np.isnan(cost).any(axis=1), "has an answer without token counts, so its cost is not known"),
        (np.isnan(weight), "does not say with which probability its answers were observed"),
    ):
        if found.any():
            raise InputError(f"query {records.queries[int(found.argmax())].id!r} {told}; leave it out or complete it")
    return Rows(
        records=records,
        quality=qualities_of(records.queries),
        cost=cost,
        keys=tuple(query.split_key for query in records.queries),
        weight=weight,
    )
