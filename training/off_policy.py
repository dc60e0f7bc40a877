"""Off-policy evaluation: what a rule would have done, from a log that another rule wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats
from router.policy import Rule
from router.pricing import usd
from training.bandit import NONE, BanditLog, Trails, follow
from training.continuation import continuation
from training.support import FLOOR, Support, support_of

CLIP = 20.0
"""The most that one observed request may stand for."""

NORMAL = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""

Method = Literal["direct", "dr"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean quality, and mean cost in nano-dollars a request."""

    quality: float
    cost: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class OffPolicy:
    """What a log says of a rule that did not write it.

    ``value`` is the estimate to use, by ``method``: *direct* where the log has every answer that the rule would
    have asked for, and the figures are plain means; *dr*, doubly robust, otherwise. ``dm``, ``ips`` and ``snips``
    stand beside it for comparison. The intervals are normal ones over clusters of one split key. ``dropped``
    requests were left out because an answer has no label or no price.
    """

    n: int
    dropped: int
    method: Method
    value: Figures
    quality_interval: Interval
    cost_interval: Interval
    dm: Figures
    ips: Figures
    snips: Figures
    support: Support

    @property
    def statement(self) -> str:
        """What the figures rest on, in words."""
        left = f" {self.dropped:,} requests with an unlabelled or unpriced answer were left out." * bool(self.dropped)
        if self.method == "direct":
            return (
                f"Over {self.n:,} requests: the log has every answer that this rule asks for, so these are plain "
                f"means; neither propensities nor a model enter.{left}"
            )
        held = self.support
        return (
            f"Over {self.n:,} requests, doubly robust: for {held.by_chance:.1%} of them the rule asks what the log "
            f"shows only by chance, and {held.effective_by_chance:,.0f} effective observations stand for these "
            f"(largest weight {held.most_weight:,.1f}, {held.clipped:.1%} clipped); of {held.silent:.1%} the log "
            f"could say nothing. It holds if the logged propensities are the true ones.{left}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The evaluation for JSON; costs in USD per 1,000 requests."""
        return {
            "n": self.n,
            "dropped": self.dropped,
            "method": self.method,
            "statement": self.statement,
            **_told(self.value),
            "quality_interval": [self.quality_interval.low, self.quality_interval.high],
            "cost_interval": [_per_1k(self.cost_interval.low), _per_1k(self.cost_interval.high)],
            "estimates": {"dm": _told(self.dm), "ips": _told(self.ips), "snips": _told(self.snips)},
            "support": self.support.as_dict(),
        }


def _told(figures: Figures) -> dict[str, float]:
    return {"quality": figures.quality, "cost_per_1k": _per_1k(figures.cost)}


def _per_1k(nano_dollars: float) -> float:
    return usd(round(1000 * nano_dollars))


def evaluate_off_policy(
    log: BanditLog, rule: Rule, *, clip: float = CLIP, floor: float = FLOOR, folds: int = 5, seed: int = 0
) -> OffPolicy:
    """Estimate the quality and the cost of ``rule`` on the requests of ``log``.

    A request's walk is known as far as the tiers it asks were observed. With h_0 the prompt, h_t what is known after
    the t-th answer of the walk, m its length, p_t the probability that the logging rule and its audits observe all
    of its first t answers, c_t the cost of the t-th and Y the label of the answer returned, the doubly robust score
    of a request is

        V(h_0) + sum_{t=1..m} 1{first t observed} / p_t * (r_t + V(h_t) - V(h_{t-1})),   V(h_m) = 0,

    where r_m = Y and r_t = 0 before, for the quality, and r_t = c_t for the cost. That is the doubly robust
    estimator of Jiang and Li, "Doubly Robust Off-policy Value Evaluation for Reinforcement Learning", ICML 2016
    (equation 10, unrolled, for a deterministic target), which for walks that are observed up to a point is the
    augmented inverse-probability estimator of Robins, Rotnitzky and Zhao (JASA 1994). It is unbiased when the p_t
    are right and unclipped, whatever V. V is a regression of the continuation fitted on other requests
    (cross-fitting in ``folds``, by split key), and 1/p_t is clipped at ``clip``. DM has V(h_t) in place of what the
    log lacks; IPS is the mean of Y/p_m over walks observed whole; SNIPS divides by the sum of the weights, not by n.

    Where every walk is whole in the log, as for a rule that escalates less than the one that logged it, nothing is
    weighted or modelled: this needs no exploration and no propensities, only that the cheap answers are labelled.

    Raises:
        InputError: the log cannot support an evaluation of this rule; the sentence says why, and what to log.
    """
    if clip < 1:
        raise InputError(f"weights are clipped at 1 or above, not at {clip:g}")
    trails = follow(log, rule)
    support = support_of(log, trails, clip=clip, floor=floor)
    table, rows, whole = log.table, np.arange(len(trails.seen)), trails.whole
    weights = np.minimum(_weights(trails), clip)
    fold = _folds(table.keys, folds, seed)
    label = np.where(whole, table.quality[rows, np.maximum(trails.returned, 0)], 0.0)
    spent = np.where(_shown(trails), np.take_along_axis(table.cost, np.maximum(trails.asked, 0), axis=1), 0.0)
    quality = _scores(
        trails,
        brought=np.zeros_like(spent),
        last=label,
        offset=trails.chances,
        weights=weights,
        fold=fold,
        share=log.share,
    )
    cost = _scores(
        trails,
        brought=spent,
        last=np.zeros_like(label),
        offset=trails.expected,
        weights=weights,
        fold=fold,
        share=log.share,
    )
    return OffPolicy(
        n=len(rows),
        dropped=log.dropped,
        method="direct" if whole.all() else "dr",
        value=Figures(float((log.share * quality.dr).mean()), float((log.share * cost.dr).mean())),
        quality_interval=_interval(quality.dr, table.keys, log.share),
        cost_interval=_interval(cost.dr, table.keys, log.share),
        dm=Figures(quality.dm, cost.dm),
        ips=Figures(quality.ips, cost.ips),
        snips=Figures(quality.snips, cost.snips),
        support=support,
    )


@dataclass(frozen=True, slots=True)
class _Scores:
    """The estimates of one mean; of the doubly robust one each request's score (n,)."""

    dm: float
    ips: float
    snips: float
    dr: Floats


def _scores(
    trails: Trails,
    *,
    brought: Floats,
    last: Floats,
    offset: Floats,
    weights: Floats,
    fold: NDArray[np.int64],
    share: Floats,
) -> _Scores:
    """Estimate the mean of what walks bring: ``brought`` (n, K) by their steps and ``last`` (n,) at their end.

    ``offset`` (n, K, K) is what the state before each step says of every tier, ``weights`` (n, K) is 1/p_t where
    the step was observed and 0 elsewhere. ``share`` (n,) is what each request counts in the means, 1 on average.
    """
    rows, whole = np.arange(len(last)), trails.whole
    value = continuation(
        trails, brought=brought, last=last, offset=_at_next(offset, trails), weights=weights, fold=fold
    )
    total = brought.sum(axis=1) + last
    model = total.copy()
    model[~whole] += value[rows[~whole], trails.seen[~whole]]
    score = value[:, 0].copy()
    for place in range(trails.asked.shape[1]):
        at = trails.seen > place
        onward = last.copy()
        goes = at & (trails.steps > place + 1)
        if goes.any():
            onward[goes] = value[goes, place + 1]
        score[at] += (weights[:, place] * (brought[:, place] + onward - value[:, place]))[at]
    final = np.where(whole, weights[rows, trails.steps - 1], 0.0)
    final = final * share
    weighted = final * total
    return _Scores(
        dm=float((share * model).mean()),
        ips=float(weighted.mean()),
        snips=float(weighted.sum() / final.sum()) if final.any() else float("nan"),
        dr=score,
    )


def _shown(trails: Trails) -> NDArray[np.bool_]:
    """Which steps of the walks the log shows, (n, K)."""
    shown: NDArray[np.bool_] = np.arange(trails.asked.shape[1])[None, :] < trails.seen[:, None]
    return shown


def _weights(trails: Trails) -> Floats:
    """1 / p_t per step (n, K), 0 where it was not observed; 1 throughout when every walk is whole."""
    shown = _shown(trails)
    if trails.whole.all():
        return shown.astype(float)
    return np.where(shown, 1.0 / np.where(shown, trails.inclusion, 1.0), 0.0)


def _at_next(states: Floats, trails: Trails) -> Floats:
    """What each state (n, K, K) says of the tier asked next, (n, K); NaN past the end of the walk."""
    found = np.take_along_axis(states, np.maximum(trails.asked, 0)[:, :, None], axis=2)[:, :, 0]
    return np.where(trails.asked == NONE, np.nan, found)


def _clusters(keys: tuple[str, ...]) -> NDArray[np.int64]:
    return np.unique(np.array(keys), return_inverse=True)[1].astype(np.int64)


def _folds(keys: tuple[str, ...], folds: int, seed: int) -> NDArray[np.int64]:
    """A fold per row, one for all rows of a split key."""
    clusters = _clusters(keys)
    count = int(clusters.max()) + 1
    return np.random.default_rng(seed).permutation(np.arange(count) % folds)[clusters]


def _interval(scores: Floats, keys: tuple[str, ...], share: Floats) -> Interval:
    """Mean plus and minus its normal error, rows of one split key taken as one observation."""
    centre = float((share * scores).mean())
    sums = np.bincount(_clusters(keys), weights=share * (scores - centre))
    clusters = len(sums)
    if clusters < 2:
        return Interval(float("-inf"), float("inf"))
    error = float(np.sqrt((sums**2).sum() * clusters / (clusters - 1))) / len(scores)
    return Interval(centre - NORMAL * error, centre + NORMAL * error)
