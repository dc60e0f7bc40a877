"""The paired bootstrap: every figure of one evaluation from the same draws of whole clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.features import Floats

DRAWS = 1000

_LEVELS = (0.025, 0.975)


class Bootstrap:
    """Draws of clusters of rows that share a key; differences and ratios of two columns are paired in each draw.

    ``weight`` (n,) counts a row as so many. The draws depend on ``seed`` and the keys alone, so two calls use the same
    ones.
    """

    def __init__(self, keys: Sequence[str], *, weight: Floats | None = None, draws: int = DRAWS, seed: int = 0) -> None:
        _, self._cluster = np.unique(np.array(keys, str), return_inverse=True)
        self._weight = np.ones(len(keys)) if weight is None else weight
        self._draws, self._seed = draws, seed

    def means(self, columns: Floats) -> Floats:
        """The weighted mean of each of ``columns`` (n, s) in each draw, (draws, s)."""
        weighted = np.column_stack([columns * self._weight[:, None], self._weight])
        size = int(self._cluster.max()) + 1
        sums = np.column_stack([np.bincount(self._cluster, weights=column, minlength=size) for column in weighted.T])
        random = np.random.default_rng(self._seed)
        drawn = np.empty((self._draws, sums.shape[1]))
        for draw in range(self._draws):
            drawn[draw] = np.bincount(random.integers(0, size, size), minlength=size) @ sums
        found: Floats = drawn[:, :-1] / drawn[:, -1:]
        return found

    def interval(self, values: Floats) -> tuple[float, float]:
        """A 95 % percentile interval for the mean of ``values`` (n,)."""
        return bounds(self.means(values[:, None])[:, 0])


def bounds(drawn: Floats) -> tuple[float, float]:
    """The middle 95 % of a figure over the draws."""
    low, high = np.quantile(drawn, _LEVELS)
    return float(low), float(high)
