"""What our rules do in a chain of models: all that the policy library may do, or only what a plain cascade may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from router.features import Floats
from router.pricing import NANO, usd
from training.benchmarks.chains import Chain, Followed, Ints, Logs, in_order, per_million, stopped
from training.induction import fit_induction, prepare
from training.table import Table, walk

PRICES = 41
FINER = 4
"""Prices for in-order cascades to one for fitted rules: they need no fit."""
_WIDEST = (-2.5, 1.5)
"""Prices of cost as powers of ten of one over what the dearest model's call costs."""


@dataclass(frozen=True)
class Judged:
    """A split with the chances of its models after the answers of any set of them."""

    logs: Logs
    chances: Mapping[int, Floats]

    def table(self, chain: Chain) -> Table:
        """The same with the models of ``chain`` alone, a call costing what it costs on average."""
        ranks = list(chain)
        masks = {
            sum(1 << place for place, rank in enumerate(chain) if mask >> rank & 1): found[:, ranks]
            for mask, found in self.chances.items()
            if not mask & ~sum(1 << rank for rank in chain)
        }
        count = len(self.logs)
        cost = np.tile(self.logs.cost[ranks], (count, 1))
        return Table(
            quality=self.logs.quality[:, ranks],
            cost=cost,
            chances=masks,
            expected=dict.fromkeys(masks, cost),
            draw=np.zeros(count),
            weight=np.ones(count),
            keys=tuple(query.id for query in self.logs.queries),
        )


def prices(cost: Floats, *, count: int = PRICES) -> list[float]:
    """Quality per dollar at which rules are fitted, for models whose calls cost ``cost`` (K,) nano-dollars."""
    unit = usd(round(float(cost.max())))
    return [float(10**exponent) / unit for exponent in np.linspace(*_WIDEST, count)]


def all_actions(train: Judged, test: Judged, chain: Chain, *, fold: Ints, count: int = PRICES) -> Followed:
    """Fitted backward induction at every price, followed on ``test``; ``fold`` (n,) are the training rows'.

    It may start at any model, leave models out, and return any answer that it has. Every model that it asks is paid.
    """
    learned, asked = train.table(chain), test.table(chain)
    ready = prepare(learned, fold=fold)
    done = [walk(asked, fit_induction(ready, price)) for price in prices(learned.cost[0], count=count)]
    return Followed(
        cost=np.array([each.cost for each in done]) / NANO * 1e6, quality=np.array([each.quality for each in done])
    )


def same_actions(test: Judged, chain: Chain, *, count: int = PRICES) -> Followed:
    """At every price: ask on iff some later model's chance, less what all calls up to it cost, beats the confidence.

    Models are asked in order from the first, and the last answer is returned, as the published cascades do. The two
    ends, never and always asking on, are put beside.
    """
    cost = per_million(test.logs)[list(chain)]
    places = [
        stopped(test.logs, chain, accepted(test, chain, cost * price / 1e6))
        for price in prices(test.logs.cost[list(chain)], count=FINER * count)
    ]
    ends = [np.full(len(test.logs), place) for place in (0, len(chain) - 1)]
    return in_order(test.logs, chain, [*places, *ends])


def accepted(test: Judged, chain: Chain, cost: Floats) -> Sequence[np.typing.NDArray[np.bool_]]:
    """Per place of ``chain`` but the last, whether each answer would be accepted there; ``cost`` (k,) in quality."""
    found = []
    for place in range(len(chain) - 1):
        chances = test.chances[sum(1 << rank for rank in chain[: place + 1])]
        onward = np.cumsum(cost[place + 1 :])
        best = (chances[:, list(chain[place + 1 :])] - onward).max(axis=1)
        found.append(chances[:, chain[place]] >= best)
    return found
