"""The population stability index: how far the spread of one quantity has moved since training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from router.features import Floats

BINS = 10
DRAWS = 1999
"""Permutations by which a PSI's p-value is found, down to 1 in 2,000."""

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

    Without any shift PSI is about (1/n + 1/m) times a chi-square variable of one degree less than there are bins
    (Yurdakul and Naranjo, "Statistical properties of the population stability index", J. Risk Model Validation 2020),
    and more where bins may be empty: so with few values a large one means nothing. The p-value is by permutation of
    training and now, drawn as hypergeometric counts.
    """
    now = counts.astype(int)
    then = np.round(shares * n).astype(int)
    if not now.sum() or not then.sum():
        return Shift(0.0, 1.0, int(now.sum()))
    psi = float(_psi(shares, counts / counts.sum()))
    both = then + now
    drawn = np.random.default_rng(0).multivariate_hypergeometric(both, int(now.sum()), size=DRAWS, method="marginals")
    found = _psi((both - drawn) / then.sum(), drawn / now.sum())
    return Shift(psi, float((1 + np.count_nonzero(found >= psi - 1e-12)) / (1 + DRAWS)), int(now.sum()))


def _psi(expected: Floats, actual: Floats) -> Floats:
    smooth, other = expected + SMOOTHING, actual + SMOOTHING
    found: Floats = ((other - smooth) * np.log(other / smooth)).sum(axis=-1)
    return found


def _counts(values: Floats, edges: Sequence[float]) -> Floats:
    missing = np.isnan(values)
    places = np.searchsorted(np.array(edges), values[~missing], side="right")
    return np.append(np.bincount(places, minlength=len(edges) + 1), missing.sum()).astype(float)
