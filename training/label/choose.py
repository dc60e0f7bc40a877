"""Which requests to label next: some of every kind, and more of those on which the decision is nearly a tie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats, prompt_features
from router.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``rows`` (m,) to label, ascending; for all n candidates the probability of being chosen, and the kind.

    A mean over all candidates is estimated without bias by summing value / inclusion over the chosen ones, over n.
    """

    rows: NDArray[np.int64]
    inclusion: Floats
    cluster: NDArray[np.int64]

    @property
    def weight(self) -> Floats:
        """One over the inclusion probability of each chosen row, (m,)."""
        return 1.0 / self.inclusion[self.rows]


def choose(
    count: int,
    *,
    cluster: NDArray[np.int64],
    margin: Floats,
    width: float | None = None,
    seed: int = 0,
) -> Choice:
    """Choose ``count`` of n candidates: half of the chances spread evenly over the kinds of prompt, half by near ties.

    ``cluster`` (n,) is each candidate's kind. ``margin`` (n,) is A, how far its decision is from a tie; NaN, where that
    is not known, counts as a tie. The chances of near ties are in proportion to exp(-|A| / ``width``), the width being
    the median |A| unless given. One systematic draw through the candidates, kind by kind, gives each its inclusion
    probability exactly, a fixed number of rows, and every kind its share to within one (Madow 1949).

    Raises:
        InputError: there are fewer candidates than ``count``, or count or width are not positive.
    """
    n = len(margin)
    inclusion = inclusion_of(count, margin=margin, width=width)
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(n), cluster))
    sure, open_ = order[inclusion[order] >= 1], order[inclusion[order] < 1]
    rows = np.concatenate([sure, open_[_ticked(inclusion[open_], count - len(sure), random.random())]])
    return Choice(rows=np.sort(rows), inclusion=inclusion, cluster=cluster)


def inclusion_of(count: int, *, margin: Floats, width: float | None = None) -> Floats:
    """The probability of each of n candidates, (n,), with which ``count`` of them are chosen: see :func:`choose`.

    Raises:
        InputError: there are fewer candidates than ``count``, or count or width are not positive.
    """
    n = len(margin)
    if not 1 <= count <= n:
        raise InputError(f"{count} requests cannot be chosen from {n} candidates; ask for 1 to {n}")
    if width is not None and not 0 < width < math.inf:
        raise InputError(f"the width must be above 0, not {width}")
    distance = np.abs(np.nan_to_num(margin, nan=0.0))
    h = width if width is not None else max(float(np.median(distance)), 1e-6)
    # A candidate far from a tie must keep a chance above zero, or its weight would be infinite: the even half is that.
    near = np.exp(-(distance - distance.min()) / h)
    return _filled(0.5 / n + 0.5 * near / near.sum(), count)


def _ticked(inclusion: Floats, count: int, start: float) -> NDArray[np.int64]:
    """Places at which start, start + 1, ... fall when the probabilities are laid end to end."""
    if not count:
        return np.zeros(0, np.int64)
    edges = np.cumsum(inclusion)
    # The sum of the probabilities is the count but for rounding, which must neither lose the last row nor move it out.
    return np.searchsorted(edges * (count / edges[-1]), start + np.arange(count), side="right")


def _filled(share: Floats, count: int) -> Floats:
    """Scale shares to probabilities that sum to ``count``, none above one."""
    sure = np.zeros(len(share), bool)
    while True:
        left = count - int(sure.sum())
        scaled = np.where(sure, 1.0, left * share / share[~sure].sum() if not sure.all() else 1.0)
        over = (scaled > 1) & ~sure
        if not over.any():
            return np.asarray(scaled, float)
        sure |= over


def kinds(requests: Sequence[Request], *, count: int | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Group requests into kinds, (n,), by k-means over their hand-made prompt features, standardised.

    ``count`` is the number of kinds, by default the square root of half the requests and at most 32.
    """
    from sklearn.cluster import KMeans

    hand = np.array([prompt_features(request).hand for request in requests])
    spread = hand.std(axis=0)
    scaled = (hand - hand.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    distinct = len(np.unique(scaled, axis=0))
    wanted = count if count is not None else max(1, min(32, round(math.sqrt(len(requests) / 2))))
    fitted = KMeans(n_clusters=min(wanted, distinct), n_init=4, random_state=seed).fit(scaled)
    return np.asarray(fitted.labels_, np.int64)
