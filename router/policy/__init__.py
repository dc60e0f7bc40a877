"""The one decision rule: from what is known so far to the next step.

Pure: state in, step out. Live traffic, replay, tuning and evaluation all call :meth:`Rule.next`; nothing
re-implements it. The rules are ways to fill it, chosen by the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.policy.always import Always
from router.policy.cascade_routing import CascadeRouting
from router.policy.cost_aware import CostAware
from router.policy.induction import Advantages, Induction, induction_from
from router.policy.mixture import Mixture
from router.policy.noted import Noted
from router.policy.state import Keep, Rule, Run, State, Step, Stop, kept
from router.policy.thresholds import Thresholds

__all__ = [
    "Advantages", "Always", "CascadeRouting", "CostAware", "Induction", "Keep", "Mixture", "Noted", "Rule", "Run",
    "State", "Step", "Stop", "Thresholds", "kept", "rule_from",
]  # fmt: skip


def rule_from(manifest: Mapping[str, Any]) -> Rule:
    """The rule in a bundle's manifest.

    Raises:
        ValueError: it names no rule that this version has, or has other parameters.
    """
    values = dict(manifest)
    kind = values.pop("kind", None)
    try:
        if kind == "always":
            return Always(**values)
        if kind == "thresholds":
            values["start"], values["accept"] = tuple(values["start"]), tuple(values["accept"])
            return Thresholds(**values)
        if kind == "cost_aware":
            return CostAware(**values)
        if kind == "cascade_routing":
            return CascadeRouting(**{**values, "spread": tuple(values["spread"])})
        if kind == "induction":
            return induction_from(values)
        if kind == "mixture":
            first, second = rule_from(values.pop("first")), rule_from(values.pop("second"))
            if isinstance(first, Mixture) or isinstance(second, Mixture):
                raise ValueError("a mixture of mixtures is no rule")
            return Mixture(first=first, second=second, **values)
        if kind == "noted":
            return Noted(rule=rule_from(values.pop("rule")), **values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the rule {kind!r} has other parameters in this version: {error}") from None
    raise ValueError(f"this version has no rule {kind!r}")
