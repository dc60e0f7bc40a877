"""An evaluation as metrics with names that group well in MLflow's page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PER_TIER = ("escalation_rate", "visit_share", "final_share", "cost_share")
_NOT_ALLOWED = re.compile(r"[^\w\-. :/]")
_INTERVAL = "_interval"
_INTERVALS_OF = {
    "gain_interval": "gain_over_best_single_interval",
    "cost_interval": "cost_per_1k_interval",
}
"""Intervals that an evaluation names otherwise than the figure they belong to."""


def metrics_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Every figure of an evaluation under one flat name; what is None, NaN or infinite is left out.

    Groups: ``policy/``, ``certificate/``, ``compare/`` (baselines), ``metrics/``, ``off_policy/``, and per tier
    ``tiers/``, ``scorer/``, ``classifier/``, ``calibration/``. An interval is two metrics, ``name_low`` and
    ``name_high``.
    """
    return {clean(name): value for name, value in _figures(evaluation) if math.isfinite(value)}


def clean(name: str) -> str:
    """A name with what MLflow forbids replaced, and no path of dots."""
    return _NOT_ALLOWED.sub("_", name.replace("//", "/")).strip("/ ") or "_"


def _figures(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    policy = dict(evaluation.get("policy") or {})
    for name in _PER_TIER:
        for tier, share in _numbers(policy.pop(name, None)):
            yield f"tiers/{tier}/{name}", share
    for short, name in _INTERVALS_OF.items():
        if short in policy:
            policy[name] = policy.pop(short)
    yield from _below("policy", policy)
    yield from _below("compare", evaluation.get("baselines"))
    for group in ("metrics", "scorer", "classifier", "off_policy"):
        yield from _below(group, evaluation.get(group))
    for tier, row in (evaluation.get("calibration") or {}).items():
        for when in ("before", "after"):
            yield from ((f"calibration/{tier}/{name}_{when}", number) for name, number in _numbers(row.get(when)))
    certificate = evaluation.get("certificate") or {}
    yield from ((f"certificate/{name}", number) for name, number in _numbers(certificate))
    if "certified" in certificate:
        yield "certificate/certified", float(bool(certificate["certified"]))


def _below(prefix: str, row: Any) -> Iterator[tuple[str, float]]:
    """Every number in a mapping of mappings, by its path; an interval as its two ends."""
    if not isinstance(row, Mapping):
        return
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _below(f"{prefix}/{name}", value)
        elif str(name).endswith(_INTERVAL) and value is not None:
            low, high = value
            ends = {f"{str(name).removesuffix(_INTERVAL)}_{side}": end for side, end in (("low", low), ("high", high))}
            yield from ((f"{prefix}/{end}", number) for end, number in _numbers(ends))
        else:
            yield from ((f"{prefix}/{name}", number) for _, number in _numbers({name: value}))


def _numbers(row: Any) -> Iterator[tuple[str, float]]:
    """The entries of a mapping that are numbers."""
    if isinstance(row, Mapping):
        for name, value in row.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield str(name), float(value)
