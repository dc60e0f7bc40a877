"""Judging a policy on rows that nothing was fitted, certified or tuned on, against honest baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from router.decision import ANSWERED
from router.errors import InputError
from router.features import Floats
from router.plan import Plan
from router.policy import Rule
from training.accept_error import accept_errors
from training.bars import bars
from training.baselines import Aim, Baseline, learned, oracle, random_mix, ruled, single, zero_router
from training.bootstrap import DRAWS, Bootstrap, bounds
from training.certificate import Certificate
from training.hull import hull
from training.judged import by_tier, calibration, estimators_of, gain, importance, judge
from training.log_evidence import log_evidence
from training.policy_metrics import PER_1K, Candidate, curve_metrics, frontier, prompt_metrics
from training.records import Records, disjoint
from training.replay import Replayed, remembering, replay_all
from training.rows import Rows, rows_of
from training.slices import slices
from training.table import Table, table_of

Origin = Literal["trained here", "trained elsewhere"]
"""Whether a policy was trained on other splits of the data that it is judged on."""

HELD_OUT = "which shares no split key with the rows of fitting, tuning and certifying"
CERTIFYING = "which nothing was fitted or tuned on, but which the certificate used"
OTHER = "of other data than the policy was trained on: whether they share prompts was not checked"
SEEN = "NOT held out: training used these rows, so the figures are flattered"


@dataclass(frozen=True, kw_only=True)
class Training:
    """What training knows and an evaluation needs for its baselines.

    ``records``: the rows that were trained on (of records with several splits, the split *train*). ``table``: their
    table through out-of-fold estimates, a row for each that is labelled at every tier. ``aim``: what every baseline's
    operating point is chosen for. ``alternatives``: rules of other kinds by baseline name ("frugal",
    "cascade_routing"), tuned on the same rows for the same aim. ``candidates``: the whole policy library.
    """

    records: Records
    table: Table | None = None
    aim: Aim | None = None
    alternatives: Mapping[str, Rule] | None = None
    candidates: Sequence[Candidate] = ()


def evaluate(
    records: Records,
    plan: Plan,
    *,
    split: str,
    profile: str = "default",
    training: Training | None = None,
    certificate: Certificate | Mapping[str, Any] | None = None,
    origin: Origin = "trained here",
) -> dict[str, Any]:
    """The policy, its baselines and its estimators on ``records``, for JSON.

    The policy is replayed through the runtime's own cascade. Costs are USD per 1,000 requests and count every call,
    rejected answers included. Intervals are of one paired bootstrap over split keys. Baselines that learn or choose
    something, and the frontier, need ``training``. ``split`` says which rows these are, for the protocol, and
    ``origin`` whether the policy was trained on other splits of the same data. Where a
    policy's log lacks some labels, ``off_policy`` has what all of its rows say of this one, or why they cannot.

    Raises:
        InputError: an evaluated prompt was trained on, no row is labelled at every tier, or a cost is not known.
    """
    if training is not None:
        disjoint(_trained(training.records), records)
    rows, remembered = rows_of(records, plan), remembering(plan)
    done = replay_all(rows.records, remembered)
    table = table_of(rows.records, remembered)
    baselines = _baselines(rows, table, done, plan, training)
    found = frontier(table, rows, done, plan, () if training is None else training.candidates)
    estimators, names = estimators_of(plan), plan.ladder.names
    judged = judge(rows, remembered, estimators)
    return {
        "n": len(rows),
        "protocol": _protocol(split, rows, training, origin),
        "policy_version": plan.policy_version,
        "profile": profile,
        "tiers": list(names),
        "policy": {**_compared(rows, done, baselines), **_shares(rows, done, names)},
        "baselines": _told(rows, done, baselines),
        "metrics": curve_metrics(rows, done, plan.rule, found.curve) | prompt_metrics(rows, judged.prompt),
        "metrics_notes": {
            "aiq": "divided by the range of costs, as in RouterBench's paper; aiq_over_max: by the largest one",
            "curve": f"{len(found.curve)} points: rules on the training rows' hull, the single tiers, and the policy",
            "importance": (
                "mean change of the logit of the confidence in the cheapest tier's answer when an input is shuffled"
            ),
            "prompt": "prompt_*: cheapest or strongest tier by the gain that the prompt alone promises",
            "regret": "to the best tier of each request in hindsight, in quality; labels are noisy, so it is flattered",
        },
        "frontier": list(found.points),
        "hull": [[spot.cost, spot.quality] for spot in hull(found.curve)],
        "scorer": by_tier(judged.answer, judged),
        "classifier": by_tier(judged.prompt, judged),
        "calibration": calibration(judged),
        "accept_errors": [
            asdict(error) for error in accept_errors(done.quality, done.rank, tiers=names, keys=rows.keys)
        ],
        "slices": slices(rows, done.quality, done.cost),
        "gain": gain(judged),
        "importance": importance(judged, estimators),
        "thresholds": bars(done.decisions, plan.rule, names),
        "certificate": certificate.as_dict() if isinstance(certificate, Certificate) else _plain(certificate),
        **({} if (logged := log_evidence(records, remembered)) is None else {"off_policy": logged}),
    }


def _trained(records: Records) -> Records:
    """The rows of split *train*, or all of them when there is no such split among them."""
    return records.split("train") if any(query.split == "train" for query in records.queries) else records


def _plain(certificate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if certificate is None else dict(certificate)


def _protocol(split: str, rows: Rows, training: Training | None, origin: Origin) -> str:
    kind = {"test": HELD_OUT, "certify": CERTIFYING}.get(split, SEEN) if origin == "trained here" else OTHER
    parts = [
        f"split {split!r}, {kind}",
        "logged answers replayed through the runtime's cascade",
        "every call charged at the configured prices",
        f"95 % paired bootstrap intervals clustered by split key, {DRAWS:,} draws, seed 0",
    ]
    if training is not None:
        parts.append("baselines fitted and set to the same target on training rows")
    if not np.allclose(rows.weight, 1.0):
        parts.append("rows weighted by one over the probability with which they were observed")
    return "; ".join(parts)


def _baselines(rows: Rows, table: Table, done: Replayed, plan: Plan, training: Training | None) -> dict[str, Baseline]:
    spend = float(rows.mean(done.cost))
    found = single(rows, plan.ladder.names)
    if len(plan.ladder) > 1:
        found |= {"zero_router": zero_router(rows, spend), "random_mix": random_mix(rows, spend)}
    if training is not None:
        train = rows_of(_trained(training.records), plan)
        if training.table is not None and len(training.table) != len(train):
            raise InputError(
                f"the training table has {len(training.table)} rows and the training data {len(train)} that are "
                "labelled at every tier; pass the table that was fitted on this data"
            )
        seen = None if training.table is None else (training.table.chances[0], table.chances[0])
        # Without a target every baseline may spend what the policy does.
        aim = training.aim or Aim(budget=spend)
        found |= learned(rows, train, aim, seen=seen)
        found |= ruled(table, training.alternatives or {})
    return found | {"oracle": oracle(rows)}


def _compared(rows: Rows, done: Replayed, baselines: Mapping[str, Baseline]) -> dict[str, Any]:
    """The policy's means with intervals, beside the strongest and the best single tier."""
    best = baselines["best_single"].quality
    columns = np.column_stack([done.quality, done.cost, rows.quality[:, -1], rows.cost[:, -1], best])
    quality, cost, strong, dear, single_best = (float(value) for value in rows.mean(columns))
    drawn = Bootstrap(rows.keys, weight=rows.weight).means(columns)
    return {
        "quality": quality,
        "cost_per_1k": cost * PER_1K,
        "quality_interval": list(bounds(drawn[:, 0])),
        "cost_interval": [bound * PER_1K for bound in bounds(drawn[:, 1])],
        "gain_over_best_single": quality - single_best,
        "gain_interval": list(bounds(drawn[:, 0] - drawn[:, 4])),
        **_ratio("share_of_strong_quality", quality, strong, drawn[:, 0], drawn[:, 2]),
        **_ratio("cost_of_strong", cost, dear, drawn[:, 1], drawn[:, 3]),
    }


def _ratio(name: str, above: float, below: float, drawn: Floats, against: Floats) -> dict[str, Any]:
    if below <= 0 or against.min() <= 0:
        return {name: None if below <= 0 else above / below, f"{name}_interval": None}
    return {name: above / below, f"{name}_interval": list(bounds(drawn / against))}


def _told(rows: Rows, done: Replayed, baselines: Mapping[str, Baseline]) -> dict[str, Any]:
    """Each baseline, and how far the policy is above it, paired."""
    gains = np.column_stack([done.quality - found.quality for found in baselines.values()])
    drawn = Bootstrap(rows.keys, weight=rows.weight).means(gains)
    return {
        name: {
            "quality": float(rows.mean(found.quality)),
            "cost_per_1k": float(rows.mean(found.cost)) * PER_1K,
            "policy_gain_interval": list(bounds(drawn[:, place])),
            **found.facts,
        }
        for place, (name, found) in enumerate(baselines.items())
    }


def _shares(rows: Rows, done: Replayed, names: tuple[str, ...]) -> dict[str, Any]:
    """Where requests went: per tier how often it was asked, left, returned, and what it took of the money."""
    shape = rows.quality.shape
    visited, answered, left, spent = (np.zeros(shape) for _ in range(4))
    wasted, latency = np.zeros(len(rows)), np.zeros(len(rows))
    place_of = {name: rank for rank, name in enumerate(names)}
    for row, (query, decision) in enumerate(zip(rows.queries, done.decisions, strict=True)):
        for place, attempt in enumerate(decision.attempts):
            rank = place_of[attempt.tier]
            visited[row, rank] = attempt.verdict != "skipped"
            answered[row, rank] += attempt.verdict in ANSWERED
            left[row, rank] += decision.left(place)
            spent[row, rank] += attempt.cost
            wasted[row] += 0 if attempt.verdict == "accepted" else attempt.cost
            outcome = query.outcomes[rank]
            latency[row] += outcome.completion.latency if outcome is not None and attempt.verdict in ANSWERED else 0.0
    final = np.array(done.rank)[:, None] == np.arange(shape[1])
    total = float(rows.mean(spent).sum())

    def per_tier(values: Floats) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    asked = rows.mean(answered)
    return {
        "escalation_rate": per_tier(np.where(asked > 0, rows.mean(left) / np.where(asked > 0, asked, 1.0), 0.0)),
        "visit_share": per_tier(rows.mean(visited)),
        "final_share": per_tier(rows.mean(final.astype(float))),
        "cost_share": per_tier(rows.mean(spent) / total if total else np.zeros(shape[1])),
        "wasted_share": float(rows.mean(wasted)) / total if total else 0.0,
        "latency": dict(zip(("p50", "p95", "p99"), np.quantile(latency, (0.5, 0.95, 0.99)).tolist(), strict=True))
        if latency.any()
        else None,
    }
