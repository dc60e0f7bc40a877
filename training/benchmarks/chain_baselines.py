"""What needs no learning, or knows everything, in a chain of models: the figures between which all others lie."""

from __future__ import annotations

import numpy as np

from router.features import Floats
from training.benchmarks.chains import Chain, Followed, Logs, in_order, per_million, stopped
from training.hull import Mean, hull

BARS = 40
"""Steps from 0 to 1 at which the common bar is tried, one more in all."""


def common_bar(test: Logs, chain: Chain, confidence: Floats) -> Followed:
    """One bar for every model's calibrated ``confidence`` (n, K) in its own answer."""
    own = confidence[:, list(chain[:-1])]
    bars = np.linspace(0, 1, BARS + 1)
    return in_order(test, chain, [stopped(test, chain, list((own > bar).T)) for bar in bars])


def random_mix(test: Logs, chain: Chain) -> Followed:
    """The first model alone, and the whole chain: what lies between is had by asking on at random."""
    return in_order(test, chain, [np.full(len(test), place) for place in (0, len(chain) - 1)])


def single_tiers(train: Logs, test: Logs, chain: Chain) -> Followed:
    """Each model alone, as far as no mixture of others beats it on ``train``."""
    cost, quality = per_million(train), train.quality.mean(axis=0)
    means = {rank: Mean(float(quality[rank]), float(cost[rank])) for rank in chain}
    best = hull(list(means.values()))
    ranks = [next(rank for rank, mean in means.items() if mean is vertex) for vertex in best]
    return Followed(
        cost=np.repeat(per_million(test)[ranks][:, None], len(test), axis=1), quality=test.quality[:, ranks].T
    )


def singles(train: Logs, test: Logs) -> dict[str, dict[str, float]]:
    """The cheapest model alone, the dearest, and the one that is best on ``train``: error and cost on ``test``."""
    cost, error = per_million(test), 1 - test.quality.mean(axis=0)
    ranks = {
        "always_cheap": int(per_million(train).argmin()),
        "always_strong": int(per_million(train).argmax()),
        "best_single": int(train.quality.mean(axis=0).argmax()),
    }
    return {name: {"error": float(error[rank]), "usd_per_million": float(cost[rank])} for name, rank in ranks.items()}


def oracle(test: Logs, chain: Chain) -> Followed:
    """The first model that is right is asked, alone; where none is, the cheapest. It knows the labels."""
    right = test.quality[:, list(chain)] >= test.quality[:, list(chain)].max(axis=1, keepdims=True)
    ranks = np.array(chain)[np.argmax(right, axis=1)]
    best = Followed(cost=per_million(test)[ranks][None], quality=test.quality[np.arange(len(test)), ranks][None])
    first = in_order(test, chain, [np.zeros(len(test), int)])
    return Followed(cost=np.vstack([first.cost, best.cost]), quality=np.vstack([first.quality, best.quality]))
