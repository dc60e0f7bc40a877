"""Choosing the rule: from an objective to the rules worth certifying, safest first, and to the one to ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from router.errors import InputError
from router.features import Floats
from router.policy import (
    Always,
    CascadeRouting,
    CostAware,
    Induction,
    Mixture,
    Rule,
    Thresholds,
)
from router.pricing import NANO, usd
from training.guarantee import Certificate, Goal, Method, Trial, certify
from training.hull import hull
from training.library import FAMILIES, Candidate, Family, Progress, candidates
from training.table import Table, walk

STEPS = 24
"""Rules that are put to the test on the way from the safest to the cheapest."""

ROOM = 4.0
"""A request counts towards a certified budget with at most so many times what the dearest tier's call costs at most."""


_KINDS: dict[type, str] = {
    CostAware: "cost-aware thresholds",
    CascadeRouting: "cascade routing",
    Induction: "fitted backward induction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a policy is for.

    ``target_quality``: the cheapest policy with at least this share of the strongest tier's quality. ``quality``:
    the same with an absolute mean quality. ``budget``: the best policy of at most so many USD per 1,000 requests.
    With a target and a budget: the cheapest that meets the target, within the budget. ``delta`` is the probability
    with which the certificate may be wrong.
    """

    target_quality: float | None = None
    quality: float | None = None
    budget: float | None = None
    delta: float = 0.1
    method: Method = "betting"

    def __post_init__(self) -> None:
        if self.target_quality is None and self.quality is None and self.budget is None:
            raise InputError("there is no objective; name a target quality (0.95, say) or a budget")
        # Every other rule about these numbers is the goal's.
        Goal(**{**self._goal(), "cost_limit": 1.0})

    def _goal(self) -> dict[str, Any]:
        return {
            "share": self.target_quality,
            "quality": self.quality,
            "budget": self.budget,
            "delta": self.delta,
            "method": self.method,
        }

    def goal(self, table: Table) -> Goal:
        """What is certified; ``table`` holds training rows, from which the largest cost that counts is settled."""
        limit = None if self.budget is None else ROOM * usd(round(float(table.cost.max())))
        return Goal(**self._goal(), cost_limit=limit)

    def least_quality(self, table: Table) -> float | None:
        """The mean quality that the target asks for on ``table``; None when there is only a budget."""
        if self.target_quality is not None:
            return self.target_quality * table.mean(table.quality[:, -1])
        return self.quality

    def most_cost(self) -> float | None:
        """The mean cost in nano-dollars that the budget allows."""
        return None if self.budget is None else self.budget / 1000 * NANO

    def as_dict(self) -> dict[str, Any]:
        """The objective for a bundle's facts."""
        return {key: value for key, value in self._goal().items() if value is not None}

    def words(self) -> str:
        """The objective in a few words."""
        said = []
        if self.target_quality is not None:
            said.append(f"{self.target_quality:.1%} of the strongest tier's quality")
        if self.quality is not None:
            said.append(f"a quality of {self.quality:.3f}")
        if self.budget is not None:
            said.append(f"at most {self.budget:g} USD per 1,000 requests")
        return " and ".join(said)


@dataclass(frozen=True)
class Tuned:
    """``candidates`` are all that was tried, ``vertices`` their hull, and ``path`` what is to be certified, in order.

    ``met``: whether anything on the training rows meets the objective. ``naive`` is what would be shipped without a
    certificate: the last of the path, or always-strong.
    """

    objective: Objective
    candidates: tuple[Candidate, ...]
    vertices: tuple[Candidate, ...]
    path: tuple[Candidate, ...]
    met: bool

    @property
    def naive(self) -> Candidate:
        """The rule that just meets the objective on the training rows."""
        return self.path[-1]


@dataclass(frozen=True)
class Shipped:
    """The rule that is shipped, its family, and the certificate; always-strong when nothing was certified."""

    rule: Rule
    family: Family
    certificate: Certificate


def tune(
    table: Table,
    objective: Objective,
    *,
    families: Sequence[Family] = FAMILIES,
    tried: Sequence[Candidate] | None = None,
    progress: Progress = lambda *_: None,
) -> Tuned:
    """Try the policy library on the training rows of ``table`` and lay out the rules to certify.

    ``tried`` spares the search when its candidates are already known, for another objective on the same rows.
    """
    found = tuple(tried if tried is not None else candidates(table, families=families, progress=progress))
    strong = Candidate(
        Always(table.tiers - 1), "single", table.mean(table.quality[:, -1]), table.mean(table.cost[:, -1])
    )
    vertices = tuple(hull([*found, strong]))
    if _budget_only(objective):
        steps = _by_budget(vertices, objective)
        return Tuned(objective, found, vertices, steps or (vertices[0],), met=bool(steps))
    steps = _by_quality(vertices, objective, strong, table)
    if objective.budget is not None and steps:
        return Tuned(objective, found, vertices, _roomy(steps, objective, table), met=True)
    return Tuned(objective, found, vertices, (_safest(objective, strong, vertices), *steps), met=bool(steps))


def ship(tuned: Tuned, table: Table, *, train: Table, seed: int = 0) -> Shipped:
    """Certify the path on the held-out rows of ``table`` and take the last rule that passes.

    ``train`` holds the training rows. When nothing passes the strongest tier is always asked, or for a budget alone
    the cheapest.
    """
    goal = tuned.objective.goal(train)
    strongest = Always(table.tiers - 1)
    trials = []
    for candidate in tuned.path:
        done = walk(table, candidate.rule)
        strong = candidate.rule == strongest
        trials.append(Trial(label=told(candidate.rule), quality=done.quality, cost=done.cost, strongest=strong))
    most = float(train.weight.max(initial=1.0))  # a bound that no certification row has a say in
    certificate = certify(
        trials,
        strong=table.quality[:, -1],
        keys=table.keys,
        goal=goal,
        seed=seed,
        weight=np.minimum(table.weight, most),
        w_max=most,
    )
    if (over := int((table.weight > most * (1 + 1e-9)).sum())) and certificate.certified:
        told_of = f"No prompt counts as more than {most:.4g} requests, the most in training; {over:,} would have."
        certificate = replace(certificate, statement=f"{certificate.statement} {told_of}")
    if certificate.certified:
        assert certificate.chosen is not None
        chosen = tuned.path[certificate.chosen]
        return Shipped(chosen.rule, chosen.family, certificate)
    rank = 0 if _budget_only(tuned.objective) else table.tiers - 1
    which = "cheapest" if rank == 0 else "strongest"
    why = f"nothing was certified for {tuned.objective.words()}, so the {which} tier is asked"
    return Shipped(Always(rank, why), "single", certificate)


def told(rule: Rule) -> str:
    """A short name for a rule: its kind and its knob."""
    if isinstance(rule, Always):
        return "always the strongest tier" if rule.rank is None else f"always tier {rule.rank}"
    if isinstance(rule, Thresholds):
        return f"thresholds: start at {_list(rule.start)}, accept at {_list(rule.accept)}"
    if isinstance(rule, CostAware | CascadeRouting | Induction):
        return f"{_KINDS[type(rule)]} at {_figure(rule.quality_per_dollar)} quality per dollar"
    assert isinstance(rule, Mixture)
    return f"{rule.share:.0%} of prompts by {told(rule.first)}, the others by {told(rule.second)}"


def _figure(value: float) -> str:
    """Four digits that say something, and no powers of ten for people to read."""
    return f"{float(f'{value:.4g}'):,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _list(values: Sequence[float]) -> str:
    return "/".join(f"{value:.2f}" for value in values)


def _budget_only(objective: Objective) -> bool:
    return objective.target_quality is None and objective.quality is None


def _safest(objective: Objective, strong: Candidate, vertices: Sequence[Candidate]) -> Candidate:
    """Where the walk begins: always-strong, or for a target that it cannot have the best there is."""
    beyond = objective.target_quality is not None and objective.target_quality > 1
    return vertices[-1] if beyond else strong


def _by_quality(
    vertices: Sequence[Candidate], objective: Objective, strong: Candidate, table: Table
) -> tuple[Candidate, ...]:
    """Points of the hull from the best that is worth having down to the target, ever cheaper."""
    least, most = objective.least_quality(table), objective.most_cost()
    assert least is not None
    beyond = objective.target_quality is not None and objective.target_quality > 1
    ceiling = vertices[-1].cost if beyond else strong.cost
    ceiling = min(ceiling, most) if most is not None else ceiling
    low = _at_quality(vertices, least)
    if low is None or low > ceiling:
        return ()
    return _along(vertices, ceiling, low)


def _roomy(steps: Sequence[Candidate], objective: Objective, table: Table) -> tuple[Candidate, ...]:
    """The steps from the one with the most room both above the target and below the budget down to the cheapest.

    Always-strong is over most budgets and the first step spends all of it, so a walk from there would end at once.
    """
    least, most = objective.least_quality(table), objective.most_cost()
    assert least is not None
    assert most is not None
    share = objective.target_quality or 0.0
    room = []
    for step in steps:
        done = walk(table, step.rule)
        errors = (_spread(table, done.quality - share * table.quality[:, -1]), _spread(table, done.cost))
        room.append(min((step.quality - least) / errors[0], (most - step.cost) / errors[1]))
    return tuple(steps[int(np.argmax(room)) :])


def _spread(table: Table, values: Floats) -> float:
    return max(float(np.sqrt(table.mean((values - table.mean(values)) ** 2))), 1e-12)


def _by_budget(vertices: Sequence[Candidate], objective: Objective) -> tuple[Candidate, ...]:
    """Points of the hull from the cheapest up to the budget, ever better."""
    most = objective.most_cost()
    assert most is not None
    if most < vertices[0].cost:
        return ()
    return tuple(reversed(_along(vertices, min(most, vertices[-1].cost), vertices[0].cost)))


def _at_quality(vertices: Sequence[Candidate], quality: float) -> float | None:
    """The least cost at which a mixture of ``vertices`` has ``quality``; None when none has."""
    if vertices[0].quality >= quality:
        return vertices[0].cost
    for left, right in pairwise(vertices):
        if right.quality >= quality:
            share = (quality - left.quality) / (right.quality - left.quality)
            return left.cost + share * (right.cost - left.cost)
    return None


def _along(vertices: Sequence[Candidate], high: float, low: float) -> tuple[Candidate, ...]:
    """Rules on the hull from cost ``high`` down to ``low``, vertices and mixtures between, evenly in cost."""
    high = min(high, vertices[-1].cost)
    costs = {high - (high - low) * step / (STEPS - 1) for step in range(STEPS)} if high > low else {low}
    costs |= {vertex.cost for vertex in vertices if low < vertex.cost < high}
    return tuple(_at_cost(vertices, cost) for cost in sorted(costs, reverse=True))


def _at_cost(vertices: Sequence[Candidate], cost: float) -> Candidate:
    """The rule that costs ``cost`` on the hull: a vertex, or the two neighbours mixed by each prompt's draw."""
    for left, right in pairwise(vertices):
        if left.cost < cost < right.cost:
            share = (right.cost - cost) / (right.cost - left.cost)
            rule = Mixture(first=left.rule, second=right.rule, share=share)
            quality = share * left.quality + (1 - share) * right.quality
            return Candidate(rule, "mixture", quality, cost)
    return min(vertices, key=lambda vertex: abs(vertex.cost - cost))
