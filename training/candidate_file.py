"""Candidates as JSON, between the stages of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.policy import rule_from
from router.pricing import usd
from training.library import Candidate


def written(candidate: Candidate) -> dict[str, Any]:
    """The candidate for JSON; :func:`read_back` reads it."""
    rule = candidate.rule.as_dict()
    return {"family": candidate.family, "rule": rule, "quality": candidate.quality, "cost": candidate.cost}


def read_back(found: Mapping[str, Any]) -> Candidate:
    """The candidate that :func:`written` wrote."""
    return Candidate(rule_from(found["rule"]), found["family"], found["quality"], found["cost"])


def point(found: Mapping[str, Any]) -> dict[str, float]:
    """A written candidate's quality, and its cost in USD per 1,000 requests."""
    return {"quality": found["quality"], "cost_per_1k": usd(round(found["cost"] * 1000))}
