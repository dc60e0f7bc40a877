"""The population stability index: how far the spread of one quantity has moved since training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import chdtrc

from router.features import Floats

BINS = 10
SMOOTHING = 1e-4
"""Added to every share, so that an empty bin has a finite logarithm."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a quantity moved: ``psi``, and ``p_value``, the chance of one as large when nothing moved."""

    psi: float
    p_value: float
    n: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """A quantity in training: the inner ``edges`` of its bins, each bin's ``shares`` with the missing values (NaN) as
    the last, and the ``n`` values that they come from.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    n: int

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The histogram of ``values`` in bins between their deciles; ties make fewer bins."""
        known = values[~np.isnan(values)]
        places = np.linspace(0, 1, BINS + 1)[1:-1]
        edges = tuple(np.unique(np.quantile(known, places)).tolist()) if known.size else ()
        return cls(edges, tuple((_counts(values, edges) / max(len(values), 1)).tolist()), len(values))

    def shift(self, values: Floats) -> Shift:
        """How far ``values`` have moved from here."""
        return stability(np.array(self.shares), _counts(values, self.edges), n=self.n)

    def as_dict(self) -> dict[str, Any]:
        """The histogram as JSON numbers."""
        return {"edges": list(self.edges), "shares": list(self.shares), "n": self.n}


@dataclass(frozen=True, slots=True)
class Tally:
    """A name in training: the share of each, and the ``n`` that they come from."""

    shares: Mapping[str, float]
    n: int

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """The tally of ``names``."""
        return cls({name: names.count(name) / len(names) for name in sorted(set(names))}, len(names))

    def shift(self, names: Sequence[str]) -> Shift:
        """How far ``names`` have moved from here; a new name is a bin that was empty."""
        every = sorted({*self.shares, *names})
        shares = np.array([self.shares.get(name, 0.0) for name in every])
        return stability(shares, np.array([names.count(name) for name in every], float), n=self.n)

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON numbers."""
        return {"shares": dict(self.shares), "n": self.n}


def stability(shares: Floats, counts: Floats, *, n: int) -> Shift:
    """PSI = sum (a_i - e_i) ln(a_i / e_i) of actual ``counts`` against expected ``shares`` of ``n`` values.

    Without a shift PSI is about (1/n + 1/m) times a chi-square variable with one degree less than there are bins
    (Yurdakul and Naranjo, "Statistical properties of the population stability index", J. Risk Model Validation 2020):
    with few values a large one means nothing, which is what the p-value is for.
    """
    seen = float(counts.sum())
    if not seen or not n:
        return Shift(0.0, 1.0, int(seen))
    expected, actual = shares + SMOOTHING, counts / seen + SMOOTHING
    psi = float(((actual - expected) * np.log(actual / expected)).sum())
    free = int(((shares > 0) | (counts > 0)).sum()) - 1
    p_value = float(chdtrc(free, psi / (1 / n + 1 / seen))) if free else 1.0
    return Shift(psi, p_value, int(seen))


def _counts(values: Floats, edges: Sequence[float]) -> Floats:
    missing = np.isnan(values)
    places = np.searchsorted(np.array(edges), values[~missing], side="right")
    return np.append(np.bincount(places, minlength=len(edges) + 1), missing.sum()).astype(float)
