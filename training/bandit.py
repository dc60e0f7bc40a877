"""Bandit logs: requests of which only the tiers that were asked have an outcome, and how another rule fares in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats
from router.policy import Rule, Run, State
from training.records import Query, Records, label_weight
from training.table import Table, seen_as, table_of

if TYPE_CHECKING:
    from router.plan import Plan

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

NONE = -1
"""Stands where a walk has no further tier, or returned nothing that is known."""


@dataclass(frozen=True)
class BanditLog:
    """What a log shows of n requests and K tiers.

    ``table`` has NaN wherever an outcome, or a chance that hangs on one, was not observed. ``seen`` (n, K) says
    which outcomes were, label included. ``inclusion`` (n, K) is the probability with which the logging policy,
    audits included, would have observed each given the request and the answers before it; NaN where the log does
    not say. ``dropped`` counts the requests left out because an answer that was given has no label or no price.
    ``counts`` (n,) is how many requests each one's labels stand for; None where every one stands for itself.
    """

    table: Table
    seen: Bools
    inclusion: Floats
    tiers: tuple[str, ...]
    dropped: int = 0
    counts: Floats | None = None

    @property
    def share(self) -> Floats:
        """What each request counts in a mean, (n,): 1 on average."""
        if self.counts is None:
            return np.ones(len(self.seen))
        found: Floats = self.counts / self.counts.mean()
        return found

    def __post_init__(self) -> None:
        shape = self.seen.shape
        if not shape[0]:
            raise InputError("the log has no request of which every answer is labelled; label the answers first")
        given = self.inclusion[~np.isnan(self.inclusion)]
        wrong = given[(given < 0) | (given > 1)]
        if wrong.size:
            raise InputError(f"a propensity of {wrong[0]:g} is no probability; it lies above 0 and is at most 1")
        contradicted = self.seen & (self.inclusion == 0)
        if contradicted.any():
            row, rank = np.argwhere(contradicted)[0].tolist()
            raise InputError(
                f"request {self.table.keys[row]!r} has an answer of tier {self.tiers[rank]!r} that was logged with "
                "propensity 0, so what could not happen did: log the probability with which the tier was asked"
            )


def bandit_log(records: Records, plan: Plan) -> BanditLog:
    """What ``records`` show to an evaluation, judged by the plan's own assessor.

    A request of which some given answer has no label, or no token counts to price it by, is left out and counted.

    Raises:
        InputError: no request is left, or a propensity is none.
    """
    kept = tuple(query for query in records.queries if _judged(query))
    if not kept:
        raise InputError("the log has no request of which every answer is labelled; label the answers first")
    tiers = len(records.tiers)
    return BanditLog(
        table=table_of(replace(records, queries=kept), plan),
        seen=np.array([[outcome is not None for outcome in query.outcomes] for query in kept], bool),
        inclusion=np.array([_inclusion(query, tiers) for query in kept], float),
        tiers=records.tiers,
        dropped=len(records.queries) - len(kept),
        counts=np.array(list(map(label_weight, kept))),
    )


def _judged(query: Query) -> bool:
    """Whether the request has answers, each of them labelled and priced."""
    given = [outcome for outcome in query.outcomes if outcome is not None]
    return bool(given) and all(
        outcome.completion.usage is not None and not np.isnan(outcome.quality) for outcome in given
    )


def _inclusion(query: Query, tiers: int) -> tuple[float, ...]:
    if query.inclusion is None:
        return (np.nan,) * tiers
    return query.inclusion or (1.0,) * tiers


@dataclass(frozen=True)
class Trails:
    """How the walks of a rule run through a log of n requests and K tiers.

    ``asked`` (n, K): the tier of each step, NONE past the end; the last is one that the log lacks where the walk
    runs out of it. ``steps`` (n,): how many were asked. ``seen`` (n,): how many of them the log shows.
    ``returned`` (n,): the tier whose answer is returned, NONE where the log runs out. ``chances`` and ``expected``
    (n, K, K): the state before each step, NaN where there is none. ``inclusion`` (n, K): the probability of having
    observed all of the walk up to each step, NaN where the log does not say.
    """

    asked: Ints
    steps: Ints
    seen: Ints
    returned: Ints
    chances: Floats
    expected: Floats
    inclusion: Floats

    @property
    def whole(self) -> Bools:
        """Which walks the log shows to the end, (n,)."""
        whole: Bools = self.seen == self.steps
        return whole


def follow(log: BanditLog, rule: Rule) -> Trails:
    """Walk every request of ``log`` by the rule's own ``next``, as far as the log shows the answers.

    The probability of a whole walk is the least of its tiers' inclusion probabilities: the tiers of a cascade, and
    the audits after it, are observed one on top of the other, so that each event contains the next.
    """
    n, tiers = log.seen.shape
    everything, states, draws = frozenset(range(tiers)), log.table.seen, log.table.draw.tolist()
    shown = log.seen.tolist()
    seen, returned = np.zeros(n, int), np.full(n, NONE)
    at: dict[int, tuple[list[int], list[int], list[int]]] = {mask: ([], [], []) for mask in states}
    for row in range(n):
        run: tuple[int, ...] = ()
        while True:
            mask = seen_as(run, states) if run else 0
            quality, cost = states[mask]
            step = rule.next(State(run, everything.difference(run), quality[row], cost[row], draws[row]))
            if not isinstance(step, Run):
                returned[row] = step.rank
                break
            rows, places, ranks = at[mask]
            rows.append(row)
            places.append(len(run))
            ranks.append(step.rank)
            if not shown[row][step.rank]:
                break
            run = (*run, step.rank)
        seen[row] = len(run)
    asked = np.full((n, tiers), NONE)
    chances, expected = np.full((n, tiers, tiers), np.nan), np.full((n, tiers, tiers), np.nan)
    for mask, (rows, places, ranks) in at.items():
        asked[rows, places] = ranks
        chances[rows, places] = log.table.chances[mask][rows]
        expected[rows, places] = log.table.expected[mask][rows]
    steps = (asked != NONE).sum(axis=1)
    along = np.take_along_axis(log.inclusion, np.maximum(asked, 0), axis=1)
    inclusion = np.where(asked == NONE, np.nan, np.minimum.accumulate(along, axis=1))
    return Trails(asked, steps, seen, returned, chances, expected, inclusion)
