"""Routing two tiers by a score, at every threshold: the recovered gap over calls and over cost, and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats
from training.curves import DECILES
from training.heads import ACCEPTABLE
from training.hull import Mean, area

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]
Charged = Literal["chosen", "both"]
"""``chosen``: a router, which pays for the tier that it asks. ``both``: a cascade, which has paid for the weak tier's
answer whenever it asks the strong one; always-strong alone still pays once.
"""

_TENTHS = np.linspace(0, 1, DECILES + 1)
_PER_CENT = 100 * np.where(np.arange(DECILES + 1) == DECILES * _TENTHS, _TENTHS, np.nextafter(_TENTHS, 1))
"""As pandas.qcut asks for them, so that an edge that falls on a score is rounded to the same side of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """The figures of one score. CPT are shares of strong calls in %; None is a figure that the data does not define.

    ``apgr``, ``cpt50`` and ``cpt80`` are read off the exact curve, ``*_deciles`` as RouteLLM's code does: at the edges
    of 10 equal bins of the score, the last one exclusive, straight between them. ``cost_apgr`` is the area over the
    share of the extra cost in place of the calls, every prompt at its own costs, ``cost_cpt50`` and ``cost_cpt80``
    shares of it in %. ``auroc`` is of telling where the weak answer is not acceptable, ``auroc_gain`` where the strong
    tier is better.
    """

    apgr: float | None
    apgr_deciles: float | None
    cpt50: float | None
    cpt80: float | None
    cpt50_deciles: float | None
    cpt80_deciles: float | None
    cost_apgr: float | None
    cost_cpt50: float | None
    cost_cpt80: float | None
    auroc: float | None
    auroc_gain: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Scores in descending order with their outcomes; ``order`` are their places as they were given."""

    order: Places
    score: Floats
    weak: Floats
    strong: Floats
    weak_cost: Floats | None
    strong_cost: Floats | None
    charged: Charged

    @classmethod
    def sorted(
        cls,
        score: Floats,
        weak: Floats,
        strong: Floats,
        weak_cost: Floats | None,
        strong_cost: Floats | None,
        *,
        charged: Charged,
    ) -> Ordered:
        """Of rows in any order.

        Raises:
            InputError: they do not fit together, or a value is NaN.
        """
        if (weak_cost is None) != (strong_cost is None):
            raise InputError("give the costs of both tiers or of neither")
        if not len(score):
            raise InputError("there are no prompts, so a score has no figures")
        named = {"score": score, "weak": weak, "strong": strong, "weak_cost": weak_cost, "strong_cost": strong_cost}
        for name, values in named.items():
            if values is not None and np.shape(values) != (len(score),):
                raise InputError(
                    f"{name} has the shape {np.shape(values)}; give one value for each of {len(score)} rows"
                )
            if values is not None and np.isnan(values).any():
                raise InputError(f"{name} has NaN in row {int(np.isnan(values).argmax())}; leave such rows out")
        order = np.argsort(-np.asarray(score, float), kind="stable")
        made = cls(
            order=np.arange(len(score)),
            score=np.asarray(score, float),
            weak=np.asarray(weak, float),
            strong=np.asarray(strong, float),
            weak_cost=None if weak_cost is None else np.asarray(weak_cost, float),
            strong_cost=None if strong_cost is None else np.asarray(strong_cost, float),
            charged=charged,
        )
        return made.taken(order)

    def taken(self, places: Places) -> Ordered:
        """The rows at ``places``, which are to be in ascending order where these are sorted already."""
        return Ordered(
            order=self.order[places],
            score=self.score[places],
            weak=self.weak[places],
            strong=self.strong[places],
            weak_cost=None if self.weak_cost is None else self.weak_cost[places],
            strong_cost=None if self.strong_cost is None else self.strong_cost[places],
            charged=self.charged,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The curve at every threshold, from none to all: shares of calls and of extra cost, and the gap recovered.

    ``last`` are the places of the last row above each threshold.
    """

    last: Places
    calls: Floats
    spent: Floats | None
    recovered: Floats | None


def path_of(rows: Ordered) -> Path:
    """The whole curve."""
    n = len(rows.score)
    last = np.append(np.flatnonzero(rows.score[1:] != rows.score[:-1]), n - 1)  # equal scores move together
    gap = float(rows.strong.sum() - rows.weak.sum())
    recovered = np.append(0.0, np.cumsum(rows.strong - rows.weak)[last] / gap) if gap > 0 else None
    spent = None
    if rows.weak_cost is not None and rows.strong_cost is not None:
        more = float(rows.strong_cost.sum() - rows.weak_cost.sum())
        if more > 0:
            each = rows.strong_cost if rows.charged == "both" else rows.strong_cost - rows.weak_cost
            spent = np.append(0.0, np.cumsum(each)[last] / more)
    return Path(last=last, calls=np.append(0.0, (last + 1) / n), spent=spent, recovered=recovered)


def ranked_of(rows: Ordered) -> Ranked:
    """All figures of the score."""
    path = path_of(rows)
    low = float(rows.weak.mean())
    y, gap = path.recovered, float(rows.strong.mean()) - low
    told: dict[str, float | None] = dict.fromkeys(Ranked.__slots__)
    told |= {
        "auroc": _auroc(path.last, rows.weak < ACCEPTABLE),
        "auroc_gain": _auroc(path.last, rows.strong > rows.weak),
    }
    if y is not None:
        share, accuracy = _deciles(rows)
        told |= {
            "apgr": float(np.trapezoid(y, path.calls)),
            "apgr_deciles": float((np.trapezoid(accuracy, share) - low) / gap),
            "cpt50": _first(path.calls, y, 0.5),
            "cpt80": _first(path.calls, y, 0.8),
            # Where accuracies fall this is whatever the search in np.interp makes of them, as in RouteLLM's code.
            "cpt50_deciles": 100 * float(np.interp(low + 0.5 * gap, accuracy, share)),
            "cpt80_deciles": 100 * float(np.interp(low + 0.8 * gap, accuracy, share)),
        }
        if path.spent is not None:
            x, within = _to_one(path.spent, y)
            told |= {
                "cost_apgr": float(np.trapezoid(within, x)),
                "cost_cpt50": _first(x, within, 0.5),
                "cost_cpt80": _first(x, within, 0.8),
            }
    return Ranked(**told)


def aiq(rows: Ordered) -> float | None:
    """The mean quality of the concave hull between the two tiers' costs (RouterBench); None without costs or a gap."""
    path = path_of(rows)
    if path.spent is None or path.recovered is None:
        return None
    x, y = _to_one(path.spent, path.recovered)
    low, high = float(rows.weak.mean()), float(rows.strong.mean())
    points = [Mean(low + (high - low) * float(up), float(along)) for along, up in zip(x, y, strict=True)]
    return area([*points, Mean(high, 1.0)], low=0.0, high=1.0)


def _deciles(rows: Ordered) -> tuple[Floats, Floats]:
    """Share of strong calls, ascending, and quality at the edges of RouteLLM's 10 bins."""
    ascending = rows.score[::-1]
    edges = np.unique(np.percentile(ascending, _PER_CENT))
    n = len(ascending)
    # Their 11 thresholds: the highest is exclusive, so that one of them asks nobody.
    inclusive = edges[:-1] if len(edges) > 1 else edges
    calls = np.append(0, n - np.searchsorted(ascending, inclusive, side="left")[::-1])
    gained = np.append(0.0, np.cumsum(rows.strong - rows.weak))
    return calls / n, float(rows.weak.mean()) + gained[calls] / n


def _first(x: Floats, y: Floats, level: float) -> float | None:
    """Where the line through the points first reaches ``level``, in %; None where it never does."""
    above = np.flatnonzero(y >= level)
    if not len(above):
        return None
    place = int(above[0])
    rise = (level - y[place - 1]) / (y[place] - y[place - 1])
    return 100 * float(x[place - 1] + rise * (x[place] - x[place - 1]))


def _to_one(spent: Floats, recovered: Floats) -> tuple[Floats, Floats]:
    """The curve as far as always-strong's cost, which asking it alone reaches too."""
    inside = spent <= 1
    x, y = spent[inside], recovered[inside]
    if x[-1] == 1:
        return x, y
    return np.append(x, 1.0), np.append(y, np.interp(1.0, spent, recovered))


def _auroc(last: Places, positive: Bools) -> float | None:
    """The chance that a positive stands above a negative, ties half, of rows in descending order."""
    high, total = np.cumsum(positive)[last], int(positive.sum())
    if not 0 < total < len(positive):
        return None
    wrong = (last + 1 - high) / (len(positive) - total)
    return float(np.trapezoid(np.append(0.0, high / total), np.append(0.0, wrong)))
