"""A judge measured against labels that are known to be right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats

GOOD = 0.5
"""An answer is good when its quality is at least this; judges are measured on good against not good."""

DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How a judge compares with gold, NaN where it cannot be said.

    ``n``: gold answers with a verdict; ``unclear``: gold answers without. ``sensitivity``: the share of good answers
    called good; ``specificity``: of bad ones called bad. ``agreement``: the share on which judge and gold agree;
    ``kappa``: Cohen's, agreement beyond chance. ``observed``: the share of the other answers called good, over
    ``others`` of them; ``corrected``: the same, put right for the judge's errors, with a 95 % interval.
    """

    n: int
    unclear: int
    sensitivity: float
    specificity: float
    agreement: float
    kappa: float
    others: int
    observed: float
    corrected: float
    interval: tuple[float, float]


def rogan_gladen(observed: float, *, sensitivity: float, specificity: float) -> float:
    """Correct an observed share for a judge's errors: (q + r - 1) / (s + r - 1), within [0, 1] (Rogan, Gladen 1978).

    NaN for a judge no better than chance, s + r <= 1, of whose verdicts nothing can be made. For means only: single
    labels are not corrected.
    """
    skill = sensitivity + specificity - 1
    if math.isnan(skill) or skill <= 0:
        return math.nan
    return min(max((observed + specificity - 1) / skill, 0.0), 1.0)


def kappa(judged: Floats, gold: Floats) -> float:
    """Cohen's kappa of two vectors of zeros and ones; NaN where both say the same of everything."""
    if not len(judged):
        return math.nan
    agreement = float(np.mean(judged == gold))
    a, b = float(judged.mean()), float(gold.mean())
    chance = a * b + (1 - a) * (1 - b)
    return math.nan if chance >= 1 else (agreement - chance) / (1 - chance)


def measure(
    judged: Floats, gold: Floats, others: Floats, *, keys: Sequence[str] | None = None, seed: int = 0
) -> Measured:
    """Measure a judge: ``judged`` and ``gold`` (n,) qualities of the same answers, ``others`` (m,) its other verdicts.

    Verdicts that are NaN are counted and left out. ``keys`` (n,) names what rows of gold belong together, a query say,
    for the interval, which is a percentile bootstrap over both samples.

    Raises:
        InputError: ``judged`` and ``gold`` differ in length, or a gold label is NaN.
    """
    if len(judged) != len(gold) or np.isnan(gold).any():
        raise InputError("each gold label needs a verdict beside it, and must be a number")
    clear = ~np.isnan(judged)
    said, true = judged[clear] >= GOOD, gold[clear] >= GOOD
    rest = (others[~np.isnan(others)] >= GOOD).astype(float)
    cluster = np.unique(np.asarray(keys)[clear], return_inverse=True)[1] if keys is not None else np.arange(len(said))
    # Per cluster: good called good, good, bad called bad, bad.
    counts = np.stack(
        [np.bincount(cluster, weights=each) for each in (said & true, true, ~said & ~true, ~true)], axis=1
    ).astype(float)
    sensitivity, specificity = _rates(counts.sum(axis=0))
    observed = float(rest.mean()) if len(rest) else math.nan
    return Measured(
        n=int(clear.sum()),
        unclear=int(len(clear) - clear.sum()),
        sensitivity=sensitivity,
        specificity=specificity,
        agreement=float(np.mean(said == true)) if len(said) else math.nan,
        kappa=kappa(said.astype(float), true.astype(float)),
        others=len(rest),
        observed=observed,
        corrected=rogan_gladen(observed, sensitivity=sensitivity, specificity=specificity),
        interval=_interval(counts, rest, seed=seed),
    )


def _rates(counts: Floats) -> tuple[float, float]:
    """Sensitivity and specificity from the four sums."""
    right_good, good, right_bad, bad = counts.tolist()
    return right_good / good if good else math.nan, right_bad / bad if bad else math.nan


def _interval(counts: Floats, rest: Floats, *, seed: int) -> tuple[float, float]:
    """A 95 % interval of the corrected share; NaN where more than a twentieth of the draws give none."""
    if not len(counts) or not len(rest):
        return math.nan, math.nan
    random = np.random.default_rng(seed)
    drawn = random.binomial(len(rest), rest.mean(), DRAWS) / len(rest)
    found = []
    for share in drawn:
        sensitivity, specificity = _rates(counts[random.integers(0, len(counts), len(counts))].sum(axis=0))
        found.append(rogan_gladen(float(share), sensitivity=sensitivity, specificity=specificity))
    values = np.array(found)
    values = values[~np.isnan(values)]
    if len(values) < 0.95 * DRAWS:
        return math.nan, math.nan
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
