"""How good the estimators are on rows that they were not fitted on: what they say against what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from router.assess import Estimators, Trained, scorer_row
from router.estimators import sigmoid
from router.features import Floats
from router.plan import Plan
from training.answers import columns
from training.embedding import begin
from training.heads import ACCEPTABLE
from training.metrics import brier, debiased_ece, ece, graded, reliability
from training.rows import Rows

TOP = 20
"""Inputs of the scorer that are named."""

_GAIN_BINS = 20

_READ = 200  # rows on which inputs are shuffled: each costs as many judgements


@dataclass(frozen=True)
class Judged:
    """Chances on n rows of K tiers: ``prompt`` from the prompt alone, ``answer`` of each tier's own answer when it
    alone has answered, ``raw`` the same before calibration (None when nothing was trained). ``good`` (n, K).
    ``inputs`` (at most 200, D): what the scorer read of the cheapest tier's answers. ``weight`` (n,): the rows'.
    """

    tiers: tuple[str, ...]
    prompt: Floats
    answer: Floats
    raw: Floats | None
    good: Floats
    inputs: Floats | None
    weight: Floats


def judge(rows: Rows, plan: Plan, estimators: Estimators | None) -> Judged:
    """Ask the plan's assessor about every answer of ``rows``; ``estimators`` are what it judges with."""
    shape = rows.quality.shape
    prompt, answer, raw = np.empty(shape), np.empty(shape), np.full(shape, np.nan)
    read: list[Floats] = []
    for row, query in enumerate(rows.queries):
        begun = begin(plan, query.request)
        prompt[row] = begun.quality
        for rank, outcome in enumerate(query.outcomes):
            assert outcome is not None
            seen = plan.assessor.observe(begun, rank, outcome.completion)
            answer[row, rank] = seen.quality[rank]
            if estimators is not None and begun.logits is not None and begun.features is not None:
                model, _ = estimators.scorer[1 << rank]
                inputs = scorer_row(begun.logits, begun.features.hand, seen.answers[-1:])
                raw[row, rank] = sigmoid(model.logits(inputs))[rank]
                if rank == 0 and row < _READ:
                    read.append(inputs)
    good = (rows.quality >= ACCEPTABLE).astype(float)
    trained = estimators is not None
    return Judged(
        tiers=plan.ladder.names,
        prompt=prompt,
        answer=answer,
        raw=raw if trained else None,
        good=good,
        inputs=np.array(read) if read else None,
        weight=rows.weight,
    )


def estimators_of(plan: Plan) -> Estimators | None:
    """The plan's trained estimators, None when it has none."""
    return plan.assessor.estimators if isinstance(plan.assessor, Trained) else None


def by_tier(chances: Floats, judged: Judged) -> dict[str, dict[str, float | None]]:
    """Every figure of a confidence, ``chances`` (n, K), per tier; of the rows where there is one."""
    found = {}
    for rank, name in enumerate(judged.tiers):
        known = ~np.isnan(chances[:, rank])
        found[name] = graded(chances[known, rank], judged.good[known, rank], weight=judged.weight[known])
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
    good, weight = judged.good[:, rank], judged.weight
    return {
        "ece": ece(chances, good, weight=weight),
        "debiased_ece": debiased_ece(chances, good, weight=weight),
        "brier": brier(chances, good, weight=weight),
        "bins": reliability(chances, good, weight=weight),
    }


def gain(judged: Judged) -> dict[str, list[float] | list[int]] | None:
    """A histogram of the gain that the prompt alone promises of the strongest tier over the cheapest."""
    gains = judged.prompt[:, -1] - judged.prompt[:, 0]
    if judged.prompt.shape[1] < 2 or np.isnan(gains).any():
        return None
    counts, edges = np.histogram(gains, bins=_GAIN_BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def importance(judged: Judged, estimators: Estimators | None) -> list[dict[str, Any]]:
    """The inputs that move the confidence in the cheapest tier's answer most.

    By how much its logit changes on average when the input is shuffled between rows: for a linear model that is its
    standardised weight but for a constant, and it holds for any other. Inputs that say the same share their part.
    """
    if estimators is None or judged.inputs is None:
        return []
    model, _ = estimators.scorer[1]
    inputs = judged.inputs

    def logits(rows: Floats) -> Floats:
        return np.array([model.logits(row)[0] for row in rows])

    plain, random = logits(inputs), np.random.default_rng(0)
    found: list[tuple[float, str]] = []
    for place, name in enumerate(columns(judged.tiers, (0,))):
        column = inputs[:, place]
        if np.isnan(column).all() or (column == column[0]).all():
            continue
        shuffled = inputs.copy()
        shuffled[:, place] = random.permutation(column)
        found.append((float(np.abs(logits(shuffled) - plain).mean()), name))
    found.sort(key=lambda pair: -pair[0])
    return [{"name": name, "importance": value} for value, name in found[:TOP] if value > 0]
