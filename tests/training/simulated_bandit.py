"""Simulated bandit logs with known truth, for tests only: full information first, of which a log then shows a part."""

from __future__ import annotations

import numpy as np

from router.features import Floats
from training.bandit import BanditLog
from training.table import Table

TIERS = ("small", "medium", "large")
COSTS = (100.0, 400.0, 2000.0)


def full(n: int, *, seed: int, lie: float = 0.0) -> Table:
    """``n`` requests with every tier's outcome; ``lie`` is added to what the chances promise of stronger tiers."""
    rng = np.random.default_rng(seed)
    easy = rng.normal(0.0, 1.0, n)
    truth = 1 / (1 + np.exp(-(easy[:, None] * 1.5 + np.array([0.0, 0.8, 1.8]))))
    quality = (rng.random((n, 3)) < truth).astype(float)
    cost = np.array(COSTS) * rng.uniform(0.5, 1.5, (n, 3))
    chances, expected = {}, {}
    for mask in range(8):
        read = truth + rng.normal(0.0, 0.1 / (1 + mask), (n, 3))
        for rank in range(3):
            if mask >> rank & 1:
                read[:, rank] += 0.4 * (quality[:, rank] - 0.5)
            else:
                read[:, rank] += lie
        chances[mask] = np.clip(read, 0.01, 0.99)
        expected[mask] = np.tile(COSTS, (n, 1)) * (1.0 + lie)
    return Table(
        quality=quality,
        cost=cost,
        chances=chances,
        expected=expected,
        draw=rng.random(n),
        weight=np.ones(n),
        keys=tuple(f"k{row}" for row in range(n)),
    )


def logged(table: Table, *, bars: tuple[float, float], audit: float, seed: int) -> BanditLog:
    """What is seen when the small tier is always asked, and each stronger one surely after a confidence under its bar,
    else with probability ``audit``: one on top of the other, as cascades and audits run.
    """
    rng = np.random.default_rng(seed)
    second = np.where(table.chances[0b1][:, 0] < bars[0], 1.0, audit)
    third = np.where(table.chances[0b11][:, 1] < bars[1], 1.0, audit)
    seen = np.ones((len(table), 3), bool)
    seen[:, 1] = rng.random(len(table)) < second
    seen[:, 2] = seen[:, 1] & (rng.random(len(table)) < third)
    return showing(table, seen, np.column_stack((np.ones(len(table)), second, second * third)))


def showing(table: Table, seen: np.ndarray, inclusion: Floats) -> BanditLog:
    """The log that shows only ``seen`` of ``table``; all else is NaN, so that nothing unseen can be used."""

    def known(values: Floats, mask: int) -> Floats:
        asked = [rank for rank in range(3) if mask >> rank & 1]
        return np.where(seen[:, asked].all(axis=1)[:, None], values, np.nan)

    return BanditLog(
        table=Table(
            quality=np.where(seen, table.quality, np.nan),
            cost=np.where(seen, table.cost, np.nan),
            chances={mask: known(values, mask) for mask, values in table.chances.items()},
            expected={mask: known(values, mask) for mask, values in table.expected.items()},
            draw=table.draw,
            weight=table.weight,
            keys=table.keys,
        ),
        seen=seen,
        inclusion=inclusion,
        tiers=TIERS,
    )
