"""What was certified, in figures and in words: the goal, the rules put to the test, the certificate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from router.errors import InputError
from router.features import Floats
from training.betting import Bets

Method = Literal["betting", "asymptotic"]
"""``betting`` holds at every sample size; ``asymptotic`` is a t-test, which holds as the sample grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be certified, wrongly with probability at most ``delta``.

    ``share``: mean quality at least this share of always asking the strongest tier. ``quality``: mean quality at least
    this. ``budget``: mean cost at most so many USD per 1,000 requests, with each request counted at no more than
    ``cost_limit`` USD (a bound fixed without looking at the certification rows, since without one nothing can be said
    of a mean). A quality and a budget together are certified when both are.
    """

    share: float | None = None
    quality: float | None = None
    budget: float | None = None
    cost_limit: float | None = None
    delta: float = 0.1
    method: Method = "betting"
    bets: Bets = "recalculated"

    def __post_init__(self) -> None:
        if self.share is not None and self.quality is not None:
            raise InputError("a target is a share of the strongest tier's quality or a quality, not both")
        if self.share is None and self.quality is None and self.budget is None:
            raise InputError("there is nothing to certify; name a target quality or a budget")
        if self.share is not None and not 0 < self.share <= 2:
            raise InputError(f"the target is a share of the strongest tier's quality (0.95, say), not {self.share}")
        if self.quality is not None and not 0 < self.quality < 1:
            raise InputError(f"the target quality is between 0 and 1, not {self.quality}")
        if self.budget is not None and not self.budget > 0:
            raise InputError(f"the budget is in USD per 1,000 requests and above 0, not {self.budget}")
        if self.budget is not None and (self.cost_limit is None or not self.cost_limit > 0):
            raise InputError("a budget is certified with a `cost_limit`: the most USD that one request is counted at")
        if not 0 < self.delta < 1:
            raise InputError(f"delta is the chance of a wrong statement, between 0 and 1, not {self.delta}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A rule on the certification rows: ``quality`` (n,) of the answers it returned, ``cost`` (n,) in nano-dollars.

    ``strongest`` marks the rule that always asks the strongest tier: it needs no proof of having a share of at most 1
    of its own quality.
    """

    label: str
    quality: Floats
    cost: Floats
    strongest: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """One step of the fixed sequence: mean quality, USD per 1,000 requests, and the p-value of failing the goal.

    ``mean`` and ``variance`` are those of the values that were bet on, which are above zero on average when the goal
    is met.
    """

    label: str
    quality: float
    cost_per_1k: float
    p_value: float
    passed: bool
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was certified. ``chosen`` indexes the trials: the last that passed, None when none did.

    ``certified`` is False when nothing but the strongest tier passed, and that by definition: there is then nothing
    to ship but always-strong. ``p_value`` is the largest of the sequence up to the chosen rule, or
    where nothing is certified that of the rule which failed. ``n`` counts
    independent observations, which is split keys. ``labels_needed`` is about how many of them would certify the first
    rule that failed, if it is as good as it looks here: None when it does not look good, or when none failed.
    """

    certified: bool
    chosen: int | None
    statement: str
    p_value: float
    tested: tuple[Tested, ...]
    labels_needed: int | None
    goal: Goal
    n: int

    @property
    def label(self) -> str | None:
        """The label of the chosen rule."""
        return None if self.chosen is None else self.tested[self.chosen].label

    def as_dict(self) -> dict[str, Any]:
        """The certificate for JSON."""
        goal = self.goal
        return {
            "certified": self.certified,
            "statement": self.statement,
            "target": goal.share if goal.share is not None else goal.quality,
            "target_is": "share of strongest" if goal.share is not None else "quality" if goal.quality else None,
            "budget": goal.budget,
            "delta": goal.delta,
            "method": goal.method,
            "n": self.n,
            "p_value": self.p_value,
            "rule": self.label,
            "labels_needed": self.labels_needed,
            "tested": [
                {
                    "label": step.label,
                    "quality": None if math.isnan(step.quality) else step.quality,
                    "cost_per_1k": None if math.isnan(step.cost_per_1k) else step.cost_per_1k,
                    "p_value": step.p_value,
                    "passed": step.passed,
                }
                for step in self.tested
            ],
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """What a certificate rests on: ``n`` independent observations from ``rows`` rows, weighted or not."""

    n: int
    rows: int
    weighted: bool


def statement(
    tested: Sequence[Tested],
    chosen: int | None,
    goal: Goal,
    sample: Sample,
    *,
    certified: bool,
    needed: int | None,
) -> str:
    """What holds, with which confidence and under which assumptions; or why nothing does, and what would help."""
    if not certified or chosen is None:
        return _refusal(tested[-1], goal, sample, needed)
    claims = []
    if goal.share is not None:
        claims.append(f"its mean quality is at least {goal.share:.4g} times that of always asking the strongest tier")
    if goal.quality is not None:
        claims.append(f"its mean quality is at least {goal.quality:.4g}")
    if goal.budget is not None:
        claims.append(
            f"its mean cost is at most {goal.budget:g} USD per 1,000 requests (a request counted at no more than "
            f"{goal.cost_limit:g} USD)"
        )
    about = "" if goal.method == "betting" else " approximately (a t-test, right only as the sample grows)"
    average = "on average over requests and not for each one"
    if sample.rows > sample.n:
        average = "on average over split keys, of which each counts once however many requests bear it"
    parts = [
        f"With {_percent(1 - goal.delta)} confidence{about}: under {tested[chosen].label!r}, {' and '.join(claims)}.",
        (
            f"This rests on {sample.n:,} certification prompts that nothing was fitted or tuned on, and holds for "
            f"requests exchangeable with them, for the labels as given, {average}, and for this rule exactly as it is."
        ),
    ]
    if sample.rows > sample.n:
        parts.append(f"The {sample.rows:,} rows are averaged by split key: of a prompt, a conversation or a tenant.")
    if sample.weighted:
        parts.append("It also rests on the logged probabilities with which the outcomes were observed.")
    return " ".join(parts)


def _refusal(failed: Tested, goal: Goal, sample: Sample, needed: int | None) -> str:
    if not sample.n:
        return "Nothing is certified: there are no labelled certification rows."
    instead = ", so the strongest tier is always asked." if goal.budget is None else "."
    told = (
        f"Nothing is certified at {_percent(1 - goal.delta)} confidence on {sample.n:,} certification prompts{instead}"
    )
    if failed.passed:
        return f"{told} No rule but the strongest tier was put to the test."
    if needed is None:
        return (
            f"{told} The safest rule tested, {failed.label!r}, misses the goal on these prompts; more labels of the "
            "same kind are not expected to help, a lower target may."
        )
    return (
        f"{told} The safest rule tested, {failed.label!r}, meets the goal on these prompts, but so few do not prove it "
        f"(p = {failed.p_value:.2g}); about {needed:,} certification prompts would."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
