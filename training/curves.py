"""Cost-quality curves by the field's names: PGR, APGR, CPT, AIQ, cost at matched quality, arena score.

A curve is the points that a family of policies reaches. ``weak`` and ``strong`` are the cheapest and the strongest
tier; a figure that they do not define (no gap in quality, or in cost) or that no point reaches is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from training.hull import area, hull

LEVELS = (0.90, 0.95, 0.98, 0.99, 1.00)
"""Shares of the strongest tier's quality at which the cost is read off."""

DECILES = 10

_BETA = 0.1
_DEAREST, _CHEAPEST = 200.0, 0.0044  # USD per 1,000 requests between which the arena score puts a cost


@dataclass(frozen=True, slots=True)
class Spot:
    """A policy's mean ``cost`` (USD per 1,000 requests), mean ``quality``, and the ``share`` of requests for which it
    asked the strongest tier.
    """

    cost: float
    quality: float
    share: float


def pgr(quality: float, *, weak: float, strong: float) -> float | None:
    """Performance gap recovered, ``(Q - Q_weak) / (Q_strong - Q_weak)`` (RouteLLM); None without a gap."""
    return (quality - weak) / (strong - weak) if strong > weak else None


def apgr_calls(curve: Sequence[Spot], *, weak: Spot, strong: Spot) -> float | None:
    """Average PGR: the area under PGR over the share of strong calls in [0, 1], by trapezoids; 0.5 is a random mix."""
    x, y = _recovered(curve, [spot.share for spot in curve], weak, strong)
    return _area(x, y)


def apgr_cost(curve: Sequence[Spot], *, weak: Spot, strong: Spot) -> float | None:
    """The area under PGR over ``(C - C_weak) / (C_strong - C_weak)`` in [0, 1]: the honest form, since calls differ."""
    if strong.cost <= weak.cost:
        return None
    shares = [(spot.cost - weak.cost) / (strong.cost - weak.cost) for spot in curve]
    x, y = _recovered(curve, shares, weak, strong)
    return _area(x, y)


def apgr_deciles(curve: Sequence[Spot], *, weak: Spot, strong: Spot) -> float | None:
    """:func:`apgr_calls` on 11 points only, evenly over the share of strong calls, as RouteLLM's 10 quantiles are."""
    x, y = _recovered(curve, [spot.share for spot in curve], weak, strong)
    if len(x) == 0:
        return None
    at = np.linspace(0, 1, DECILES + 1)
    return float(np.trapezoid(np.interp(at, x, y), at))


def cpt_calls(curve: Sequence[Spot], level: float, *, weak: Spot, strong: Spot) -> float | None:
    """Call-performance threshold: the least share of strong calls with ``PGR >= level``, straight between points."""
    return _first(*_recovered(curve, [spot.share for spot in curve], weak, strong), level)


def cpt_cost(curve: Sequence[Spot], level: float, *, weak: Spot, strong: Spot) -> float | None:
    """The least USD per 1,000 requests with ``PGR >= level``, straight between points."""
    if strong.cost <= weak.cost:
        return None
    shares = [(spot.cost - weak.cost) / (strong.cost - weak.cost) for spot in curve]
    found = _first(*_recovered(curve, shares, weak, strong), level)
    return None if found is None else weak.cost + found * (strong.cost - weak.cost)


def _recovered(curve: Sequence[Spot], shares: Sequence[float], weak: Spot, strong: Spot) -> tuple[Floats, Floats]:
    """Share and PGR in ascending order of share within [0, 1], the two single tiers at its ends; empty without a gap.

    At equal shares the better point counts.
    """
    if strong.quality <= weak.quality:
        return np.empty(0), np.empty(0)
    gap = strong.quality - weak.quality
    found = {0.0: 0.0, 1.0: 1.0}
    for spot, share in zip(curve, shares, strict=True):
        if 0 <= share <= 1:
            value = (spot.quality - weak.quality) / gap
            found[share] = max(value, found.get(share, -math.inf))
    x = np.array(sorted(found))
    return x, np.array([found[share] for share in x])


def _area(x: Floats, y: Floats) -> float | None:
    return float(np.trapezoid(y, x)) if len(x) else None


def _first(x: Floats, y: Floats, level: float) -> float | None:
    """Where the polygon first reaches ``level``."""
    above = np.flatnonzero(y >= level)
    if not len(above):
        return None
    place = int(above[0])
    if place == 0:
        return float(x[0])
    rise = (level - y[place - 1]) / (y[place] - y[place - 1])
    return float(x[place - 1] + rise * (x[place] - x[place - 1]))


def ranked(scores: Floats, weak: Floats, strong: Floats) -> list[Spot]:
    """The curve of routing by a score: at every threshold t, the strongest tier where ``score >= t``.

    ``weak`` and ``strong`` (n,) are the two tiers' qualities. Costs are not told (NaN): it is a curve over calls.
    """
    order = np.argsort(-scores, kind="stable")
    gains = np.cumsum((strong - weak)[order])
    last = np.append(np.flatnonzero(np.diff(-scores[order])), len(scores) - 1)  # ties move together
    n, base = len(scores), float(weak.mean())
    spots = [Spot(math.nan, base, 0.0)]
    return spots + [Spot(math.nan, base + float(gains[place]) / n, (int(place) + 1) / n) for place in last]


def ranked_deciles(scores: Floats, weak: Floats, strong: Floats) -> list[Spot]:
    """RouteLLM's version of :func:`ranked`: thresholds at the edges of 10 equal bins, the last one exclusive."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, DECILES + 1)))
    masks = [*(scores >= edge for edge in edges), scores > edges[-1]]
    return [Spot(math.nan, float(np.where(mask, strong, weak).mean()), float(mask.mean())) for mask in masks]


def cost_at(curve: Sequence[Spot], quality: float) -> float | None:
    """The least cost of at least this ``quality`` on the non-decreasing concave hull of ``curve``."""
    vertices = hull(curve)
    if not vertices or vertices[-1].quality < quality - 1e-12:
        return None
    if vertices[0].quality >= quality:
        return vertices[0].cost
    return float(np.interp(quality, [spot.quality for spot in vertices], [spot.cost for spot in vertices]))


def aiq(curve: Sequence[Spot]) -> float | None:
    """Average improvement in quality: the hull's integral over its own range of costs, divided by that range.

    RouterBench's paper divides by the range, as here; its code divides by the largest cost (:func:`aiq_over_most`).
    """
    low, high = min(spot.cost for spot in curve), max(spot.cost for spot in curve)
    return area(curve, low=low, high=high) if high > low else None


def aiq_over_most(curve: Sequence[Spot]) -> float | None:
    """:func:`aiq` as RouterBench's code has it: divided by the largest cost and not by the range."""
    low, high = min(spot.cost for spot in curve), max(spot.cost for spot in curve)
    return area(curve, low=low, high=high) * (high - low) / high if high > low else None


def eth_auc(curve: Sequence[Spot], *, weak: Spot, strong: Spot) -> float | None:
    """The hull's mean quality between the cheapest and the strongest tier's costs (Dekoninck et al. 2025)."""
    return area(curve, low=weak.cost, high=strong.cost) if strong.cost > weak.cost else None


def arena_score(quality: float, cost_per_1k: float) -> float | None:
    """RouterArena's ``(1 + b) A C / (b A + C)`` with b = 0.1: ``C`` is the cost in USD per 1,000 requests on a log
    scale from 200 (0) to 0.0044 (1). None for a cost of nothing.
    """
    if not cost_per_1k > 0:
        return None
    cheap = (math.log2(_DEAREST) - math.log2(cost_per_1k)) / (math.log2(_DEAREST) - math.log2(_CHEAPEST))
    cheap = min(max(cheap, 0.0), 1.0)
    below = _BETA * quality + cheap
    return (1 + _BETA) * quality * cheap / below if below > 0 else 0.0


def delta_ibc(spot: Spot, *, weak: Spot, strong: Spot) -> float | None:
    """AutoMix's incremental benefit per cost over that of the line from weak to strong, less 1 (0.2 is 20 % more)."""
    if spot.cost <= weak.cost or strong.cost <= weak.cost or strong.quality <= weak.quality:
        return None
    base = (strong.quality - weak.quality) / (strong.cost - weak.cost)
    return (spot.quality - weak.quality) / (spot.cost - weak.cost) / base - 1
