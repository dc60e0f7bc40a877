"""Testing by betting: evidence that a bounded mean is above zero, valid at any sample size.

A gambler starts with one unit and bets on the sign of each value. When the mean is at most zero no way of betting is
expected to gain, so by Ville's inequality the wealth ever reaches ``1 / delta`` with probability at most ``delta``.
That holds for every bet in ``[0, 1 / -low]`` that is fixed before its value is seen; how cleverly it is chosen decides
only how few values are needed (Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by
betting").
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from router.errors import InputError
from router.features import Floats

Bets = Literal["recalculated", "plain"]
"""How the bets of :func:`log_wealth` are sized."""

MOST = 0.9
"""The largest bet, as a share of the one that a single worst value would ruin."""

_NEED = 0.05  # nats still asked for once the target is all but reached: a bet of nothing would never reach it

_SCALES = tuple(0.99 * 0.72**step for step in range(14))
"""The bets of an :class:`EProcess`, as shares of the largest: from nearly all down to about one in seventy."""


def log_wealth(
    values: Floats,
    *,
    low: float,
    high: float,
    delta: float,
    bets: Bets = "recalculated",
    variance: float | None = None,
) -> Floats:
    """The gambler's log wealth after each value, under bets sized to reach ``1 / delta`` within the sample.

    ``values`` (..., n) in [``low``, ``high``] with ``low < 0``, in an order fixed without looking at them; the result
    has the same shape, each row a game of its own. ``variance`` is the guess before any value is seen, a quarter of
    the squared range unless given (it must not come from these values).

    *plain* are the predictable plug-in bets ``sqrt(2 ln(1/delta) / (n v_t))`` of Waudby-Smith and Ramdas.
    *recalculated* ask at each value for what is still missing, over the values still to come:
    ``sqrt(2 (ln(1/delta) - ln W_t) / ((n - t) v_t))``, which is the principle of Voracek and Orabona ("STaR-Bets:
    Sequential Target-Recalculating Bets for Tighter Confidence Intervals", NeurIPS 2025, arXiv 2505.22422) but not
    their algorithm: where that stops betting at the target, these go on with the plain bets, and their results on
    optimal width are not claimed. Here ``v_t`` is the variance of the values before ``t``. Both depend on the past
    alone, and that is all that validity rests on.
    """
    values = np.asarray(values, float)
    n = values.shape[-1]
    if n == 0:
        return values.copy()
    wanted = math.log(1 / delta)
    spread = high - low
    mean = np.full(values.shape[:-1], low + spread / 2)
    square = np.full(values.shape[:-1], spread**2 / 4 if variance is None else variance)
    most = MOST / -low
    wealth = np.zeros(values.shape[:-1])
    reached = np.zeros(values.shape[:-1], bool)
    path = np.empty_like(values)
    for t in range(n):
        value = values[..., t]
        v = np.maximum(square / (t + 1), 1e-12)
        bet = np.sqrt(2 * wanted / (n * v))
        if bets == "recalculated":
            missing = np.maximum(wanted - wealth, _NEED)
            bet = np.where(reached, bet, np.sqrt(2 * missing / ((n - t) * v)))
        wealth = wealth + np.log1p(np.minimum(bet, most) * value)
        reached |= wealth >= wanted
        path[..., t] = wealth
        mean = mean + (value - mean) / (t + 2)
        square = square + (value - mean) ** 2
    return path


def wsr_pvalue(
    values: Floats,
    *,
    low: float,
    high: float,
    delta: float,
    bets: Bets = "recalculated",
    variance: float | None = None,
) -> float:
    """The p-value of ``H0: E[values] <= 0`` by betting: one over the largest wealth ever held, at most 1.

    ``values`` (n,) are independent, in [``low``, ``high``], in an order fixed without looking at them. ``delta`` is the
    level that the bets aim at; the p-value is valid at every level. Without values it is 1, and 0 when ``low`` is
    above zero, since the null then cannot hold.

    Raises:
        InputError: a value is missing or outside its range, or the range or level makes no sense.
    """
    return float(
        wsr_pvalues(np.asarray(values, float)[None], low=low, high=high, delta=delta, bets=bets, variance=variance)[0]
    )


def wsr_pvalues(
    values: Floats,
    *,
    low: float,
    high: float,
    delta: float,
    bets: Bets = "recalculated",
    variance: float | None = None,
) -> Floats:
    """:func:`wsr_pvalue` of each row of ``values`` (m, n); the shape of the result is (m,)."""
    values = _checked(values, low=low, high=high)
    if not 0 < delta < 1:
        raise InputError(f"delta is the chance of a wrong statement, between 0 and 1, not {delta}")
    if not values.shape[-1]:
        return np.ones(values.shape[0])
    if low > 0:
        return np.zeros(values.shape[0])
    if low == 0:
        # No value is negative, so nothing can be lost and any positive one settles it; a bet has no natural limit.
        return 1.0 - (values > 0).any(axis=-1).astype(float)
    path = log_wealth(values, low=low, high=high, delta=delta, bets=bets, variance=variance)
    found: Floats = np.minimum(1.0, np.exp(-path.max(axis=-1)))
    return found


def _checked(values: Floats, *, low: float, high: float) -> Floats:
    values = np.asarray(values, float)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"values are bet on within a range low < high, not [{low}, {high}]")
    if np.isnan(values).any():
        raise InputError("a value is NaN: only labelled rows can be tested; leave the others out")
    slack = 1e-9 * (high - low)
    if values.size and (values.min() < low - slack or values.max() > high + slack):
        raise InputError(
            f"values from {values.min():g} to {values.max():g} are outside the stated range [{low:g}, {high:g}]"
        )
    return np.clip(values, low, high)


class EProcess:
    """Evidence against ``H0: E[values] <= 0`` that may be looked at after every value, forever.

    The wealth of a gambler who splits one unit evenly over fixed bets of several sizes: under the null it ever reaches
    ``1 / delta`` with probability at most ``delta`` (Ville), however long it runs and whenever one looks. ``low`` < 0
    is the least that a value can be. For an alarm "quality fell below ``target``" feed it ``target - quality`` with
    ``low=target - 1``. With audits taken with probability ``e`` feed ``(target - quality) / e``, and divide ``low`` by
    the least ``e``.

    >>> process = EProcess(low=-1.0)
    >>> process.update([1.0] * 10)
    >>> process.crossed(0.05), EProcess(low=-1.0).crossed(0.05)
    (True, False)
    """

    def __init__(self, *, low: float) -> None:
        if not (math.isfinite(low) and low < 0):
            raise InputError(f"low is the least that a value can be, below 0, not {low}")
        self.low = low
        self.count = 0
        self.peak = 0.0
        self._logs = np.zeros(len(_SCALES))

    @property
    def log_wealth(self) -> float:
        """The natural logarithm of the wealth held now."""
        most = float(self._logs.max())
        return most + math.log(float(np.exp(self._logs - most).mean()))

    def update(self, values: Iterable[float]) -> None:
        """Bet on ``values`` in order.

        Raises:
            InputError: a value is missing or below ``low``; nothing of ``values`` was bet on.
        """
        new = np.array(list(values), float)
        if np.isnan(new).any():
            raise InputError("a value is NaN: only labelled audits can be bet on; leave the others out")
        if not np.isfinite(new).all() or (new.size and new.min() < self.low * (1 + 1e-9)):
            raise InputError(f"a value is below the stated least, {self.low:g}, or not finite")
        if not new.size:
            return
        steps = np.log1p(np.outer(np.maximum(new, self.low), np.array(_SCALES) / -self.low))
        paths = self._logs + np.cumsum(steps, axis=0)
        most = paths.max(axis=1, keepdims=True)
        wealth = most[:, 0] + np.log(np.exp(paths - most).mean(axis=1))
        self.peak = max(self.peak, float(wealth.max()))
        self._logs = paths[-1]
        self.count += new.size

    def crossed(self, delta: float) -> bool:
        """Whether the wealth has ever reached ``1 / delta``."""
        return self.peak >= math.log(1 / delta)

    @property
    def p_value(self) -> float:
        """One over the largest wealth ever held: a p-value at any time."""
        return math.exp(-self.peak)
