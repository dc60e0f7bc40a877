"""How often a tier's accepted answers are not acceptable, with an exact bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats
from training.heads import ACCEPTABLE


@dataclass(frozen=True, slots=True)
class AcceptError:
    """Of the answers accepted at a tier, how many were unacceptable; ``upper`` bounds the true share."""

    tier: str
    accepted: int
    errors: int
    upper: float


def clopper_pearson(errors: int, n: int, *, delta: float) -> float:
    """Give the exact upper bound on a share at confidence ``1 - delta`` (Clopper and Pearson 1934); 1 without data."""
    if not 0 <= errors <= n:
        raise InputError(f"{errors} errors in {n} answers is no count")
    if errors == n:
        return 1.0
    from scipy.stats import beta

    return float(beta.ppf(1 - delta, errors + 1, n - errors))


def accept_errors(
    quality: Floats,
    rank: Sequence[int],
    *,
    tiers: Sequence[str],
    keys: Sequence[str],
    delta: float = 0.1,
    seed: int = 0,
) -> tuple[AcceptError, ...]:
    """Per tier, the share of accepted answers that are unacceptable, with a Clopper-Pearson bound each.

    ``quality`` (n,) of the answers returned and the ``rank`` (n,) they came from, on rows that nothing was tuned on.
    One row per split key is counted, drawn by ``seed``. Each bound holds on its own with confidence ``1 - delta``.

    Raises:
        InputError: lengths differ or a label is missing.
    """
    quality = np.asarray(quality, float)
    if not len(quality) == len(rank) == len(keys):
        raise InputError(
            f"{len(quality)} qualities, {len(rank)} ranks and {len(keys)} split keys; pass one of each a row"
        )
    if np.isnan(quality).any():
        raise InputError("a quality is NaN; only labelled rows can be counted")
    order = np.random.default_rng(seed).permutation(len(keys))
    chosen = list({keys[row]: row for row in order.tolist()}.values())
    ranks, bad = np.asarray(rank, int)[chosen], quality[chosen] < ACCEPTABLE
    found = []
    for place, tier in enumerate(tiers):
        here = ranks == place
        n, errors = int(here.sum()), int(bad[here].sum())
        found.append(AcceptError(tier, n, errors, clopper_pearson(errors, n, delta=delta)))
    return tuple(found)
