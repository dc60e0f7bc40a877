"""How good the estimators are on rows that they were not fitted on: what they say against what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from router.assess import Estimators, Trained, scorer_row
from router.cascade import Plan
from router.estimators import sigmoid
from router.features import Floats
from training.answers import columns
from training.heads import ACCEPTABLE
from training.metrics import debiased_ece, ece, graded, reliability
from training.rows import Rows

TOP = 20
"""Inputs of the scorer that are named."""

_GAIN_BINS = 20


@dataclass(frozen=True)
class Judged:
    """Chances on n rows of K tiers: ``prompt`` from the prompt alone, ``answer`` of each tier's own answer when it
    alone has answered, ``raw`` the same before calibration (None when nothing was trained). ``good`` (n, K).
    """

    tiers: tuple[str, ...]
    prompt: Floats
    answer: Floats
    raw: Floats | None
    good: Floats


def judge(rows: Rows, plan: Plan, estimators: Estimators | None) -> Judged:
    """Ask the plan's assessor about every answer of ``rows``; ``estimators`` are what it judges with."""
    shape = rows.quality.shape
    prompt, answer, raw = np.empty(shape), np.empty(shape), np.full(shape, np.nan)
    for row, query in enumerate(rows.queries):
        begun = plan.assessor.begin(query.request)
        prompt[row] = begun.quality
        for rank, outcome in enumerate(query.outcomes):
            assert outcome is not None
            seen = plan.assessor.observe(begun, rank, outcome.completion)
            answer[row, rank] = seen.quality[rank]
            if estimators is not None and begun.logits is not None and begun.features is not None:
                model, _ = estimators.scorer[1 << rank]
                inputs = scorer_row(begun.logits, begun.features.hand, seen.answers[-1:])
                raw[row, rank] = sigmoid(model.logits(inputs))[rank]
    good = (rows.quality >= ACCEPTABLE).astype(float)
    return Judged(plan.ladder.names, prompt, answer, None if estimators is None else raw, good)


def estimators_of(plan: Plan) -> Estimators | None:
    """The plan's trained estimators, None when it has none."""
    return plan.assessor.estimators if isinstance(plan.assessor, Trained) else None


def by_tier(chances: Floats, good: Floats, tiers: tuple[str, ...]) -> dict[str, dict[str, float | None]]:
    """Every figure of a confidence, per tier; of the rows where there is one."""
    found = {}
    for rank, name in enumerate(tiers):
        known = ~np.isnan(chances[:, rank])
        found[name] = graded(chances[known, rank], good[known, rank])
    return found


def calibration(judged: Judged) -> dict[str, Any]:
    """Reliability of the confidence in each tier's answer, before and after it was calibrated."""
    if judged.raw is None:
        return {}
    return {
        name: {
            "before": _reliable(judged.raw[:, rank], judged, rank),
            "after": _reliable(judged.answer[:, rank], judged, rank),
        }
        for rank, name in enumerate(judged.tiers)
    }


def _reliable(chances: Floats, judged: Judged, rank: int) -> dict[str, Any]:
    good = judged.good[:, rank]
    return {
        "ece": ece(chances, good),
        "debiased_ece": debiased_ece(chances, good),
        "brier": float(np.mean((chances - good) ** 2)),
        "bins": reliability(chances, good),
    }


def gain(judged: Judged) -> dict[str, list[float] | list[int]] | None:
    """A histogram of the gain that the prompt alone promises of the strongest tier over the cheapest."""
    gains = judged.prompt[:, -1] - judged.prompt[:, 0]
    if judged.prompt.shape[1] < 2 or np.isnan(gains).any():
        return None
    counts, edges = np.histogram(gains, bins=_GAIN_BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def importance(estimators: Estimators | None, tiers: tuple[str, ...]) -> list[dict[str, Any]]:
    """The inputs that move the confidence in the cheapest tier's answer most: |weight| on the standardised input."""
    if estimators is None or 1 not in estimators.scorer:
        return []
    weights = np.abs(estimators.scorer[1][0].weights[:, 0])
    names = columns(tiers, (0,))
    order = np.argsort(-weights, kind="stable")[:TOP]
    return [{"name": names[place], "importance": float(weights[place])} for place in order if weights[place] > 0]
