"""The figures of a policy's cost-quality curve, and the points that the curve goes through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from router.features import Floats
from router.plan import Plan
from router.policy import Rule
from router.pricing import NANO
from training import curves
from training.curves import Spot
from training.hull import hull
from training.replay import Replayed
from training.rows import Rows
from training.table import Table, walk

PER_1K = 1000 / NANO
"""From mean nano-dollars to USD per 1,000 requests."""


class Candidate(Protocol):
    """A rule with its ``family`` and what it came to on the training rows: mean quality, mean nano-dollars."""

    @property
    def rule(self) -> Rule:
        """The rule."""
        ...

    @property
    def family(self) -> str:
        """Which part of the policy library it is of."""
        ...

    @property
    def quality(self) -> float:
        """Mean quality on the training rows."""
        ...

    @property
    def cost(self) -> float:
        """Mean nano-dollars on the training rows."""
        ...


@dataclass(frozen=True)
class Frontier:
    """``curve``: the single tiers by rank, the policy, then the rules on the training rows' hull. ``points``: those of
    each family's own hull, for JSON.
    """

    curve: tuple[Spot, ...]
    points: tuple[dict[str, Any], ...]


def frontier(table: Table, rows: Rows, done: Replayed, plan: Plan, candidates: Sequence[Candidate]) -> Frontier:
    """What ``candidates``, chosen by their hull on training rows alone, come to on the rows of ``table``."""
    strong = len(plan.ladder) - 1
    asked = [
        any(a.tier == plan.ladder.names[-1] and a.verdict != "skipped" for a in d.attempts) for d in done.decisions
    ]
    spots = [
        _spot(rows, rows.quality[:, rank], rows.cost[:, rank], float(rank == strong)) for rank in range(strong + 1)
    ]
    spots.append(_spot(rows, done.quality, done.cost, np.array(asked, float)))
    overall = {id(candidate) for candidate in hull(candidates)}
    points = []
    for family in dict.fromkeys(candidate.family for candidate in candidates):
        for candidate in hull([each for each in candidates if each.family == family]):
            walked = walk(table, candidate.rule)
            spot = _spot(rows, walked.quality, walked.cost, walked.visited[:, -1].astype(float))
            told = {"family": family, "label": label_of(candidate.rule)}
            points.append({**told, "quality": spot.quality, "cost_per_1k": spot.cost, "strong_share": spot.share})
            if id(candidate) in overall:
                spots.append(spot)
    return Frontier(tuple(spots), tuple(points))


def _spot(rows: Rows, quality: Floats, cost: Floats, share: Floats | float) -> Spot:
    asked = share if isinstance(share, float) else float(rows.mean(share))
    return Spot(cost=float(rows.mean(cost)) * PER_1K, quality=float(rows.mean(quality)), share=asked)


def label_of(rule: Rule) -> str:
    """A rule in a few words: its kind and its plain parameters."""
    values = dict(rule.as_dict())
    kind = str(values.pop("kind", type(rule).__name__))
    plain = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in values.items()
        if isinstance(value, int | float | str) and name != "why"
    ]
    return " ".join([kind, *plain])


def curve_metrics(rows: Rows, done: Replayed, rule: Rule, curve: Sequence[Spot]) -> dict[str, Any]:
    """The figures of policy curves; None where one is not defined or not reached."""
    tiers = rows.quality.shape[1]
    weak, strong, policy = curve[0], curve[tiers - 1], curve[tiers]
    ends = {"weak": weak, "strong": strong}
    best_single = max(spot.quality for spot in curve[:tiers])
    full = curves.cost_at(curve, strong.quality)
    return {
        "pgr": curves.pgr(policy.quality, weak=weak.quality, strong=strong.quality),
        "apgr_calls": curves.apgr_calls(curve, **ends),
        "apgr_calls_deciles": curves.apgr_deciles(curve, **ends),
        "apgr_cost": curves.apgr_cost(curve, **ends),
        "cpt50": curves.cpt_calls(curve, 0.5, **ends),
        "cpt80": curves.cpt_calls(curve, 0.8, **ends),
        "cost_cpt50": curves.cpt_cost(curve, 0.5, **ends),
        "cost_cpt80": curves.cpt_cost(curve, 0.8, **ends),
        "aiq": curves.aiq(curve),
        "aiq_over_max": curves.aiq_over_most(curve),
        "eth_auc": curves.eth_auc(curve, **ends),
        "cost_at": {
            f"{level:.2f}": _share(curves.cost_at(curve, level * strong.quality), strong) for level in curves.LEVELS
        },
        "cost_save": None if full is None or not strong.cost else 1 - full / strong.cost,
        "perf_gain": max(spot.quality for spot in curve) / best_single - 1 if best_single else None,
        **_regret(rows, done, rule, weak, strong),
        "delta_ibc": curves.delta_ibc(policy, weak=weak, strong=strong),
        "arena_score": curves.arena_score(policy.quality, policy.cost),
    }


def _share(cost: float | None, strong: Spot) -> float | None:
    return None if cost is None or not strong.cost else cost / strong.cost


def _regret(rows: Rows, done: Replayed, rule: Rule, weak: Spot, strong: Spot) -> dict[str, float | None]:
    """``mean[max_k (Y_k - lambda C_k) - (Y_pi - lambda C_pi)]`` at the rule's own price of quality, or where it has
    none at the one for which the cheapest and the strongest tier are worth the same.
    """
    price = rule.as_dict().get("quality_per_dollar")
    if not isinstance(price, float) or not math.isfinite(price):
        dearer = (strong.cost - weak.cost) / 1000
        price = max(strong.quality - weak.quality, 0.0) / dearer if dearer > 0 else 0.0
    worth = rows.quality - price * rows.cost / NANO
    mine = done.quality - price * done.cost / NANO
    return {"regret": float(rows.mean(worth.max(axis=1) - mine)), "regret_quality_per_dollar": price}


def prompt_metrics(rows: Rows, chances: Floats) -> dict[str, float | None]:
    """Call-APGR and CPT of routing by the prompt alone, as RouteLLM measures routers."""
    gains = chances[:, -1] - chances[:, 0]
    names = ("prompt_apgr_calls", "prompt_apgr_calls_deciles", "prompt_cpt50", "prompt_cpt80")
    if np.isnan(gains).any() or rows.quality.shape[1] < 2 or not np.allclose(rows.weight, 1.0):
        return dict.fromkeys(names)
    weak, strong = rows.quality[:, 0], rows.quality[:, -1]
    ends = {
        "weak": Spot(math.nan, float(weak.mean()), 0.0),
        "strong": Spot(math.nan, float(strong.mean()), 1.0),
    }
    curve = curves.ranked(gains, weak, strong)
    figures = (
        curves.apgr_calls(curve, **ends),
        curves.apgr_calls(curves.ranked_deciles(gains, weak, strong), **ends),
        curves.cpt_calls(curve, 0.5, **ends),
        curves.cpt_calls(curve, 0.8, **ends),
    )
    return dict(zip(names, figures, strict=True))
