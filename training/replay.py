"""Replaying logged answers through the runtime's own cascade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from router.assess import Assessor, Evidence
from router.cascade import cascade
from router.decision import Decision
from router.drivers import replay
from router.features import Floats
from router.plan import Birth, Plan
from router.policy import Rule
from router.types import Completion, Request
from training.embedding import Remembered, embedded_before
from training.records import Query, Records


class Remembering:
    """An assessor that judges each prompt and each set of answers once, however many rules are replayed."""

    def __init__(self, assessor: Assessor) -> None:
        self._assessor = assessor
        self._begun: dict[int, Evidence] = {}
        self._observed: dict[tuple[int, tuple[int, ...]], Evidence] = {}

    def begin(self, request: Request, *, embedding: Floats | None = None) -> Evidence:
        """As the assessor does."""
        key = id(request)
        if key not in self._begun:
            self._begun[key] = self._assessor.begin(request, embedding=embedding)
        return self._begun[key]

    def observe(self, evidence: Evidence, rank: int, completion: Completion) -> Evidence:
        """As the assessor does; a request's answers do not change between replays."""
        key = (id(evidence.request), (*(answer.rank for answer in evidence.answers), rank))
        if key not in self._observed:
            self._observed[key] = self._assessor.observe(evidence, rank, completion)
        return self._observed[key]


@dataclass(frozen=True)
class Replayed:
    """What a rule did with a set of queries: per query its decision, the quality of the answer returned, the cost
    in nano-dollars, and the rank of the tier that gave the answer.
    """

    decisions: tuple[Decision, ...]
    quality: Floats
    cost: Floats
    rank: tuple[int, ...]


def replay_all(records: Records, plan: Plan) -> Replayed:
    """Route every query of ``records`` by ``plan``, from its logged answers.

    Quality is NaN where the answer that the plan returned has no label.

    Raises:
        EmbedderError: the plan reads embeddings, and some prompt has none.
    """
    plan = offline(embedded_before(plan, [query.request for query in records.queries]))
    decisions, quality, ranks = [], [], []
    for query in records.queries:
        response = replay(cascade(query.request, plan, Birth(query.id, 0.0)), answers_of(query, plan))
        tier = response.decision.tier
        assert tier is not None
        rank = plan.ladder.rank(tier, where="tier")
        decisions.append(response.decision)
        quality.append(query.qualities[rank])
        ranks.append(rank)
    cost = np.array([decision.cost for decision in decisions], float)
    return Replayed(tuple(decisions), np.array(quality), cost, tuple(ranks))


def offline(plan: Plan) -> Plan:
    """The policy alone: a log of answers knows no cache and no budget, and its prompts were answered as they stand."""
    return replace(plan, cache=None, shorten=None, output=None, gates=None)


def answers_of(query: Query, plan: Plan) -> dict[str, Completion]:
    """The logged answers by tier name."""
    return {
        tier.name: outcome.completion
        for tier, outcome in zip(plan.ladder.tiers, query.outcomes, strict=True)
        if outcome is not None
    }


def with_rule(plan: Plan, rule: Rule) -> Plan:
    """The same plan under another rule, for requests of every profile."""
    return replace(plan, rule=rule, profiles=None)


def remembering(plan: Plan) -> Plan:
    """The same plan, quick to replay many times."""
    embedder = None if plan.embedder is None else Remembered(plan.embedder)
    return replace(plan, assessor=Remembering(plan.assessor), embedder=embedder)


def costs_of(records: Records, plan: Plan) -> Floats:
    """What each query's logged call cost at each tier, in nano-dollars, (n, K), at the plan's prices."""
    return np.array(
        [
            [
                np.nan if outcome is None or outcome.completion.usage is None else tier.cost(outcome.completion.usage)
                for tier, outcome in zip(plan.ladder.tiers, query.outcomes, strict=True)
            ]
            for query in records.queries
        ],
        float,
    )


def qualities_of(queries: Sequence[Query]) -> Floats:
    """Quality per query and tier, (n, K)."""
    return np.array([query.qualities for query in queries])
