"""Zellinger and Thomson's own method: thresholds by optimising a Markov copula model (arXiv 2501.09345).

Written after the authors' experiments. A model's calibrated confidence has a point mass at either end and a mixture of
two beta distributions between; two confidences that follow each other are tied by a Gumbel copula; what comes before
the last two models is forgotten (the Markov property). Confidences are taken to be the chances of being right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betainc, betaln
from scipy.stats import FitError, beta, kendalltau, triang

from router.features import Floats
from training.benchmarks.chains import Chain

Bools = NDArray[np.bool_]
Cdf = Callable[[Floats], Floats]

ONE_GRID, TWO_GRID = 100, 20
"""Thresholds at which the integrals are tabled, for one model and for each of two."""
ONE_STEPS, TWO_STEPS = 250, 25
"""Points of each integral."""
START = (0.0, 1e-10, 1e-8, 1e-6)
"""Prices of cost that are tried first; then the last one is doubled."""
DOUBLINGS = 24
CHEAP = 1.25
"""The doubling ends when the expected cost is at most so many times what the cheapest model costs."""
WIDEST = 0.1
"""Between two neighbouring policies' thresholds at most this share of the training confidences may lie."""
INSIDE = 1e-3
"""Thresholds stay so far inside the range of the confidences."""

ROUNDS = 10_000
_STILL = 1e-6


class MarkovCopula:
    """The joint model of K models' calibrated confidences, fitted to ``confidence`` (n, K).

    ``rounds`` of expectation and maximisation are made at most for each mixture.
    """

    def __init__(self, confidence: Floats, *, rounds: int = ROUNDS) -> None:
        self.confidence = confidence
        self.low, self.high = confidence.min(axis=0), confidence.max(axis=0)
        self.at_low = (confidence == self.low).mean(axis=0)
        self.at_high = (confidence == self.high).mean(axis=0)
        self._smooth = [_beta_mixture(_inside(column), rounds) for column in confidence.T]
        self._one = [self._single(rank) for rank in range(confidence.shape[1])]
        models = range(confidence.shape[1])
        self._two = {(one, other): self._pair(one, other) for one in models for other in models if one < other}

    def thresholds(self, chain: Chain, costs: Floats) -> Floats:
        """The optimal thresholds (m, k - 1) over rising prices of cost; ``costs`` (K,) per call, in USD per million."""
        ranks = list(chain[:-1])
        bounds = list(zip(self.low[ranks] + INSIDE, self.high[ranks] - INSIDE, strict=True))
        middle = np.mean(bounds, axis=1)
        found: list[Floats] = []

        def solve(price: float) -> float:
            def loss(bars: Floats) -> float:
                correct, cost = self.expected(chain, bars, costs)
                return 1 - correct + price * cost

            found.append(np.asarray(minimize(loss, middle, method="L-BFGS-B", bounds=bounds).x))
            return self.expected(chain, found[-1], costs)[1]

        cost = [solve(price) for price in START][-1]
        price = START[-1]
        for _ in range(DOUBLINGS):
            if cost <= CHEAP * costs[0]:  # of all models the first, whether or not the chain has it, as in their code
                break
            price *= 2
            cost = solve(price)
        return _filled(found, self.confidence[:, ranks])

    def expected(self, chain: Chain, bars: Floats, costs: Floats) -> tuple[float, float]:
        """Expected correctness and cost of a chain with the thresholds ``bars`` (k - 1,)."""
        paid = np.cumsum(costs[list(chain)])
        on = float(self._below(chain[0], bars[0]))
        correct, cost = self._one[chain[0]](bars[0]), (1 - on) * paid[0]
        for place in range(1, len(chain) - 1):
            pair = self._two[chain[place - 1], chain[place]]
            deferred = float(pair.deferred(bars[place - 1], bars[place]))
            correct += on * pair.correct(bars[place - 1], bars[place])
            cost += on * (1 - deferred) * paid[place]
            on *= deferred
        last = self._two[chain[-2], chain[-1]]
        return float(correct + on * last.correct(bars[-1], self.low[chain[-1]])), float(cost + on * paid[-1])

    def _below(self, rank: int, bar: Floats | float) -> Floats:
        """P(confidence <= bar), for bars below the highest confidence."""
        smooth = 1 - self.at_low[rank] - self.at_high[rank]
        return np.asarray(self.at_low[rank] + smooth * self._smooth[rank](np.asarray(bar)))

    def _single(self, rank: int) -> Callable[[float], float]:
        """E[confidence; confidence > bar], tabled."""
        bars = np.linspace(self.low[rank], self.high[rank], ONE_GRID)
        top = self.high[rank] * self.at_high[rank]
        table = np.full(ONE_GRID, top)
        for place, bar in enumerate(bars[:-1]):
            at = np.linspace(bar, self.high[rank], ONE_STEPS)
            table[place] += _integral(at, self._below(rank, at))
        table[0] += self.low[rank] * self.at_low[rank]
        return lambda bar: float(np.interp(bar, bars, table))

    def _pair(self, one: int, other: int) -> _Pair:
        first, second = self.confidence[:, one], self.confidence[:, other]
        ends = [(x == x.min(), x == x.max()) for x in (first, second)]
        (low, high), (low_, high_) = ends
        between, between_ = ~(low | high), ~(low_ | high_)
        both = between & between_
        tau = float(kendalltau(first[both], second[both])[0])
        range_, range__ = (self.low[one], self.high[one]), (self.low[other], self.high[other])
        pair = _Pair(
            theta=1 / (1 - tau),
            low_low=float((low & low_).mean()),
            low_high=float((low & high_).mean()),
            low_smooth=float((low & between_).mean()),
            smooth_low=float((between & low_).mean()),
            smooth_high=float((between & high_).mean()),
            smooth_smooth=float(both.mean()),
            first_given_low=_edge(first[between & low_], range_),
            first_given_high=_edge(first[between & high_], range_),
            second_given_low=_edge(second[low & between_], range__),
            below=lambda bar: self._below(one, bar),
            smooth=(self._smooth[one], self._smooth[other]),
            grids=(np.linspace(*range_, TWO_GRID), np.linspace(*range__, TWO_GRID)),
            table=np.zeros((TWO_GRID, TWO_GRID)),
        )
        pair.fill()
        return pair


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """Two confidences: the shares of cases by whether each is at its low end, its high end, or between (smooth), and
    how they are distributed there. ``table`` is E[second; second > bar | first <= bar].
    """

    theta: float
    low_low: float
    low_high: float
    low_smooth: float
    smooth_low: float
    smooth_high: float
    smooth_smooth: float
    first_given_low: Cdf
    first_given_high: Cdf
    second_given_low: Cdf
    below: Callable[[float], Floats]
    smooth: tuple[Cdf, Cdf]
    grids: tuple[Floats, Floats]
    table: Floats

    def deferred(self, bar: float, next_bar: Floats | float) -> Floats:
        """P(second <= next_bar | first <= bar)."""
        one, other = self.smooth[0](np.asarray(bar)), self.smooth[1](np.asarray(next_bar))
        if self.theta > 1:
            with np.errstate(divide="ignore"):
                sums = (-np.log(one)) ** self.theta + (-np.log(other)) ** self.theta
            joint = np.exp(-(sums ** (1 / self.theta)))
        else:
            joint = one * other
        mass = (
            self.low_low
            + self.smooth_low * self.first_given_low(np.asarray(bar))
            + self.low_smooth * self.second_given_low(np.asarray(next_bar))
            + self.smooth_smooth * joint
        )
        return np.asarray(mass / self.below(bar))

    def correct(self, bar: float, next_bar: float) -> float:
        """The table between its points: straight along both axes, without their product, as in their code."""
        place, share = _between(self.grids[0], bar)
        place_, share_ = _between(self.grids[1], next_bar)
        here = self.table[place, place_]
        along = self.table[min(place + 1, TWO_GRID - 1), place_] - here
        across = self.table[place, min(place_ + 1, TWO_GRID - 1)] - here
        return float(here + share * along + share_ * across)

    def fill(self) -> None:
        """Reckon the table."""
        first, second = self.grids
        for row, bar in enumerate(first):
            under = float(self.below(bar))
            top = self.low_high + self.smooth_high * float(self.first_given_high(np.asarray(bar)))
            bottom = self.low_low + self.smooth_low * float(self.first_given_low(np.asarray(bar)))
            self.table[row] = second[-1] * top / under
            self.table[row, 0] += second[0] * bottom / under
            for column, next_bar in enumerate(second[:-1]):
                at = np.linspace(next_bar, second[-1], TWO_STEPS)
                self.table[row, column] += _integral(at, self.deferred(bar, at))


def _integral(at: Floats, below: Floats) -> float:
    """The mean of what has the distribution function ``below``, between the ends of ``at``."""
    return float(np.diff(below) @ (at[1:] + at[:-1]) / 2)


def _between(grid: Floats, value: float) -> tuple[int, float]:
    """The place of the grid's point at or below ``value``, and how far it is to the next."""
    steps = float((min(max(value, grid[0]), grid[-1]) - grid[0]) / (grid[1] - grid[0]))
    place = min(int(steps), len(grid) - 1)
    return place, steps - place


def _inside(values: Floats) -> tuple[Floats, float, float]:
    """The values between their least and their largest, and these."""
    low, high = float(values.min()), float(values.max())
    return values[(values > low) & (values < high)], low, high


def _beta_mixture(given: tuple[Floats, float, float], rounds: int) -> Cdf:
    """The distribution function of two beta distributions on [low, high], fitted by expectation and maximisation."""
    values, low, high = given
    x = (values - low) / (high - low)
    logs, others, scale = np.log(x), np.log1p(-x), np.log(high - low)

    def density(a: float, b: float) -> Floats:
        return np.asarray(np.exp((a - 1) * logs + (b - 1) * others - betaln(a, b) - scale))

    def refit(weight: Floats, a: float, b: float) -> tuple[float, float]:
        def loss(at: Floats) -> float:
            return -float(weight @ ((at[0] - 1) * logs + (at[1] - 1) * others - betaln(at[0], at[1]) - scale))

        bounds = [(1e-5, None)] * 2
        found = minimize(loss, [a, b], bounds=bounds, options={"maxiter": ROUNDS}, tol=_STILL).x
        return float(found[0]), float(found[1])

    share, one, other = 0.5, (2.0, 5.0), (5.0, 2.0)
    before = np.inf
    for _ in range(rounds):
        first, second = share * density(*one), (1 - share) * density(*other)
        total = np.maximum(first + second, 1e-6)
        likely = float(np.log(total).sum())
        share_, one_, other_ = float((first / total).mean()), refit(first / total, *one), refit(second / total, *other)
        if abs(likely - before) < _STILL:
            break
        before, share, one, other = likely, share_, one_, other_

    def below(bar: Floats) -> Floats:
        at = np.minimum(np.maximum((bar - low) / (high - low), 0.0), 1.0)  # on single numbers np.clip is slow
        return np.asarray(share * betainc(*one, at) + (1 - share) * betainc(*other, at))

    return below


def _edge(values: Floats, ends: tuple[float, float]) -> Cdf:
    """How one confidence is distributed where the other is at an end: a beta distribution, or what can be fitted."""
    low, width = ends[0], ends[1] - ends[0]
    if not len(values):
        return lambda bar: np.asarray((bar - low) / width)
    try:
        with np.errstate(all="ignore"):
            a, b, *_ = beta.fit(values, floc=low, fscale=width)
    except FitError:
        top = float(triang.fit(values, floc=low, fscale=width)[0])
        return lambda bar: _triangle((bar - low) / width, top)
    return lambda bar: np.asarray(betainc(a, b, np.minimum(np.maximum((bar - low) / width, 0.0), 1.0)))


def _triangle(at: Floats, top: float) -> Floats:
    """The distribution function on [0, 1] of the density that rises to ``top`` and falls again."""
    inside = np.minimum(np.maximum(at, 0.0), 1.0)
    rising, falling = inside**2 / max(top, 1e-12), 1 - (1 - inside) ** 2 / max(1 - top, 1e-12)
    return np.asarray(np.where(inside < top, rising, falling))


def _filled(thresholds: list[Floats], confidence: Floats) -> Floats:
    """Thresholds with midpoints put between neighbours that have too many confidences between them."""
    found = list(thresholds)
    place = 0
    while place < len(found) - 1:
        low, high = np.minimum(found[place], found[place + 1]), np.maximum(found[place], found[place + 1])
        if ((confidence > low) & (confidence < high)).mean(axis=0).max() > WIDEST:
            found.insert(place + 1, (found[place] + found[place + 1]) / 2)
        else:
            place += 1
    return np.array(found)
