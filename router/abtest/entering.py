"""A request enters an A/B test: it gains the tag of its arm, and is routed by that arm's plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from router.abtest.experiment import TAG
from router.plan import Birth, Plan
from router.types import Request


@dataclass(frozen=True, slots=True)
class Entered:
    """A request, and the plan that it is routed by."""

    request: Request
    plan: Plan


def entered(request: Request, plan: Plan, birth: Birth) -> Entered:
    """``request`` in its arm of the plan's experiment; as it is where no experiment takes it.

    None takes a request that names its own profile, one that a tag gives another profile than the experiment's *a*, and
    one without the user or session that it would stick to. An upgrade is in the arm of what it upgrades.
    """
    test, rival = plan.experiment, plan.rival
    if test is None or rival is None or request.profile is not None or plan.choice.of(request) != test.a:
        return Entered(request, plan)
    arm = test.arm(request, birth.upgraded_from or birth.id)
    if arm is None:
        return Entered(request, plan)
    tagged = replace(request, tags={**request.tags, TAG: test.tag(arm)})
    return Entered(tagged, plan if arm == "a" else rival)
