"""What rules are tuned on: everything that a rule can see of many queries, as arrays, and what it would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from router.assess import Evidence
from router.features import Floats
from router.opening import drawn
from router.plan import Plan
from router.policy import Mixture, Rule, Run, State
from training.embedding import begin
from training.records import Records, row_weight
from training.replay import costs_of, qualities_of
from training.steps import Stepper, stepper

DEEPEST = 3
"""Tiers in one cascade that states are told apart for; a longer one is seen by its last answer, as at run time."""

Numbers = list[tuple[float, ...]]


@dataclass(frozen=True)
class Table:
    """Queries as a rule sees them, n of them at K tiers.

    ``quality`` (n, K): labels in [0, 1]. ``cost`` (n, K): what each tier's call cost, in nano-dollars.
    ``chances``: per bit mask of the tiers that have answered, 0 for the prompt alone, the calibrated probabilities
    (n, K) that each tier's answer is acceptable. ``expected``: with the same keys, the nano-dollars (n, K) that
    each call is expected to cost. ``draw`` (n,): each prompt's number for mixtures. ``weight`` (n,): how many
    requests a row stands for, one over the probability that it is in the data, labels included; 1 for full
    information. ``keys``: split keys, which cluster rows.
    """

    quality: Floats
    cost: Floats
    chances: Mapping[int, Floats]
    expected: Mapping[int, Floats]
    draw: Floats
    weight: Floats
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.quality)

    @property
    def tiers(self) -> int:
        """The number of tiers."""
        return int(self.quality.shape[1])

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Table:
        """The table of some rows, in the order given; a row may come more than once."""
        chosen = np.asarray(rows, dtype=np.int64)
        return Table(
            quality=self.quality[chosen],
            cost=self.cost[chosen],
            chances={mask: found[chosen] for mask, found in self.chances.items()},
            expected={mask: found[chosen] for mask, found in self.expected.items()},
            draw=self.draw[chosen],
            weight=self.weight[chosen],
            keys=tuple(self.keys[row] for row in chosen),
        )

    @cached_property
    def seen(self) -> Mapping[int, tuple[Numbers, Numbers]]:
        """Chances and expected costs per mask as tuples, which is how a rule takes them."""
        return {
            mask: (list(map(tuple, found.tolist())), list(map(tuple, self.expected[mask].tolist())))
            for mask, found in self.chances.items()
        }

    @cached_property
    def whole(self) -> bool:
        """Whether there is no NaN in what a rule sees."""
        return not any(np.isnan(found).any() for each in (self.chances, self.expected) for found in each.values())

    def mean(self, values: Floats) -> float:
        """The weighted mean over the queries."""
        return float(np.average(values, weights=self.weight))


@dataclass(frozen=True)
class Walked:
    """What a rule did: per query the quality of the answer that it returned, the nano-dollars that it spent, the
    rank that answered, and which tiers were asked (n, K).
    """

    quality: Floats
    cost: Floats
    rank: NDArray[np.int64]
    visited: NDArray[np.bool_]


def walk(table: Table, rule: Rule) -> Walked:
    """Follow ``rule`` through every query of ``table``.

    It is the runtime's own rule that decides; only the calls are looked up. Held equal to a replay through the
    runtime's cascade by a test. Rules that are known to :mod:`training.steps` are followed for all queries at once,
    which a test holds equal too.
    """
    if isinstance(rule, Mixture):
        first, second = walk(table, rule.first), walk(table, rule.second)
        taken = table.draw < rule.share
        return Walked(
            quality=np.where(taken, first.quality, second.quality),
            cost=np.where(taken, first.cost, second.cost),
            rank=np.where(taken, first.rank, second.rank),
            visited=np.where(taken[:, None], first.visited, second.visited),
        )
    together = stepper(rule)
    if together is not None and table.whole:
        return _walk_together(table, rule, together)
    return walk_singly(table, rule)


def _walk_together(table: Table, rule: Rule, together: Stepper) -> Walked:
    """Every state's queries at once. A cascade only goes up, so a state's followers come after it."""
    ranks = np.empty(len(table), np.int64)
    visited = np.zeros((len(table), table.tiers), bool)
    waiting: dict[int, list[NDArray[np.int64]]] = {0: [np.arange(len(table))]}
    for mask in range(1 << table.tiers):
        if mask not in waiting:
            continue
        rows = np.concatenate(waiting.pop(mask))
        run = tuple(rank for rank in range(table.tiers) if mask >> rank & 1)
        judged = seen_as(run, table.chances) if run else 0
        steps = together(rule, run, table.chances[judged][rows], table.expected[judged][rows])
        stopped = steps < 0
        ranks[rows[stopped]] = -1 - steps[stopped]
        for rank in np.unique(steps[~stopped]).tolist():
            going = rows[steps == rank]
            visited[going, rank] = True
            waiting.setdefault(mask | 1 << rank, []).append(going)
    return _walked(table, ranks, visited)


def walk_singly(table: Table, rule: Rule) -> Walked:
    """:func:`walk` one query after the other, by the rule's own ``next``."""
    seen, everything = table.seen, frozenset(range(table.tiers))
    ranks = np.empty(len(table), np.int64)
    visited = np.zeros((len(table), table.tiers), bool)
    draws = table.draw.tolist()
    begin_quality, begin_cost = seen[0]
    for row in range(len(table)):
        state = State((), everything, begin_quality[row], begin_cost[row], draws[row])
        step = rule.next(state)
        while isinstance(step, Run):
            run = (*state.run, step.rank)
            visited[row, step.rank] = True
            quality, cost = seen[seen_as(run, seen)]
            state = State(run, state.allowed - {step.rank}, quality[row], cost[row], draws[row])
            step = rule.next(state)
        ranks[row] = step.rank
    return _walked(table, ranks, visited)


def _walked(table: Table, ranks: NDArray[np.int64], visited: NDArray[np.bool_]) -> Walked:
    rows = np.arange(len(table))
    return Walked(
        quality=table.quality[rows, ranks], cost=(table.cost * visited).sum(axis=1), rank=ranks, visited=visited
    )


def seen_as(run: Sequence[int], masks: Mapping[int, object]) -> int:
    """The mask by which the answers of ``run`` are judged: theirs, or where that is not told apart the last one's."""
    mask = sum(1 << rank for rank in run)
    return mask if mask in masks else 1 << run[-1]


def states(tiers: int) -> list[tuple[int, ...]]:
    """Every set of tiers that is told apart when its answers are judged, smaller ones first."""
    return [run for size in range(1, min(tiers, DEEPEST) + 1) for run in combinations(range(tiers), size)]


def table_of(records: Records, plan: Plan) -> Table:
    """The table of held-out ``records``, judged by ``plan``'s estimators.

    NaN where a tier was not asked: its cost, its label, and whatever its answer would have told.
    """
    queries, tiers = records.queries, len(plan.ladder)
    runs = [(), *states(tiers)]
    chances = {sum(1 << rank for rank in run): np.full((len(queries), tiers), np.nan) for run in runs}
    expected = {mask: np.full((len(queries), tiers), np.nan) for mask in chances}
    for row, query in enumerate(queries):
        begun = begin(plan, query.request)
        judged: dict[tuple[int, ...], Evidence] = {(): begun}
        for run in runs[1:]:
            outcome = query.outcomes[run[-1]]
            if outcome is not None and run[:-1] in judged:
                judged[run] = plan.assessor.observe(judged[run[:-1]], run[-1], outcome.completion)
        for run, evidence in judged.items():
            mask = sum(1 << rank for rank in run)
            chances[mask][row] = evidence.quality
            expected[mask][row] = evidence.cost
    return Table(
        quality=qualities_of(queries),
        cost=costs_of(records, plan),
        chances=chances,
        expected=expected,
        draw=np.array([drawn(query.request.prompt_hash) for query in queries]),
        weight=np.array(list(map(row_weight, queries))),
        keys=tuple(query.split_key for query in queries),
    )
