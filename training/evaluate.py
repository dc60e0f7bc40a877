"""Judging a policy on rows that nothing was fitted, calibrated or tuned on, against honest baselines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from router.cascade import Plan
from router.decision import ANSWERED
from router.features import Floats
from router.pricing import NANO
from training.metrics import auroc, brier, ece, interval
from training.prompt_fit import ACCEPTABLE
from training.records import Records
from training.replay import Replayed, costs_of, qualities_of, replay_all

HELD_OUT = "which shares no split key with the rows of fitting, calibration and tuning"
SEEN = "NOT held out: training used these rows, so the figures are flattered"


def evaluate(records: Records, plan: Plan, *, split: str) -> dict[str, Any]:
    """The policy, its baselines and its scorer on ``records``, for JSON.

    Costs are USD per 1,000 requests and count every call, rejected answers included. ``random_mix`` mixes
    always-cheap and always-strong to the policy's cost, ``best_single`` is the single tier of highest quality on
    these very rows, ``oracle`` the cheapest tier whose answer is acceptable, or the cheapest of all.
    """
    records = records.labelled()
    done = replay_all(records, plan)
    quality, cost = qualities_of(records.queries), costs_of(records, plan)
    keys = [query.split_key for query in records.queries]
    names = plan.ladder.names
    best = int(np.argmax(quality.mean(axis=0)))
    strong = len(names) - 1
    return {
        "policy": {
            **_point(done.quality, done.cost),
            "quality_interval": interval(done.quality, keys),
            "gain_over_best_single": float((done.quality - quality[:, best]).mean()),
            "gain_interval": interval(done.quality - quality[:, best], keys),
            "cost_interval": [bound / NANO * 1000 for bound in interval(done.cost, keys)],
            "escalation_rate": _escalations(done, names),
            "visit_share": _visits(done, names),
            "final_share": {name: float(np.mean(np.array(done.rank) == rank)) for rank, name in enumerate(names)},
            "cost_share": _cost_shares(done, names),
            "wasted_share": _wasted(done),
        },
        "baselines": {
            "always_cheap": _point(quality[:, 0], cost[:, 0]),
            "always_strong": _point(quality[:, strong], cost[:, strong]),
            "best_single": {"tier": names[best], **_point(quality[:, best], cost[:, best])},
            "random_mix": _mix(quality, cost, float(done.cost.mean())),
            "oracle": _oracle(quality, cost),
        },
        "scorer": {name: _scorer(records, plan, rank) for rank, name in enumerate(names)},
        "classifier": {name: _classifier(records, plan, rank) for rank, name in enumerate(names)},
        "n": len(records),
        "protocol": (
            f"split {split!r}, {HELD_OUT if split == 'test' else SEEN}; logged answers replayed through the runtime's "
            "cascade; every call charged at the configured prices; 95 % bootstrap intervals clustered by split key, "
            "1,000 draws, seed 0"
        ),
        "policy_version": plan.policy_version,
    }


def _point(quality: Floats, cost: Floats) -> dict[str, float]:
    return {"quality": float(quality.mean()), "cost_per_1k": float(cost.mean()) / NANO * 1000}


def _mix(quality: Floats, cost: Floats, spend: float) -> dict[str, float]:
    """Cheapest and strongest tier mixed at random, at the policy's cost where that lies between theirs."""
    low, high = cost[:, 0].mean(), cost[:, -1].mean()
    share = float(np.clip((spend - low) / (high - low), 0, 1)) if high > low else 0.0
    return {
        **_point((1 - share) * quality[:, 0] + share * quality[:, -1], (1 - share) * cost[:, 0] + share * cost[:, -1]),
        "strong_share": share,
    }


def _oracle(quality: Floats, cost: Floats) -> dict[str, float]:
    """Knows the labels: asks the cheapest tier whose answer is acceptable, else the cheapest."""
    acceptable = quality >= ACCEPTABLE
    chosen = np.where(acceptable.any(axis=1), acceptable.argmax(axis=1), 0)
    rows = np.arange(len(quality))
    return _point(quality[rows, chosen], cost[rows, chosen])


def _escalations(done: Replayed, names: tuple[str, ...]) -> dict[str, float]:
    """Per tier: of the times it answered, the share after which a stronger tier was called."""
    left, visited = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for decision in done.decisions:
        for place, attempt in enumerate(decision.attempts):
            visited[attempt.tier] += attempt.verdict in ANSWERED
            left[attempt.tier] += decision.left(place)
    return {name: left[name] / visited[name] if visited[name] else 0.0 for name in names}


def _visits(done: Replayed, names: tuple[str, ...]) -> dict[str, float]:
    """Per tier: the share of requests in which it was called."""
    calls = [{attempt.tier for attempt in decision.attempts} for decision in done.decisions]
    return {name: float(np.mean([name in tiers for tiers in calls])) for name in names}


def _cost_shares(done: Replayed, names: tuple[str, ...]) -> dict[str, float]:
    """Per tier: its share of all that was spent."""
    spent = dict.fromkeys(names, 0)
    for decision in done.decisions:
        for attempt in decision.attempts:
            spent[attempt.tier] += attempt.cost
    total = sum(spent.values())
    return {name: spent[name] / total if total else 0.0 for name in names}


def _wasted(done: Replayed) -> float:
    """The share of the spending that went into answers which were not returned."""
    wasted = sum(a.cost for decision in done.decisions for a in decision.attempts if a.verdict != "accepted")
    total = float(done.cost.sum())
    return wasted / total if total else 0.0


def _scorer(records: Records, plan: Plan, rank: int) -> dict[str, float | None]:
    """How good the confidence in one tier's answer is, over all queries, when it alone has answered."""
    confidence, good = [], []
    for query in records.queries:
        outcome = query.outcomes[rank]
        assert outcome is not None
        seen = plan.assessor.observe(plan.assessor.begin(query.request), rank, outcome.completion)
        confidence.append(seen.quality[rank])
        good.append(outcome.quality >= ACCEPTABLE)
    return _graded(np.array(confidence), np.array(good, float))


def _classifier(records: Records, plan: Plan, rank: int) -> dict[str, float | None]:
    """How good the chance that a tier suffices is, from the prompt alone."""
    chances = np.array([plan.assessor.begin(query.request).quality[rank] for query in records.queries])
    good = np.array([query.qualities[rank] >= ACCEPTABLE for query in records.queries], float)
    return _graded(chances, good)


def _graded(confidence: Floats, good: Floats) -> dict[str, float | None]:
    ranked = auroc(confidence, good)
    return {
        "auroc": None if math.isnan(ranked) else ranked,
        "ece": ece(confidence, good),
        "brier": brier(confidence, good),
    }
