"""What requests are worth against what they cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from router.errors import InputError
from router.ledger import Ledger
from router.planner.history import Past, period_of, visit
from router.planner.period import HIGHEST, Estimate, Period
from router.pricing import NANO, usd

_ENOUGH_LABELS = 30
_DRAWN = "The labelled answers are taken for a random sample of all; if hard ones were labelled first, pass --useful."


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What one useful answer is worth, in nano-dollars: ``value``, and ``minutes`` saved at ``wage`` an hour.

    ``useful`` is the share of answers that are useful, None for the mean of the ledger's labels. ``fixed`` is what the
    application costs a month beside the calls.

    Raises:
        InputError: a number is outside its range.
    """

    value: int = 0
    minutes: float = 0.0
    wage: int = 0
    useful: float | None = None
    fixed: int = 0

    def __post_init__(self) -> None:
        if min(self.value, self.wage, self.fixed) < 0 or not 0 <= self.minutes <= 100_000:
            raise InputError("a value, minutes saved (100,000 at most), a wage and fixed costs are at least 0")
        if max(self.value, self.wage, self.fixed) > HIGHEST:
            raise InputError(f"a value, a wage and fixed costs are at most ${HIGHEST // NANO:,}")
        if self.useful is not None and not 0 <= self.useful <= 1:
            raise InputError(f"useful is a share from 0 to 1, not {self.useful}")
        if self.each == 0:
            raise InputError("say what an answer is worth: --value, or --minutes with --wage")

    @property
    def each(self) -> int:
        """Nano-dollars for one useful answer."""
        return self.value + round(self.wage * self.minutes / 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """The return of a month: nano-dollars.

    ``useful`` with the bounds ``useful_low`` and ``useful_high`` where it comes from ``labels`` of answers.
    ``break_even`` is what a useful answer must be worth for the month to cost nothing, None where none is useful.
    ``low`` and ``high`` of ``net`` join both intervals, each of 95 %, so theirs is at least 90 %.
    """

    worth: Worth
    period: Period
    requests: int
    answered: int
    answered_monthly: int
    cost: Estimate
    useful: float
    useful_low: float | None
    useful_high: float | None
    labels: int
    value: int
    net: Estimate
    break_even: int | None

    @property
    def ratio(self) -> float | None:
        """Net value for each dollar spent, None where nothing was spent."""
        spent = self.cost.monthly + self.worth.fixed
        return self.net.monthly / spent if spent else None

    def as_dict(self) -> dict[str, Any]:
        """Every figure for JSON, and what they were reckoned from; money in USD."""
        worth = self.worth
        return {
            "period": self.period.as_dict(),
            "inputs": {
                "value": usd(worth.value),
                "minutes": worth.minutes,
                "wage": usd(worth.wage),
                "each": usd(worth.each),
                "fixed": usd(worth.fixed),
            },
            "requests": self.requests,
            "answered": self.answered,
            "answered_per_month": self.answered_monthly,
            "useful": self.useful,
            "useful_low": self.useful_low,
            "useful_high": self.useful_high,
            "labels": self.labels,
            "cost": self.cost.as_dict(),
            "value": usd(self.value),
            "net": self.net.as_dict(),
            "return": self.ratio,
            "break_even_value": None if self.break_even is None else usd(self.break_even),
            "notes": [*self.period.notes(), *([_DRAWN] if self.labels else [])],
        }


@dataclass(slots=True)
class _Gather:
    period: Period
    cost: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    answered: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    tiers: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    def __call__(self, past: Past) -> None:
        day = self.period.day_of(past.created)
        self.cost[day] += past.cost
        if past.audit_of is None:
            self.requests += 1
            if past.tier is not None:
                self.answered[day] += 1
                self.tiers[past.id] = past.tier


def returns(ledger: Ledger, worth: Worth, *, since: float | None = None, until: float | None = None) -> Returns:
    """Set what the answers of a ledger are worth against what they and their audits cost.

    Raises:
        InputError: nothing says how many answers are useful.
        LedgerError: there is no ledger, or it cannot be read.
    """
    period = period_of(ledger, since=since, until=until)
    gather = _Gather(period)
    visit(ledger, period, gather)
    labels = _qualities(ledger, gather.tiers) if worth.useful is None else []
    if worth.useful is None and len(labels) < _ENOUGH_LABELS:
        raise InputError(
            f"the ledger has {len(labels)} labelled answers in this time, and it takes {_ENOUGH_LABELS} to say how "
            "many are useful; label more (`tierwise train label`, `tierwise feedback`), or pass --useful"
        )
    useful = worth.useful if worth.useful is not None else float(np.mean(labels))
    low, high = (None, None) if worth.useful is not None else hoeffding(labels)
    cost = period.estimate(gather.cost)
    gains = period.estimate({day: count * worth.each for day, count in gather.answered.items()})
    net_by_day = {
        day: round(gather.answered[day] * worth.each * useful) - gather.cost[day]
        for day in sorted(gather.cost.keys() | gather.answered.keys())
    }
    net = period.estimate(net_by_day).less(worth.fixed)
    if low is not None and high is not None and net.low is not None and net.high is not None:
        net = Estimate(
            monthly=net.monthly,
            low=net.low - round(gains.monthly * (useful - low)),
            high=net.high + round(gains.monthly * (high - useful)),
        )
    answered = sum(gather.answered.values())
    monthly = period.monthly(answered)
    spent = cost.monthly + worth.fixed
    return Returns(
        worth=worth,
        period=period,
        requests=gather.requests,
        answered=answered,
        answered_monthly=monthly,
        cost=cost,
        useful=useful,
        useful_low=low,
        useful_high=high,
        labels=len(labels),
        value=round(gains.monthly * useful),
        net=net,
        break_even=round(spent / (monthly * useful)) if monthly and useful > 0 else None,
    )


def hoeffding(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of values in [0, 1], whatever their distribution (Hoeffding, 1963)."""
    mean, width = float(np.mean(values)), float(np.sqrt(np.log(2 / 0.05) / (2 * len(values))))
    return max(mean - width, 0.0), min(mean + width, 1.0)


def _qualities(ledger: Ledger, tiers: dict[str, str]) -> list[float]:
    """The quality of each labelled answer that was returned: the mean of what its judges said."""
    said: defaultdict[str, list[float]] = defaultdict(list)
    for label in ledger.labels():
        if tiers.get(label.decision_id) == label.tier:
            said[label.decision_id].append(label.quality)
    return [sum(each) / len(each) for each in said.values()]
