"""What rows that lack some tier's label add to an evaluation: the log of one policy as evidence on another."""

from __future__ import annotations

from typing import Any

import numpy as np

from router.errors import InputError
from router.plan import Plan
from training.bandit import bandit_log
from training.off_policy import evaluate_off_policy
from training.records import Query, Records


def log_evidence(records: Records, plan: Plan) -> dict[str, Any] | None:
    """What all rows of a log say of the plan's rule, for JSON; None where every row is full information.

    ``supported`` is whether the log can say anything; where it cannot, ``statement`` says why, and what to log.
    """
    if not any(map(_partial, records.queries)):
        return None
    try:
        return {"supported": True, **evaluate_off_policy(bandit_log(records, plan), plan.rule).as_dict()}
    except InputError as refusal:
        return {"supported": False, "statement": str(refusal)}


def _partial(query: Query) -> bool:
    """Whether it was left to a policy what was asked, and some tier has no label."""
    return query.inclusion != () and bool(np.isnan(query.qualities).any())
