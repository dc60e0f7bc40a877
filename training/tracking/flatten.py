"""An evaluation as metrics with names that group well in MLflow's page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PER_TIER = ("escalation_rate", "visit_share", "final_share", "cost_share")
_NOT_ALLOWED = re.compile(r"[^\w\-. :/]")
_INTERVAL = "_interval"


def metrics_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Every figure of an evaluation under one flat name; what is None, NaN or infinite is left out.

    Groups: ``policy/``, ``certificate/``, ``compare/`` (baselines), ``metrics/``, and per tier ``tiers/``,
    ``scorer/``, ``classifier/``, ``calibration/``. An interval is two metrics, ``name_low`` and ``name_high``.
    """
    return {clean(name): value for name, value in _figures(evaluation) if math.isfinite(value)}


def clean(name: str) -> str:
    """A name with what MLflow forbids replaced, and no path of dots."""
    return _NOT_ALLOWED.sub("_", name.replace("//", "/")).strip("/ ") or "_"


def _figures(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    policy = evaluation.get("policy") or {}
    for name, value in policy.items():
        if name in _PER_TIER:
            yield from ((f"tiers/{tier}/{name}", share) for tier, share in _numbers(value))
        elif name.endswith(_INTERVAL) and value is not None:
            stem = name.removesuffix(_INTERVAL)
            stem = f"{stem}_over_best_single" if stem == "gain" else stem
            yield from ((f"policy/{stem}_{side}", bound) for side, bound in _bounds(value))
        else:
            yield from ((f"policy/{name}", number) for _, number in _numbers({name: value}))
    for baseline, row in (evaluation.get("baselines") or {}).items():
        yield from ((f"compare/{baseline}/{name}", number) for name, number in _numbers(row))
    for name, value in (evaluation.get("metrics") or {}).items():
        if isinstance(value, Mapping):
            yield from ((f"metrics/{name}/{key}", number) for key, number in _numbers(value))
        else:
            yield from ((f"metrics/{name}", number) for _, number in _numbers({name: value}))
    for group in ("scorer", "classifier"):
        for tier, row in (evaluation.get(group) or {}).items():
            yield from ((f"{group}/{tier}/{name}", number) for name, number in _numbers(row))
    for tier, row in (evaluation.get("calibration") or {}).items():
        for when in ("before", "after"):
            yield from ((f"calibration/{tier}/{name}_{when}", number) for name, number in _numbers(row.get(when)))
    certificate = evaluation.get("certificate") or {}
    yield from ((f"certificate/{name}", number) for name, number in _numbers(certificate))
    if "certified" in certificate:
        yield "certificate/certified", float(bool(certificate["certified"]))


def _numbers(row: Any) -> Iterator[tuple[str, float]]:
    """The entries of a mapping that are numbers."""
    if isinstance(row, Mapping):
        for name, value in row.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield str(name), float(value)


def _bounds(value: Any) -> Iterator[tuple[str, float]]:
    low, high = value
    yield from _numbers({"low": low, "high": high})
