"""The certificate: which of the tuned rules is good enough, with what certainty, and under which assumption."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.errors import InputError
from router.features import Floats
from router.pricing import NANO
from training.betting import MOST, wsr_pvalue
from training.certificate import Certificate, Goal, Method, Sample, Tested, Trial, statement

__all__ = ["Certificate", "Goal", "Method", "Tested", "Trial", "certify", "labels_needed", "t_pvalue"]


@dataclass(frozen=True)
class _Values:
    """What is bet on: values with a known range, one per independent observation."""

    values: Floats
    low: float
    high: float
    variance: float | None


def certify(
    trials: Sequence[Trial],
    *,
    strong: Floats,
    keys: Sequence[str],
    goal: Goal,
    seed: int = 0,
    weight: Floats | None = None,
    w_max: float = 1.0,
) -> Certificate:
    """Walk down ``trials``, safest first, until one fails ``goal``; the last that passed is certified.

    Fixed-sequence testing: the order was settled on other rows, so testing on after every pass, and stopping at the
    first failure, errs with probability at most ``goal.delta`` over the whole list. Per rule the values are
    ``Z = Y - share * Y_strong`` (or ``Y - quality``), and for a budget ``B - min(C, cost_limit)``, with null
    ``E[Z] <= 0``; with both, the larger p-value counts. Rows that share a split key are averaged to one observation
    first, since the test needs independent ones. The order of betting is drawn by ``seed``, the same for every rule.

    ``strong`` (n,) is the strongest tier's quality. ``weight`` (n,): rows of a bandit log stand for
    ``1 / inclusion`` requests, known to be at most ``w_max`` (which widens the range of the values by as much).
    With a budget in the goal, trials that the training rows put over it do not belong in the list: the first failure
    ends the walk.

    Raises:
        InputError: lengths differ, a label is missing (NaN), or a quality or a weight is outside its range.
    """
    if not trials:
        raise InputError("there is no rule to certify; pass at least one")
    columns = {"the strongest tier's quality": np.asarray(strong, float)}
    for trial in trials:
        columns[f"the quality of {trial.label!r}"] = np.asarray(trial.quality, float)
    _check(columns, len(keys), high=1.0)
    _check({f"the cost of {trial.label!r}": np.asarray(trial.cost, float) for trial in trials}, len(keys))
    weights = np.ones(len(keys)) if weight is None else np.asarray(weight, float)
    _check({"weight": weights}, len(keys), high=w_max)
    clusters = _Clusters.of(keys, weights, seed)

    tested: list[Tested] = []
    for trial in trials:
        step = _test(trial, np.asarray(strong, float), clusters, goal, w_max)
        tested.append(step)
        if not step.passed:
            break
    passed = sum(step.passed for step in tested)
    chosen = passed - 1 if passed else None
    certified = any(not trial.strongest for trial in trials[:passed])
    failed = tested[-1] if not tested[-1].passed else None
    needed = None if failed is None else labels_needed(failed.mean, failed.variance, goal.delta, more_than=clusters.n)
    sample = Sample(clusters.n, len(keys), weighted=not np.array_equal(weights, np.ones(len(keys))))
    return Certificate(
        certified=certified,
        chosen=chosen,
        statement=statement(tested, chosen, goal, sample, certified=certified, needed=needed),
        p_value=max(step.p_value for step in tested[:passed]) if certified else tested[-1].p_value,
        tested=tuple(tested),
        labels_needed=needed,
        goal=goal,
        n=clusters.n,
    )


def labels_needed(mean: float, variance: float, delta: float, *, more_than: int = 0) -> int | None:
    """About how many observations certify values of this mean and variance: ``2 ln(1/delta) Var(Z) / E[Z]^2``.

    With so many the test passes about every other time. It is at least what the largest bet allowed needs where every
    value is the mean: a few values that hardly vary look better than they are, since the rare bad one is not among
    them yet. None when the mean is not above zero: no number of labels proves what does not hold. ``more_than`` is a
    sample that did not do.
    """
    if not mean > 1e-12:
        return None
    wanted = math.log(1 / delta)
    least = wanted / math.log1p(MOST * mean)
    return max(math.ceil(2 * wanted * variance / mean**2), math.ceil(least), more_than + 1)


def t_pvalue(values: Floats) -> float:
    """The p-value of ``H0: E[values] <= 0`` by a one-sided t-test: right as the sample grows, optimistic in small ones.

    With fewer than two values, or values that do not vary, nothing is known and it is 1.
    """
    n = len(values)
    if n < 2:
        return 1.0
    spread = float(values.std(ddof=1))
    if spread < 1e-12:
        return 1.0
    from scipy.stats import t

    return float(t.sf(values.mean() / spread * math.sqrt(n), n - 1))


@dataclass(frozen=True)
class _Clusters:
    """Rows by split key: ``place`` (rows,) is each row's cluster in the order of betting."""

    place: Any
    size: Floats
    weight: Floats

    @property
    def n(self) -> int:
        return len(self.size)

    @classmethod
    def of(cls, keys: Sequence[str], weight: Floats, seed: int) -> _Clusters:
        """Sorted by key and then shuffled by ``seed``, so that the order of the rows does not matter."""
        unique, place = np.unique(np.array(keys, str), return_inverse=True)
        shuffled = np.random.default_rng(seed).permutation(len(unique))[place]
        return cls(shuffled, np.bincount(shuffled, minlength=len(unique)).astype(float), weight)

    def averaged(self, values: Floats) -> Floats:
        """The weighted values, averaged within each cluster."""
        found: Floats = np.bincount(self.place, weights=values * self.weight, minlength=self.n) / self.size
        return found

    def mean(self, values: Floats) -> float:
        """The mean over clusters."""
        return float(self.averaged(values).mean() / self.averaged(np.ones(len(values))).mean())


def _test(trial: Trial, strong: Floats, clusters: _Clusters, goal: Goal, w_max: float) -> Tested:
    quality, cost = np.asarray(trial.quality, float), np.asarray(trial.cost, float)
    asked: list[tuple[_Values, float]] = []
    if goal.share is not None:
        values = _values(clusters, quality - goal.share * strong, -goal.share, 1.0, w_max)
        free = trial.strongest and goal.share <= 1
        asked.append((values, 0.0 if free else _p_value(values, goal)))
    if goal.quality is not None:
        values = _values(clusters, quality - goal.quality, -goal.quality, 1.0 - goal.quality, w_max)
        asked.append((values, _p_value(values, goal)))
    if goal.budget is not None:
        assert goal.cost_limit is not None
        # In units of the limit, so that the range of what is bet on is about one, whatever a request costs.
        budget = goal.budget / 1000 / goal.cost_limit
        spent = np.minimum(cost / NANO / goal.cost_limit, 1.0)
        values = _values(clusters, budget - spent, budget - 1.0, budget, w_max)
        asked.append((values, _p_value(values, goal)))
    worst, p_value = max(asked, key=lambda pair: pair[1])
    empty = not len(worst.values)
    return Tested(
        label=trial.label,
        quality=math.nan if empty else clusters.mean(quality),
        cost_per_1k=math.nan if empty else clusters.mean(cost) / NANO * 1000,
        p_value=p_value,
        passed=p_value <= goal.delta,
        mean=0.0 if empty else float(worst.values.mean()),
        variance=0.0 if empty else float(worst.values.var()),
    )


def _values(clusters: _Clusters, values: Floats, low: float, high: float, w_max: float) -> _Values:
    """Weighted values can be as far out as ``w_max``, but their variance is at most ``w_max`` times the square."""
    guess = (high - low) ** 2 / 4 * w_max
    return _Values(clusters.averaged(values), min(low, low * w_max), max(high, high * w_max), guess)


def _p_value(values: _Values, goal: Goal) -> float:
    if goal.method == "asymptotic":
        return t_pvalue(values.values)
    return wsr_pvalue(
        values.values, low=values.low, high=values.high, delta=goal.delta, bets=goal.bets, variance=values.variance
    )


def _check(columns: Mapping[str, Floats], n: int, *, high: float = math.inf) -> None:
    for name, values in columns.items():
        if values.shape != (n,):
            raise InputError(f"{name} has {values.size} values for {n} split keys; pass one a row")
        if np.isnan(values).any():
            raise InputError(f"{name} is NaN in {int(np.isnan(values).sum())} rows; only labelled rows can certify")
        if n and (values.min() < 0 or values.max() > high * (1 + 1e-9)):
            raise InputError(f"{name} is outside [0, {high:g}]: it goes from {values.min():g} to {values.max():g}")
