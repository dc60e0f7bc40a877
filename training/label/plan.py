"""How many labels a target needs, reckoned from a pilot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats
from training.betting import MOST

DRAWS = 2000
_CELLS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsNeeded:
    """How many labelled queries the certificate is likely to need, and between which bounds that lies.

    ``needed`` is None where no number would do at the pilot's rates, since the policy misses the target there;
    ``interval`` is a 90 % bootstrap interval, its upper end None where the pilot cannot rule that out. ``mean`` and
    ``variance`` are of Z, the margin over the target; ``pilot`` how many queries they rest on.
    """

    needed: int | None
    interval: tuple[int | None, int | None]
    mean: float
    variance: float
    pilot: int

    def sentence(self, *, have: int = 0, split: str = "certify") -> str:
        """What it means for whoever must get the labels; ``split``, which they are for, has ``have`` already."""
        if self.needed is None:
            return (
                f"at the {self.pilot} pilot queries the policy misses the target by {-self.mean:.3f} on average, so no "
                "number of labels will certify it; aim lower or train a better policy"
            )
        low, high = self.interval
        upper = "without a bound" if high is None else f"up to {high:,}"
        lower = "1" if low is None else f"{low:,}"
        more = max(self.needed - have, 0)
        told = f"about {self.needed:,} labelled queries in split {split!r} (from {lower}, {upper}"
        told += f", by {self.pilot} pilot queries): "
        return told + (f"{more:,} more than the {have:,} there are" if more else f"the {have:,} there should do")


def labels_needed(
    margin: Floats,
    *,
    delta: float = 0.1,
    weight: Floats | None = None,
    keys: Sequence[str] | None = None,
    seed: int = 0,
) -> LabelsNeeded:
    """Reckon the labels needed from ``margin`` (n,), Z = quality of the policy - share * quality of the strongest tier.

    n is about 2 ln(1/delta) Var(Z) / mean(Z)^2, the number at which a betting test of E[Z] <= 0 usually rejects at
    level ``delta``; at least ln(1/delta) / ln(1 + 0.9 mean(Z)), below which not even the largest bet can. ``weight``
    (n,) is one over the probability with which each pilot query was chosen. Rows that share one of ``keys`` are
    averaged to one first.

    Raises:
        InputError: fewer than two pilot queries, a NaN among them, or a delta outside (0, 1).
    """
    if not 0 < delta < 1:
        raise InputError(f"delta must be between 0 and 1, such as 0.1 for 90 % confidence, not {delta}")
    if np.isnan(margin).any():
        raise InputError("a pilot query has no quality; leave out those that are not labelled at every tier")
    counts = np.ones(len(margin)) if weight is None else np.asarray(weight, float)
    if keys is not None and len(keys):
        _, cluster = np.unique(np.asarray(keys), return_inverse=True)
        mass = np.bincount(cluster, weights=counts)
        sizes = np.bincount(cluster)
        margin, counts = np.bincount(cluster, weights=margin * counts) / mass, mass / sizes
    n = len(margin)
    if n < 2:
        raise InputError(f"a pilot needs at least 2 labelled queries, better 30; there are {n}")
    mean, variance = _moments(margin, counts)
    drawn = _bootstrapped(margin, counts, delta=delta, random=np.random.default_rng(seed))
    low, high = np.quantile(drawn, (0.05, 0.95), method="nearest")
    return LabelsNeeded(
        needed=_whole(_size(mean, variance, delta=delta)),
        interval=(_whole(float(low)), _whole(float(high))),
        mean=mean,
        variance=variance,
        pilot=n,
    )


def _bootstrapped(margin: Floats, counts: Floats, *, delta: float, random: np.random.Generator) -> Floats:
    """Sizes of resampled pilots, (DRAWS,), a few at a time so that memory stays bounded."""
    n, centre = len(margin), margin.mean()
    sizes = []
    for start in range(0, DRAWS, step := max(1, _CELLS // n)):
        chosen = random.integers(0, n, (min(step, DRAWS - start), n))
        weight, value = counts[chosen], margin[chosen] - centre
        mass = weight.sum(axis=1)
        mean = (weight * value).sum(axis=1) / mass
        variance = np.maximum((weight * value**2).sum(axis=1) / mass - mean**2, 0.0)
        sizes += [_size(m + centre, v, delta=delta) for m, v in zip(mean.tolist(), variance.tolist(), strict=True)]
    return np.array(sizes)


def _moments(values: Floats, weight: Floats) -> tuple[float, float]:
    """Weighted mean and variance."""
    mean = float(np.average(values, weights=weight))
    return mean, float(np.average((values - mean) ** 2, weights=weight))


def _size(mean: float, variance: float, *, delta: float) -> float:
    if mean <= 0:
        return math.inf
    wanted = math.log(1 / delta)
    least = wanted / math.log1p(MOST * mean)  # the largest bet there is, on values that are all the mean
    return max(2 * wanted * variance / mean**2, least)


def _whole(size: float) -> int | None:
    return math.ceil(size) if math.isfinite(size) else None
