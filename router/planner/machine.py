"""A machine that answers and is paid by the hour."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.planner.load import SLOT, Load
from router.planner.period import month_of_hours
from router.pricing import NANO, Rates, self_hosted, usd

_COUNTED = 1e9  # machines; more are told by their magnitude

HIGHEST_HOURLY = 1_000_000 * NANO
"""Nano-dollars; above it somebody wrote another unit."""

MOST = 10_000
"""Machines that a plan is made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine: ``hourly_cost`` in nano-dollars, and the tokens a second that it reads and writes in all.

    A token occupies the machine for the time that it takes at these rates, which are its totals over the requests that
    it serves at once; reading and writing share that time. ``utilization`` is the share of its time that may be
    filled in its busiest quarter of an hour: the rest is for what comes at once within it. ``keeps_prefixes``: it
    reads for nothing what a provider had cached.

    Raises:
        InputError: a number is outside its range.
    """

    hourly_cost: int
    read_per_second: float
    write_per_second: float
    utilization: float = 0.7
    keeps_prefixes: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.hourly_cost <= HIGHEST_HOURLY:
            raise InputError(f"a machine costs between $0 and $1,000,000 an hour, not ${usd(self.hourly_cost):,.2f}")
        for name, speed in (("read", self.read_per_second), ("write", self.write_per_second)):
            if not (math.isfinite(speed) and 0 < speed <= 1e9):
                raise InputError(
                    f"a machine's tokens a second that it can {name} are above 0, not {speed}; measure them"
                )
        if not 0 < self.utilization <= 1:
            raise InputError(f"utilization is a share above 0 and at most 1, not {self.utilization}")

    @property
    def monthly(self) -> int:
        """Nano-dollars a month, busy or idle."""
        return month_of_hours(self.hourly_cost)

    def busy(self, load: Load) -> NDArray[np.float64]:
        """Seconds of one machine's time that each slot's calls fill (n,)."""
        read = load.read if self.keeps_prefixes else load.read + load.cached
        return read / self.read_per_second + load.written / self.write_per_second

    @property
    def slot_seconds(self) -> float:
        """Seconds that may be filled in one slot."""
        return SLOT * self.utilization

    def machines(self, load: Load, *, traffic: float = 1.0) -> int:
        """How many are needed for the busiest slot, were there ``traffic`` times as many calls; at least 1.

        Raises:
            InputError: they are so many that a speed was written in another unit.
        """
        needed = float(self.busy(load).max()) / self.slot_seconds
        if needed > MOST:
            told = f"{needed:,.0f}" if needed < _COUNTED else f"{needed:.3g}"
            raise InputError(
                f"the busiest quarter of an hour would need {told} machines; see whether the tokens a second are right"
            )
        return max(math.ceil(traffic * needed), 1)

    def rates(self) -> Rates:
        """What a token costs at the highest load that is planned for."""
        return self_hosted(
            hourly_cost=Decimal(self.hourly_cost) / NANO,
            input_tokens_per_second=self.read_per_second,
            output_tokens_per_second=self.write_per_second,
            utilization=self.utilization,
        )

    def faster(self, factor: float) -> Machine:
        """The same at ``factor`` times the speed."""
        return replace(
            self, read_per_second=self.read_per_second * factor, write_per_second=self.write_per_second * factor
        )

    def dearer(self, factor: float) -> Machine:
        """The same at ``factor`` times the cost."""
        return replace(self, hourly_cost=round(self.hourly_cost * factor))

    def as_dict(self) -> dict[str, object]:
        """The machine for JSON; money in USD."""
        rates = self.rates()
        return {
            "hourly_cost": usd(self.hourly_cost),
            "read_per_second": self.read_per_second,
            "write_per_second": self.write_per_second,
            "utilization": self.utilization,
            "keeps_prefixes": self.keeps_prefixes,
            "monthly": usd(self.monthly),
            "per_million": {"input": rates.input / 1e6, "output": rates.output / 1e6},
        }
