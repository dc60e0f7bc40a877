"""Machines for the base load and an API for the peaks: the split that costs least."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.planner.load import PAID, SLOT, Counts, Load
from router.planner.machine import Machine
from router.planner.period import Estimate
from router.pricing import usd

Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """So many machines, the rest at the API; nano-dollars a month. ``share`` is that of the work the machines do."""

    machines: int
    own: int
    api: int
    share: float

    @property
    def total(self) -> int:
        """Both together."""
        return self.own + self.api

    def as_dict(self) -> dict[str, float | int]:
        """The same for JSON, in USD."""
        return {
            "machines": self.machines,
            "own": usd(self.own),
            "api": usd(self.api),
            "total": usd(self.total),
            "share_of_work": self.share,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """Every split from no machine to as many as the peak needs, and the ``best`` of them.

    ``api`` is what the overflow pays: a tier's prices, or what was paid. ``saved`` is the best one's against no
    machine at all.
    """

    machine: Machine
    load: Load
    api: str
    splits: tuple[Split, ...]
    best: Split
    saved: Estimate

    def near(self, count: int = 3) -> tuple[Split, ...]:
        """The splits worth reading: none, all, and ``count`` on each side of the best."""
        last = len(self.splits) - 1
        return tuple(
            split
            for place, split in enumerate(self.splits)
            if place in (0, last) or abs(place - self.best.machines) <= count
        )

    def as_dict(self) -> dict[str, object]:
        """Every figure for JSON, and what they were reckoned from; money in USD."""
        return {
            "machine": self.machine.as_dict(),
            "load": self.load.as_dict(),
            "api": self.api,
            "best": self.best.as_dict(),
            "saved": self.saved.as_dict(),
            "splits": [split.as_dict() for split in self.splits],
            "notes": list(self.load.period.notes()),
        }


def hybrid(load: Load, machine: Machine, *, api: str = PAID) -> Hybrid:
    """Find the split that costs least on the load's own quarter-hours.

    In each of them the machines do what they can and the API the rest, at the mix of that quarter of an hour, since
    whoever comes when they are full goes elsewhere, cheap or dear. Ties go to fewer machines.
    """
    cost, busy = load.cost[api], machine.busy(load)
    splits = tuple(_split(load, machine, cost, busy, count) for count in range(machine.machines(load) + 1))
    best = min(splits, key=lambda split: (split.total, split.machines))
    spared: defaultdict[int, int] = defaultdict(int)
    kept = cost - _overflow(machine, cost, busy, best.machines)
    for place, nano in enumerate(kept.tolist()):
        spared[load.period.day_of(load.period.start + place * SLOT)] += nano
    saved = load.period.estimate(spared).less(best.own)
    return Hybrid(machine=machine, load=load, api=api, splits=splits, best=best, saved=saved)


def _overflow(machine: Machine, cost: Counts, busy: Seconds, machines: int) -> Counts:
    """Nano-dollars of each slot that the API has to do (n,)."""
    over = np.maximum(busy - machines * machine.slot_seconds, 0.0)
    share = np.divide(over, busy, out=np.zeros_like(over), where=busy > 0)
    if machines == 0:
        share = np.ones_like(over)  # also what costs and fills no time, such as a call that only read cached tokens
    spent: Counts = np.rint(share * cost).astype(np.int64)
    return spent


def _split(load: Load, machine: Machine, cost: Counts, busy: Seconds, machines: int) -> Split:
    spent = int(_overflow(machine, cost, busy, machines).sum())
    done = float(np.minimum(busy, machines * machine.slot_seconds).sum())
    whole = float(busy.sum())
    return Split(
        machines=machines,
        own=machines * machine.monthly,
        api=load.period.monthly(spent),
        share=done / whole if whole else 0.0,
    )
