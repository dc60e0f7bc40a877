"""A SIMULATED evaluation of three tiers: what training/evaluate.py returns, made of random numbers. For tests only."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.report import ReportContext

TIERS = ("haiku", "sonnet", "opus")
TASKS = ("arithmetic", "extraction", "summary", "sql", "translation", "law", "chat", "code review", "planning")
COST = np.array([0.55, 1.9, 8.4])
N = 1040
FEATURES = (
    *("log words", "digit share", "code fence", "operator share", "question marks", "type-token ratio"),
    *("max word length", "upper share", "commas", "sentences", "n constraints", "maths cue", "turns"),
)


def evaluation(seed: int = 3) -> dict[str, Any]:
    """Simulated labels and costs of 1,040 requests, and everything the report can show of a policy on them."""
    rng = np.random.default_rng(seed)
    task = rng.integers(len(TASKS), size=N)
    hard = rng.normal(np.linspace(-1.1, 1.0, len(TASKS))[task], 0.9)
    truth = 1 / (1 + np.exp(np.array([0.7, 0.2, -0.2]) + hard[:, None] - np.array([1.3, 2.0, 2.6])))
    quality = (rng.random((N, 3)) < truth).astype(float)
    cost = COST * rng.lognormal(0, 0.5, (N, 1)) * rng.lognormal(0, 0.15, (N, 3))
    # A scorer that has seen the answer knows something of the label itself; by Bayes it is calibrated.
    seen = np.where(quality == 1, 1.0, -1.0) + rng.normal(0, 1.3, (N, 3))
    raw = 1 / (1 + (1 / truth - 1) * np.exp(-2 * seen / 1.3**2))
    over = raw**0.4
    policy = _walk(quality, cost, raw, (0.8, 0.8))
    bound = _intervals(rng, quality, cost, policy)
    strong = quality[:, 2].mean(), cost[:, 2].mean()
    frontier = []
    for low in np.linspace(0.2, 0.97, 12):
        for high in np.linspace(0.2, 0.95, 12):
            tried = _walk(quality, cost, raw, (low, high))
            label = f"haiku {low:.2f}, sonnet {high:.2f}"
            frontier.append({"family": "thresholds", "label": label, **_point(tried["quality"], tried["cost"])})
    single = {f"single:{tier}": _point(quality[:, k], cost[:, k]) for k, tier in enumerate(TIERS)}
    best = max(single, key=lambda name: single[name]["quality"])
    mine = policy["cost"].mean()
    gains = np.clip(truth[:, 2] - truth[:, 0] + rng.normal(0, 0.08, N), -0.3, 0.7)
    edges = np.linspace(-0.3, 0.7, 21)
    first = np.where(quality.any(axis=1), quality.argmax(axis=1), 0)
    rows = np.arange(N)
    return {
        "n": N,
        "protocol": "SIMULATED rows; logged answers replayed; 95 % bootstrap intervals, 500 draws, seed 3",
        "policy_version": "5eed0000c0ffee00aa11bb22cc33dd44",
        "profile": "default",
        "tiers": list(TIERS),
        "policy": {
            **_point(policy["quality"], policy["cost"]),
            **bound,
            "share_of_strong_quality": policy["quality"].mean() / strong[0],
            "cost_of_strong": mine / strong[1],
            **policy["shares"],
        },
        "baselines": {
            "always_cheap": single["single:haiku"],
            "always_strong": single["single:opus"],
            **single,
            "best_single": {"tier": best.removeprefix("single:"), **single[best]},
            "zero_router": {"quality": float(strong[0] * 0.985), "cost_per_1k": 6.1},
            "random_mix": {"quality": 0.77, "cost_per_1k": float(mine)},
            "length": {"quality": 0.795, "cost_per_1k": 3.6},
            "knn": {"quality": 0.836, "cost_per_1k": 3.7},
            "weak_threshold": {"quality": 0.822, "cost_per_1k": 3.3},
            "raw_confidence": {"quality": 0.876, "cost_per_1k": 3.9},
            "frugal": {"quality": 0.879, "cost_per_1k": 3.2},
            "cascade_routing": {"quality": 0.883, "cost_per_1k": 3.05},
            "oracle": _point(quality[rows, first], cost[rows, first]),
        },
        "metrics": {
            "apgr_calls": 0.742,
            "apgr_cost": 0.701,
            "cpt50": 0.17,
            "cpt80": 0.41,
            "cost_cpt50": 1.42,
            "cost_cpt80": 2.31,
            "aiq": 0.818,
            "cost_at": {"0.90": 0.11, "0.95": 0.19, "0.98": 0.29, "0.99": 0.36, "1.00": None},
            "cost_save": None,
            "perf_gain": 0.004,
            "regret": 0.061,
        },
        "frontier": frontier,
        "hull": _hull(frontier),
        "scorer": {
            tier: {"auroc": 0.83 - k / 50, "ece": 0.031 + k / 100, "brier": 0.15} for k, tier in enumerate(TIERS)
        },
        "classifier": {tier: {"auroc": 0.68 - k / 50, "ece": 0.04, "brier": 0.2} for k, tier in enumerate(TIERS)},
        "calibration": {
            tier: {"before": _bins(over[:, k], quality[:, k]), "after": _bins(raw[:, k], quality[:, k])}
            for k, tier in enumerate(TIERS[:2])
        },
        "slices": [_slice(rng, name, task == k, quality, cost, policy) for k, name in enumerate(TASKS)],
        "gain": {"edges": edges.tolist(), "counts": np.histogram(gains, edges)[0].tolist()},
        "importance": [{"name": name, "importance": 0.21 / (place + 1)} for place, name in enumerate(FEATURES)],
        "thresholds": [
            {"after": "haiku", "accept_at_or_above": 0.80, "share_accepted": 0.71, "note": "tuned out of fold"},
            {"after": "sonnet", "accept_at_or_above": 0.80, "share_accepted": 0.64, "note": ""},
        ],
        "certificate": {
            "certified": True,
            "statement": (
                "With 90% confidence: under 'haiku 0.80, sonnet 0.80', its mean quality is at least 0.95 times that of "
                "always asking the strongest tier. This rests on 1,040 certification prompts that nothing was fitted "
                "or tuned on, and holds for requests exchangeable with them, for the labels as given, on average over "
                "requests and not for each one, and for this rule exactly as it is."
            ),
            "target": 0.95,
            "target_is": "share of strongest",
            "budget": None,
            "method": "betting",
            "delta": 0.1,
            "n": 1040,
            "p_value": 0.0213,
            "rule": "haiku 0.80, sonnet 0.80",
            "labels_needed": None,
            "tested": [
                {"label": "always opus", **single["single:opus"], "p_value": 0.0001, "passed": True},
                {
                    "label": "haiku 0.90, sonnet 0.90",
                    "quality": 0.84,
                    "cost_per_1k": 4.4,
                    "p_value": 0.004,
                    "passed": True,
                },
                {"label": "haiku 0.80, sonnet 0.80", **_point(policy["quality"], policy["cost"]), "p_value": 0.0213}
                | {"passed": True},
                {
                    "label": "haiku 0.50, sonnet 0.60",
                    "quality": 0.80,
                    "cost_per_1k": 2.4,
                    "p_value": 0.31,
                    "passed": False,
                },
            ],
        },
    }


def context(**changes: Any) -> ReportContext:
    """What goes with it; simulated, and says so."""
    champion = evaluation(seed=4)
    champion["policy_version"] = "0ld0000000000000"
    facts: dict[str, Any] = {
        "title": "Support assistant, retrained on November’s labels",
        "run_id": "4f1c0a7e9b",
        "created": 1_795_444_200.0,
        "target_quality": 0.95,
        "budget": 5.0,
        "profiles": {
            "customer": {"target_quality": 0.98, "rule": "thresholds", "certified": True},
            "internal": {"target_quality": 0.9, "rule": "thresholds", "certified": False},
        },
        "data": {
            "source": "simulated.parquet",
            "hash": "e7a88b69eb01ba5b",
            "rows": 15_600,
            "estimated_tokens": False,
            "splits": {"train": 3120, "certify": 1040, "test": N},
            "labels": {"haiku": 5200, "sonnet": 5200, "opus": 5188},
        },
        "rungs": [
            {"rung": "Platt on the confidence", "area": 0.8021, "picked": False, "why": "one feature"},
            {"rung": "confidence and prompt, logistic", "area": 0.8104, "picked": False, "why": ""},
            {"rung": "response features, logistic", "area": 0.8163, "picked": True, "why": "best area, least spread"},
            {
                "rung": "ensemble with boosted trees",
                "area": 0.8159,
                "picked": False,
                "why": "no better for ten times the time",
            },
            {"rung": "dense embeddings", "area": None, "picked": False, "why": "no embedder configured"},
        ],
        "versions": {"tierwise": "0.1.0", "python": "3.11.7", "scikit-learn": "1.9.1", "numpy": "2.4.6"},
        "champion": champion,
        "comparison": {
            "quality": {"difference": 0.0061, "interval": [-0.004, 0.016]},
            "cost_per_1k": {"difference": -0.42, "interval": [-0.61, -0.22]},
        },
        "wall_seconds": 214.3,
        "peak_mib": 812.0,
        "simulated": True,
    }
    return ReportContext(**(facts | changes))


def _point(quality: Any, cost: Any) -> dict[str, float]:
    return {"quality": float(np.mean(quality)), "cost_per_1k": float(np.mean(cost))}


def _walk(quality: Any, cost: Any, confidence: Any, thresholds: tuple[float, float]) -> dict[str, Any]:
    """A simulated cascade: each tier in turn until its confidence reaches its threshold."""
    second = confidence[:, 0] < thresholds[0]
    third = second & (confidence[:, 1] < thresholds[1])
    final = second.astype(int) + third
    spent = np.stack([cost[:, 0], cost[:, 1] * second, cost[:, 2] * third])
    total = spent.sum(axis=0)
    kept = spent[final, np.arange(len(final))].sum()
    return {
        "quality": quality[np.arange(len(final)), final],
        "cost": total,
        "shares": {
            "escalation_rate": dict(zip(TIERS, (second.mean(), third.sum() / max(second.sum(), 1), 0.0), strict=True)),
            "visit_share": dict(zip(TIERS, (1.0, second.mean(), third.mean()), strict=True)),
            "final_share": {tier: float((final == k).mean()) for k, tier in enumerate(TIERS)},
            "cost_share": dict(zip(TIERS, spent.sum(axis=1) / total.sum(), strict=True)),
            "wasted_share": float(1 - kept / total.sum()),
        },
    }


def _intervals(rng: Any, quality: Any, cost: Any, policy: dict[str, Any]) -> dict[str, list[float]]:
    drawn: dict[str, list[float]] = {}
    for _ in range(500):
        rows = rng.integers(N, size=N)
        mine, spent = policy["quality"][rows].mean(), policy["cost"][rows].mean()
        for name, value in (
            ("quality_interval", mine),
            ("cost_interval", spent),
            ("share_of_strong_quality_interval", mine / quality[rows, 2].mean()),
            ("cost_of_strong_interval", spent / cost[rows, 2].mean()),
        ):
            drawn.setdefault(name, []).append(value)
    return {name: [float(bound) for bound in np.quantile(values, [0.025, 0.975])] for name, values in drawn.items()}


def _bins(confidence: Any, good: Any) -> dict[str, Any]:
    order = np.array_split(np.argsort(confidence), 10)
    bins = [{"confidence": float(confidence[r].mean()), "observed": float(good[r].mean()), "n": len(r)} for r in order]
    error = sum(abs(each["confidence"] - each["observed"]) * each["n"] for each in bins) / len(good)
    return {"ece": error, "brier": float(((confidence - good) ** 2).mean()), "bins": bins}


def _slice(rng: Any, name: str, rows: Any, quality: Any, cost: Any, policy: dict[str, Any]) -> dict[str, Any]:
    mine = policy["quality"][rows]
    draws = [rng.choice(mine, len(mine)).mean() for _ in range(300)]
    return {
        "slice": f"task={name}",
        "n": int(rows.sum()),
        "quality": float(mine.mean()),
        "strong_quality": float(quality[rows, 2].mean()),
        "cost_of_strong": float(policy["cost"][rows].mean() / cost[rows, 2].mean()),
        "quality_interval": [float(bound) for bound in np.quantile(draws, [0.025, 0.975])],
    }


def _hull(frontier: list[dict[str, Any]]) -> list[list[float]]:
    hull: list[list[float]] = []
    for row in sorted(frontier, key=lambda each: each["cost_per_1k"]):
        if not hull or row["quality"] > hull[-1][1]:
            hull.append([row["cost_per_1k"], row["quality"]])
    return hull
