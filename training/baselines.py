"""What a policy has to beat: each baseline at its own operating point, chosen on training rows for the same aim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.features import Floats
from router.policy import Rule
from training.heads import ACCEPTABLE
from training.hull import at_cost, hull
from training.neighbours import NEIGHBOURS, others, similar
from training.rows import Rows
from training.table import Table, walk

STEPS = 41
"""Thresholds, and prices of cost, that an operating point is chosen from."""

_ANY = -1e18  # a bar that every known log-probability reaches


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What operating points are chosen for, on training rows: the cheapest of at least ``share`` of the strongest
    tier's quality, or of at least ``quality``; or the best for at most ``budget`` mean nano-dollars; or both.
    """

    share: float | None = None
    quality: float | None = None
    budget: float | None = None

    def choose(self, quality: Floats, cost: Floats, strong: float) -> int:
        """The index of the chosen point, of points with mean ``quality`` and ``cost`` (m,).

        When nothing reaches the target, the best one within the budget; when nothing is within it, the cheapest.
        """
        least = self.quality if self.quality is not None else None if self.share is None else self.share * strong
        within = np.full(len(cost), fill_value=True) if self.budget is None else cost <= self.budget
        if not within.any():
            return int(np.argmin(cost))
        if least is not None and (within & (quality >= least)).any():
            return int(np.argmin(np.where(within & (quality >= least), cost, np.inf)))
        best = np.where(within, quality, -np.inf).max()
        return int(np.argmin(np.where(within & (quality >= best), cost, np.inf)))


@dataclass(frozen=True)
class Baseline:
    """What a baseline did per query: ``quality`` and ``cost`` (n,), and what else is to be told of it."""

    quality: Floats
    cost: Floats
    facts: Mapping[str, Any]


def single(rows: Rows, names: Sequence[str]) -> dict[str, Baseline]:
    """Always one tier; ``best_single`` is the best on these very rows."""
    tiers = [Baseline(rows.quality[:, rank], rows.cost[:, rank], {"tier": name}) for rank, name in enumerate(names)]
    best = int(np.argmax(rows.mean(rows.quality)))
    return {
        "always_cheap": tiers[0],
        "always_strong": tiers[-1],
        "best_single": tiers[best],
        **{f"single:{name}": tier for name, tier in zip(names, tiers, strict=True)},
    }


def random_mix(rows: Rows, spend: float) -> Baseline:
    """Cheapest and strongest tier mixed at random, at mean cost ``spend`` where that lies between theirs."""
    low, high = float(rows.mean(rows.cost[:, 0])), float(rows.mean(rows.cost[:, -1]))
    share = float(np.clip((spend - low) / (high - low), 0, 1)) if high > low else 0.0
    return Baseline(
        (1 - share) * rows.quality[:, 0] + share * rows.quality[:, -1],
        (1 - share) * rows.cost[:, 0] + share * rows.cost[:, -1],
        {"strong_share": share, "note": "cheapest and strongest mixed at the policy's cost"},
    )


@dataclass(frozen=True)
class _Mean:
    quality: float
    cost: float
    rank: int


def zero_router(rows: Rows, spend: float) -> Baseline:
    """The hull of the single tiers at mean cost ``spend``: what mixing without looking at the prompt comes to."""
    quality, cost = rows.mean(rows.quality), rows.mean(rows.cost)
    vertices = hull([_Mean(float(q), float(c), rank) for rank, (q, c) in enumerate(zip(quality, cost, strict=True))])
    spend = min(max(spend, vertices[0].cost), vertices[-1].cost)
    above = next(place for place, vertex in enumerate(vertices) if vertex.cost >= spend)
    high, low = vertices[above], vertices[max(above - 1, 0)]
    share = (spend - low.cost) / (high.cost - low.cost) if high.cost > low.cost else 1.0
    mixed = Baseline(
        (1 - share) * rows.quality[:, low.rank] + share * rows.quality[:, high.rank],
        (1 - share) * rows.cost[:, low.rank] + share * rows.cost[:, high.rank],
        {"note": "the hull of the single tiers at the policy's cost"},
    )
    assert abs(float(rows.mean(mixed.quality)) - at_cost(vertices, spend)) < 1e-9
    return mixed


def oracle(rows: Rows) -> Baseline:
    """Knows the labels: asks the cheapest tier whose answer is acceptable, else the cheapest."""
    acceptable = rows.quality >= ACCEPTABLE
    chosen = np.where(acceptable.any(axis=1), acceptable.argmax(axis=1), 0)
    every = np.arange(len(rows))
    note = "knows the labels; as a maximum over noisy ones it is more than any policy can reach"
    return Baseline(rows.quality[every, chosen], rows.cost[every, chosen], {"note": note})


def learned(test: Rows, train: Rows, aim: Aim, *, seen: tuple[Floats, Floats] | None) -> dict[str, Baseline]:
    """The baselines with something to choose on training rows.

    ``seen`` are the chances from the prompt alone, (n, K) each, of the training rows (out-of-fold) and of the test
    rows; without them there is no ``weak_threshold``. Without log-probabilities there is no ``raw_confidence``.
    """
    found = {
        "length": _switch(test, train, aim, _lengths(train), _lengths(test)),
        "knn": _neighbours(test, train, aim),
    }
    if seen is not None:
        found["weak_threshold"] = _switch(test, train, aim, 1 - seen[0][:, 0], 1 - seen[1][:, 0])
    raw_train, raw_test = _surety(train), _surety(test)
    if not np.isnan(raw_train[:, :-1]).all():
        found["raw_confidence"] = _raw_cascade(test, train, aim, raw_train, raw_test)
    return found


def ruled(table: Table, alternatives: Mapping[str, Rule]) -> dict[str, Baseline]:
    """Rules of other kinds, tuned by the caller on training rows for the same aim, on the rows of ``table``."""
    walks = {name: walk(table, rule) for name, rule in alternatives.items()}
    return {name: Baseline(done.quality, done.cost, {}) for name, done in walks.items()}


def _operate(train: Rows, aim: Aim, points: Sequence[tuple[Floats, Floats]]) -> int:
    """The chosen place among points given as per-row quality and cost on the training rows."""
    quality = np.array([float(train.mean(quality)) for quality, _ in points])
    cost = np.array([float(train.mean(cost)) for _, cost in points])
    return aim.choose(quality, cost, float(train.mean(train.quality[:, -1])))


def _switch(test: Rows, train: Rows, aim: Aim, seen: Floats, new: Floats) -> Baseline:
    """The strongest tier where a score reaches a threshold, else the cheapest."""
    bars = [-np.inf, *np.unique(np.quantile(seen, np.linspace(0, 1, STEPS))), np.inf]

    def applied(rows: Rows, scores: Floats, bar: float) -> tuple[Floats, Floats]:
        up = scores >= bar
        return (
            np.where(up, rows.quality[:, -1], rows.quality[:, 0]),
            np.where(up, rows.cost[:, -1], rows.cost[:, 0]),
        )

    bar = bars[_operate(train, aim, [applied(train, seen, bar) for bar in bars])]
    return Baseline(*applied(test, new, bar), {})


def _lengths(rows: Rows) -> Floats:
    return np.array([float(len(query.request.text)) for query in rows.queries])


def _surety(rows: Rows) -> Floats:
    """The mean log-probability of each answer's tokens (n, K), NaN where the tier sent none."""
    found = np.full(rows.quality.shape, np.nan)
    for row, query in enumerate(rows.queries):
        for rank, outcome in enumerate(query.outcomes):
            if outcome is None:
                continue
            completion = outcome.completion
            if completion.logprobs is not None and completion.logprobs.values:
                found[row, rank] = float(np.mean(completion.logprobs.values))
            elif completion.signals is not None:
                found[row, rank] = completion.signals.get("logprob_mean", np.nan)
    return found


def _raw_cascade(test: Rows, train: Rows, aim: Aim, seen: Floats, new: Floats) -> Baseline:
    """Up from the cheapest tier; stop where the raw confidence reaches the tier's quantile of one common level.

    A tier without log-probabilities is never trusted, and a cascade that would stop nowhere asks them all.
    """
    with np.errstate(all="ignore"):
        known = np.where(np.isnan(seen), -np.inf, seen)
        bars = [np.quantile(known, level, axis=0, method="lower") for level in np.linspace(0, 1, STEPS)]

    def applied(rows: Rows, scores: Floats, bar: Floats) -> tuple[Floats, Floats]:
        stops = np.nan_to_num(scores, nan=-np.inf) >= np.where(np.isinf(bar), np.inf, bar)
        stops[:, -1] = True
        last = stops.argmax(axis=1)
        asked = np.arange(scores.shape[1]) <= last[:, None]
        return rows.quality[np.arange(len(rows)), last], (rows.cost * asked).sum(axis=1)

    bars = [np.full(seen.shape[1], _ANY), *bars, np.full(seen.shape[1], np.inf)]
    bar = bars[_operate(train, aim, [applied(train, seen, bar) for bar in bars])]
    return Baseline(*applied(test, new, bar), {})


def _neighbours(test: Rows, train: Rows, aim: Aim) -> Baseline:
    """Predict each tier's quality by the 100 most similar training prompts, ask the one worth most for its cost."""
    predict = similar(train)
    known, new = predict(train, others(train.keys)), predict(test, None)
    mean = train.mean(train.cost)
    gap = float(mean.max() - mean.min()) or 1.0
    prices = [0.0, *np.logspace(-3, 1, STEPS) / gap, np.inf]

    def applied(rows: Rows, predicted: Floats, price: float) -> tuple[Floats, Floats]:
        worth = predicted - price * mean if np.isfinite(price) else np.broadcast_to(-mean, predicted.shape)
        chosen = worth.argmax(axis=1)
        every = np.arange(len(rows))
        return rows.quality[every, chosen], rows.cost[every, chosen]

    price = prices[_operate(train, aim, [applied(train, known, price) for price in prices])]
    return Baseline(*applied(test, new, price), {"neighbours": min(NEIGHBOURS, len(train))})
