"""Cutting columns into a few dozen intervals, which is all that a tree looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.features import Floats

MOST = 63


@dataclass(frozen=True)
class Bins:
    """The ascending inner edges of each column's intervals; a number up to an edge is below it."""

    edges: tuple[Floats, ...]

    def codes(self, matrix: Floats) -> Floats:
        """Each number's interval, from 0, as (n, d); NaN stays NaN."""
        columns = [
            np.where(np.isnan(column), np.nan, np.searchsorted(edges, column))
            for edges, column in zip(self.edges, matrix.T, strict=True)
        ]
        return np.column_stack(columns)

    def threshold(self, column: int, code: float) -> float:
        """The number up to which the intervals of ``column`` up to ``code`` reach."""
        edges = self.edges[column]
        place = np.floor(code)
        return float(edges[int(place)]) if place < len(edges) else np.inf


def fit_bins(matrix: Floats) -> Bins:
    """Up to :data:`MOST` intervals a column: one a value where there are few values, else of equal counts.

    scikit-learn's own binning of weighted rows takes longer than growing the trees.
    """
    return Bins(tuple(map(_edges, matrix.T)))


def _edges(column: Floats) -> Floats:
    known = column[~np.isnan(column)]
    values = np.unique(known)
    if len(values) <= MOST:
        middle: Floats = (values[1:] + values[:-1]) / 2
        return middle
    inner: Floats = np.unique(np.quantile(known, np.linspace(0, 1, MOST + 1)[1:-1], method="averaged_inverted_cdf"))
    return inner
