"""Spend on answers that were not returned, and the features that escalate at a loss."""

from __future__ import annotations

from dataclasses import dataclass, field

from router.planner.history import Past
from router.planner.lever import Lever, percent
from router.planner.period import Daily, Period
from router.pricing import usd

_FEW = 20
_SHOWN = 5


@dataclass(slots=True)
class _Feature:
    loss: Daily
    requests: int = 0
    escalated: int = 0
    cost: int = 0
    strong: int = 0


@dataclass(slots=True)
class Waste:
    """Sets what each feature cost against the strongest tier alone."""

    period: Period
    strongest: str
    wasted: Daily = field(init=False)
    spent: int = 0
    failed: int = 0
    features: dict[str, _Feature] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wasted = Daily(self.period)

    def __call__(self, past: Past) -> None:
        """Take a request up with what it paid in vain."""
        if past.audit_of is not None:
            return
        self.spent += past.cost
        in_vain = sum(tried.cost for tried in past.tried if tried.verdict not in ("accepted", "cached"))
        self.wasted.add(past.created, in_vain)
        self.failed += sum(tried.cost for tried in past.tried if tried.verdict == "failed")
        if past.strong_cost is None or past.tier is None or past.cache is not None:
            return
        feature = self.features.setdefault(past.tags.get("feature", ""), _Feature(Daily(self.period)))
        feature.requests += 1
        feature.escalated += sum(tried.answered for tried in past.tried) > 1
        feature.cost += past.cost
        feature.strong += past.strong_cost
        feature.loss.add(past.created, past.cost - past.strong_cost)

    def lever(self) -> Lever:
        """What the features lose that cost more than the strongest tier alone; at most all that was paid in vain."""
        losing = sorted(
            ((name, each) for name, each in self.features.items() if each.requests >= _FEW and each.cost > each.strong),
            key=lambda pair: (pair[1].strong - pair[1].cost, pair[0]),
        )
        lost = Daily(self.period)
        for _, feature in losing:
            for day, nano in feature.loss.by_day.items():
                lost.by_day[day] += nano
        why = f"{percent(self.wasted.total, self.spent)} of the spend paid for answers that were not returned"
        why += f", {percent(self.failed, self.spent)} for calls that failed." if self.failed else "."
        if losing:
            name = losing[0][0]
            named = f"feature {name!r}" if name else "requests without the tag feature"
            why += (
                f" {len(losing)} of {len(self.features)} features cost more than the strongest tier alone would have; "
                f"most is lost by {named}, which escalates {percent(losing[0][1].escalated, losing[0][1].requests)}."
            )
        else:
            why += " No feature costs more than the strongest tier alone would have."
        return Lever(
            name="answers in vain",
            saves=lost.estimate(),
            at_most=max(self.wasted.estimate().monthly, lost.estimate().monthly),
            why=why,
            figures={
                "wasted_in_period": usd(self.wasted.total),
                "failed_in_period": usd(self.failed),
                "features": [
                    {
                        "feature": name or None,
                        "requests": each.requests,
                        "escalated": each.escalated,
                        "cost": usd(each.cost),
                        "strongest_alone": usd(each.strong),
                    }
                    for name, each in losing[:_SHOWN]
                ],
            },
            risk="None to answers of a feature that starts at the strongest tier; a new policy is judged on labels.",
            switch=f'route(prompt, floor="{self.strongest}")   # for those features, or: tierwise train run',
        )
