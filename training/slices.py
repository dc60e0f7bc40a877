"""The same figures for parts of the traffic: an average can hide a slice that got worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.features import Floats
from training.bootstrap import Bootstrap
from training.rows import Rows

FEWEST = 50
"""Queries below which a slice says too little to be shown."""

MOST = 60
"""Slices that are shown, larger ones first: a tag with a value for every user makes no table."""


def slices(rows: Rows, quality: Floats, cost: Floats) -> list[dict[str, Any]]:
    """Per task, tag and third of prompt length, with at least 50 queries: the policy beside the strongest tier.

    ``quality`` and ``cost`` (n,) are the policy's. Larger slices first.
    """
    found = [_figures(name, mask, rows, quality, cost) for name, mask in _masks(rows) if mask.sum() >= FEWEST]
    return sorted(found, key=lambda row: -row["n"])[:MOST]


def _masks(rows: Rows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    tasks = np.array([query.task for query in rows.queries], str)
    for task in np.unique(tasks):
        if task:
            yield f"task={task}", tasks == task
    tags = [query.request.tags for query in rows.queries]
    for key in sorted({key for each in tags for key in each}):
        values = np.array([each.get(key, "") for each in tags], str)
        for value in np.unique(values):
            if value:
                yield f"{key}={value}", values == value
    lengths = np.array([len(query.request.text) for query in rows.queries])
    short, long = np.quantile(lengths, (1 / 3, 2 / 3))
    yield f"prompt up to {short:.0f} characters", lengths <= short
    yield f"prompt of {short:.0f} to {long:.0f} characters", (lengths > short) & (lengths <= long)
    yield f"prompt over {long:.0f} characters", lengths > long


def _figures(name: str, mask: NDArray[np.bool_], rows: Rows, quality: Floats, cost: Floats) -> dict[str, Any]:
    weight = rows.weight[mask]
    strong, dear = rows.quality[mask, -1], rows.cost[mask, -1]
    spent = float(np.average(dear, weights=weight))
    keys = [key for key, inside in zip(rows.keys, mask, strict=True) if inside]
    bootstrap = Bootstrap(keys, weight=weight)
    return {
        "slice": name,
        "n": int(mask.sum()),
        "quality": float(np.average(quality[mask], weights=weight)),
        "strong_quality": float(np.average(strong, weights=weight)),
        "cost_of_strong": float(np.average(cost[mask], weights=weight)) / spent if spent else None,
        "quality_interval": list(bootstrap.interval(quality[mask])),
        "gain_over_strong_interval": list(bootstrap.interval(quality[mask] - strong)),
    }
