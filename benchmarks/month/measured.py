"""The whole measurement: the simulated month under every lever, then the sample; one value for JSON."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.month import models, sample, traffic
from benchmarks.month.asks import Ask
from benchmarks.month.levers import ALL, BASELINE, DAILY_LIMIT, LEVERS, TIERS, TODAY, config_of, toml
from benchmarks.month.run import Month, Row, lived, row
from benchmarks.month.training_month import MAX_WRONG, TARGET, prepared
from router.config import Config
from router.shorten.estimate import tokens_in

SEED = 7
FULL, QUICK = 20_000, 1_500
LABELS, QUICK_LABELS = 5_000, 1_200
SAMPLE_QUICK = 100


def measured(
    *,
    requests: int,
    labels: int,
    prompts: int | None,
    seed: int = SEED,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Everything that docs/spend.md prints.

    ``requests`` of the simulated month, ``labels`` of the month before it, and ``prompts`` of the sample (None: all).
    """
    with tempfile.TemporaryDirectory() as made, threadpool_limits(1):
        folder = Path(made)
        report(f"SIMULATED: labelling and fitting on {labels:,} requests of the month before")
        before = prepared(labels, seed=seed + 1, folder=folder, report=report)
        asks = traffic.month(requests, seed=seed)
        rows: list[Row] = []
        base: Month | None = None
        for lever in LEVERS:
            month = lived(lever, asks, before.bundle, folder, report=report)
            base = base or month
            rows.append(row(month, base, asks))
        config = config_of(BASELINE, folder)
        return {
            "simulated": {
                "label": "SIMULATED traffic and answers",
                "seed": seed,
                "requests": len(asks),
                "training": {
                    "seed": seed + 1,
                    "labels": before.labels,
                    "target": TARGET,
                    "certificate": before.certificate["statement"],
                    "certified": before.certificate["certified"],
                },
                "cache_fit": before.cache_fit | {"max_wrong": MAX_WRONG},
                "assumed": _assumed(config),
                "traffic": _traffic(asks),
                "rows": [each.as_dict() for each in rows],
                "parts": _parts(rows),
                "configuration": toml(LEVERS[-1]),
            },
            "sample": sample.lines(folder, count=prompts, report=report),
        }


def _parts(rows: Sequence[Row]) -> dict[str, float]:
    """The savings of the parts, added up, beside that of all together."""
    return {
        "sum": sum(each.saved for each in rows if each.part),
        "together": next(each.saved for each in rows if each.name == ALL),
    }


def _assumed(config: Config) -> dict[str, Any]:
    """What the simulation takes for granted."""
    return {
        "skills": models.SKILLS,
        "shared": models.SHARED,
        "hedges": {"right": models.HEDGES[True], "wrong": models.HEDGES[False]},
        "concise_length": models.CONCISE_LENGTH,
        "concise_skill": models.CONCISE_SKILL,
        "concise": models.CONCISE,
        "kept_seconds": models.KEPT,
        "noise": traffic.NOISE,
        "users": traffic.USERS,
        "documents": traffic.DOCUMENTS,
        "zipf": traffic.ZIPF,
        "changes": traffic.CHANGES,
        "runaway_share": traffic.RUNAWAY_SHARE,
        "runaway_pause": traffic.RUNAWAY_PAUSE,
        "daily_limit": DAILY_LIMIT,
        "prices_of": TODAY.isoformat(),
        "tiers": {
            tier.name: {
                "model": model,
                "input": tier.price.rates.input / 1e6,
                "output": tier.price.rates.output / 1e6,
            }
            for tier, (_, model) in zip(config.tiers.tiers, TIERS, strict=True)
        },
    }


def _traffic(asks: Sequence[Ask]) -> dict[str, dict[str, float]]:
    """Per feature: requests, mean tokens of prompt and answer, and how many prompts are there only once."""
    found: dict[str, list[Ask]] = {}
    for ask in asks:
        found.setdefault("runaway script" if ask.runaway else ask.feature, []).append(ask)
    return {
        name: {
            "requests": len(each),
            "prompt_tokens": statistics.fmean(tokens_in(ask.request.messages) for ask in each),
            "answer_tokens": statistics.fmean(ask.length for ask in each),
            "repeated": 1 - len({ask.request.prompt_hash for ask in each}) / len(each),
        }
        for name, each in sorted(found.items())
    }
