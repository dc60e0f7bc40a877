"""Standardising columns some of whose numbers are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.features import Floats


@dataclass(frozen=True)
class Standard:
    """Each column's ``mean`` (d,) and ``scale`` (d,) over its known numbers."""

    mean: Floats
    scale: Floats

    def apply(self, matrix: Floats) -> Floats:
        """Standardised columns (n, d); a missing number stands at the mean, which is 0."""
        out: Floats = (matrix - self.mean) / self.scale
        out[np.isnan(out)] = 0.0
        return out


def fit_standard(matrix: Floats, *, weight: Floats) -> Standard:
    """Weighted mean and standard deviation of each column of ``matrix`` (n, d), NaN left out.

    A column that is constant or unknown throughout has the scale 1.
    """
    known = ~np.isnan(matrix)
    mass = weight @ known
    filled = np.where(known, matrix, 0.0)
    mean = (weight @ filled) / np.maximum(mass, np.finfo(float).tiny)
    centred = np.where(known, matrix - mean, 0.0)
    spread = np.sqrt((weight @ centred**2) / np.maximum(mass, np.finfo(float).tiny))
    scale = np.where(spread > 1e-9 * np.maximum(np.abs(mean), 1.0), spread, 1.0)
    return Standard(mean, scale)
