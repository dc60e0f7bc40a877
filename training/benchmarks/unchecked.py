"""What open questions cost where nobody would ask a tier to check its own answer, since nothing reads the check."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats
from router.policy import Rule, State
from router.tiers import Ladder
from router.types import Usage
from training import public
from training.hull import Mean
from training.records import Records
from training.table import Table, Walked, walk

Logged = Mapping[tuple[str, str], Usage]
"""The tokens of an answer alone, as the source counts them, by query and model."""


def logged() -> Logged:
    """The tokens of every answer of the logs.

    Raises:
        InputError: the public data is not there.
    """
    columns = ("query_id", "model", "input_tokens", "output_tokens")
    return {
        (row["query_id"], row["model"]): Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"])
        for row in public.rows("zellinger_cascades", columns=columns)
    }


def bare_costs(records: Records, ladder: Ladder, tokens: Logged) -> Floats:
    """Nano-dollars (n, K) of each call of ``records`` without the check.

    Raises:
        InputError: the logs do not know one of the calls.
    """
    missing = [
        (query.id, tier.model)
        for query in records.queries
        for tier in ladder.tiers
        if (query.id, tier.model) not in tokens
    ]
    if missing:
        raise InputError(f"{len(missing)} calls have no tokens of their own in the logs, such as {missing[0]}")
    return np.array(
        [[tier.cost(tokens[query.id, tier.model]) for tier in ladder.tiers] for query in records.queries], float
    )


def followed_unchecked(table: Table, bare: Floats, rules: Sequence[Rule]) -> list[Mean]:
    """Mean quality and mean nano-dollars of each rule when calls that need no check cost ``bare`` (n, K).

    Those are the calls of which the rule itself says that their answer is returned whatever it is.
    """
    points = []
    for rule in rules:
        done = walk(table, rule)
        spent = np.where(unread(rule, done), bare, table.cost)
        points.append(Mean(table.mean(done.quality), table.mean((spent * done.visited).sum(axis=1))))
    return points


def unread(rule: Rule, done: Walked) -> NDArray[np.bool_]:
    """Whether a query's call at a tier, (n, K), is one whose check nothing reads; of calls that were made."""
    found = np.zeros_like(done.visited)
    tiers = done.visited.shape[1]
    nothing = (math.nan,) * tiers
    for asked in np.unique(done.visited, axis=0):
        *before, last = np.flatnonzero(asked).tolist()
        state = State(tuple(before), frozenset(range(tiers)) - set(before), nothing, nothing)
        if rule.final(state, last):
            found[(done.visited == asked).all(axis=1), last] = True
    return found
