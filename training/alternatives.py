"""What a policy is told beside: the published policies, each at its own best knob for the same goal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.policy import Rule
from router.pricing import NANO
from training.baselines import Aim
from training.policy_metrics import Candidate
from training.table import Table
from training.tune import Objective

FAMILIES = ("frugal", "cascade_routing")


def aim_of(goal: Objective) -> Aim:
    """What ``goal`` asks for in the terms of baselines: the budget in nano-dollars a request."""
    budget = None if goal.budget is None else goal.budget / 1000 * NANO
    return Aim(share=goal.target_quality, quality=goal.quality, budget=budget)


def alternatives(tried: Sequence[Candidate], aim: Aim, table: Table) -> dict[str, Rule]:
    """The best rule of each of :data:`FAMILIES` for ``aim`` on the training rows, where any was ``tried``."""
    found: dict[str, Rule] = {}
    strong = table.mean(table.quality[:, -1])
    for family in FAMILIES:
        mine = [candidate for candidate in tried if candidate.family == family]
        if mine:
            quality, cost = np.array([c.quality for c in mine]), np.array([c.cost for c in mine])
            found[family] = mine[aim.choose(quality, cost, strong)].rule
    return found
