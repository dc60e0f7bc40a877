"""Machines of one's own against API tiers, on a ledger's own load."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from router.planner.load import PAID, SLOT, Load
from router.planner.machine import Machine
from router.planner.period import Estimate
from router.pricing import usd

_TRAFFIC = (0.25, 0.5, 2.0, 4.0)
_SPEED = (0.5, 0.75, 1.5)
_HOURLY = (0.5, 1.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The machines against one API: ``name`` is a tier, or what was paid. Money in nano-dollars.

    ``per_million`` is the API's cost of a million tokens of this mix. ``break_even`` are the requests a month from
    which one machine costs less, at this mix and this shape of load; None where it never does, because the machine is
    full before it has paid for itself.
    """

    name: str
    api: Estimate
    per_million: float
    saved: Estimate
    break_even: int | None

    def as_dict(self) -> dict[str, object]:
        """The same for JSON, in USD."""
        return {
            "name": self.name,
            "api": self.api.as_dict(),
            "per_million": self.per_million / 1e9,
            "saved": self.saved.as_dict(),
            "break_even_requests": self.break_even,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What changes when one figure is ``factor`` times what it is; nano-dollars a month."""

    figure: str
    factor: float
    machines: int
    monthly: int
    api: int

    def as_dict(self) -> dict[str, object]:
        """The same for JSON, in USD."""
        return {
            "figure": self.figure,
            "factor": self.factor,
            "machines": self.machines,
            "monthly": usd(self.monthly),
            "api": usd(self.api),
            "saved": usd(self.api - self.monthly),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMachines:
    """What it costs to serve a load with machines alone.

    ``filled`` is the share of their time that the load fills, nights included; ``per_million`` nano-dollars for a
    million tokens of this mix at that load, ``per_million_full`` where they are as busy as planned all the time.
    ``carries`` are the requests a month that one machine can serve at this shape of load.
    """

    machine: Machine
    load: Load
    machines: int
    monthly: int
    filled: float
    per_million: float
    per_million_full: float
    requests: int
    carries: int
    comparisons: tuple[Comparison, ...]
    cases: tuple[Case, ...]

    def as_dict(self) -> dict[str, object]:
        """Every figure for JSON, and what they were reckoned from; money in USD."""
        return {
            "machine": self.machine.as_dict(),
            "load": self.load.as_dict(),
            "machines": self.machines,
            "monthly": usd(self.monthly),
            "filled": self.filled,
            "per_million": self.per_million / 1e9,
            "per_million_full": self.per_million_full / 1e9,
            "requests_per_month": self.requests,
            "one_machine_carries": self.carries,
            "comparisons": [each.as_dict() for each in self.comparisons],
            "sensitivity": [each.as_dict() for each in self.cases],
            "notes": list(self.load.period.notes()),
        }


def own_machines(load: Load, machine: Machine) -> OwnMachines:
    """Reckon ``load`` on as many of ``machine`` as its busiest quarter of an hour needs, every hour of the month.

    One machine breaks even where n requests cost as much at the API as it costs, n = requests * machine / api; it can
    serve requests * capacity / busiest slot. Both grow with the number of machines alike, so what one machine cannot
    reach no number of them can.
    """
    machines = machine.machines(load)
    monthly = machines * machine.monthly
    busy = machine.busy(load)
    requests = load.period.monthly(load.requests)
    carries = math.floor(requests * machine.slot_seconds / float(busy.max()))
    tokens = load.period.monthly(load.tokens)
    full = float(busy.sum()) / 3600 * machine.hourly_cost / machine.utilization
    names = (PAID, *(name for name in load.cost if name != PAID))
    return OwnMachines(
        machine=machine,
        load=load,
        machines=machines,
        monthly=monthly,
        filled=float(busy.sum()) / (machines * SLOT * len(busy)),
        per_million=monthly * 1e6 / tokens,
        per_million_full=full * 1e6 / load.tokens,
        requests=requests,
        carries=carries,
        comparisons=tuple(_compared(name, load, machine, monthly, requests, carries) for name in names),
        cases=_cases(load, machine),
    )


def _compared(name: str, load: Load, machine: Machine, monthly: int, requests: int, carries: int) -> Comparison:
    api = load.estimate(name)
    even: int | None = None
    if api.monthly > 0:
        even = math.ceil(Fraction(requests) * machine.monthly / api.monthly)
    return Comparison(
        name=name,
        api=api,
        per_million=int(load.cost[name].sum()) * 1e6 / load.tokens,
        saved=api.less(monthly),
        break_even=even if even is not None and even <= carries else None,
    )


def _cases(load: Load, machine: Machine) -> tuple[Case, ...]:
    paid = load.period.monthly(int(load.cost[PAID].sum()))

    def case(figure: str, factor: float, machine: Machine, *, traffic: float = 1.0) -> Case:
        machines = machine.machines(load, traffic=traffic)
        monthly = machines * machine.monthly
        return Case(figure=figure, factor=factor, machines=machines, monthly=monthly, api=round(paid * traffic))

    return (
        *(case("requests", factor, machine, traffic=factor) for factor in _TRAFFIC),
        *(case("tokens a second", factor, machine.faster(factor)) for factor in _SPEED),
        *(case("hourly cost", factor, machine.dearer(factor)) for factor in _HOURLY),
    )
