"""The answer on the first screen: whether the saving is real, and what vouches for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from router.report.interval import Interval
from router.report.wording import between, count, dollars, points, share
from training.report.context import ReportContext
from training.report.hull import mixed
from training.report.names import tiers_of
from training.report.reading import Reading

Tone = Literal["good", "mixed", "bad", "unknown"]


@dataclass(frozen=True)
class Claim:
    """One of the three figures: what it is, its value in words, its interval, and what to make of it.

    ``value`` and ``interval`` are shares of the strongest tier where the claim can be drawn, ``target`` the share
    that was asked for.
    """

    name: str
    title: str
    figure: str
    bounds: str
    note: str
    tone: Tone
    value: float | None = None
    interval: Interval | None = None
    target: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The headline, a sentence that qualifies it, and the claims it rests on."""

    headline: str
    sentence: str
    quality: Claim
    cost: Claim
    certificate: Claim

    @property
    def claims(self) -> tuple[Claim, Claim, Claim]:
        """In the order of reading."""
        return self.quality, self.cost, self.certificate


@dataclass(frozen=True)
class Ratio:
    """A figure of the policy as a share of the strongest tier's."""

    value: float | None
    interval: Interval | None


def verdict(read: Reading, context: ReportContext) -> Verdict:
    """Judge the saving by its intervals; a point estimate alone never makes it real."""
    strong = (tiers_of(read) or ["the strongest tier"])[-1]
    quality = _ratio(read, "share_of_strong_quality", "quality")
    cost = _ratio(read, "cost_of_strong", "cost_per_1k")
    target = context.target_quality if context.target_kind == "share" else None
    claims = (
        _quality_claim(read, quality, strong, target),
        _cost_claim(read, cost, strong, context.budget),
        _certificate_claim(read, context),
    )
    told = _sentence(read, context, quality, target)
    return Verdict(
        _headline(quality, cost, strong, _surplus(read)), told + _caution(read, context, quality, target), *claims
    )


def _ratio(read: Reading, key: str, figure: str) -> Ratio:
    """As the evaluation gives it, else by division, then without an interval: the paired one needs the rows."""
    given = read.number("policy", key)
    if given is not None:
        return Ratio(given, read.interval("policy", f"{key}_interval"))
    mine, theirs = read.number("policy", figure), read.number("baselines", "always_strong", figure)
    return Ratio(mine / theirs if mine is not None and theirs else None, None)


def _headline(quality: Ratio, cost: Ratio, strong: str, surplus: float | None) -> str:
    if cost.value is None or quality.value is None:
        return "Whether the policy saves anything cannot be told: a figure against the strongest tier is missing"
    figures = f"{share(quality.value)} of {strong}’s quality at {share(cost.value)} of its cost"
    if cost.interval is None or quality.interval is None:
        return f"{figures}, without intervals: it may be chance"
    if cost.interval.low >= 1:
        return f"No saving: {figures}"
    if cost.interval.high >= 1:
        return f"The saving may be chance: {figures}"
    if surplus is not None and surplus <= 0:
        return f"No better than mixing tiers at random: {figures}"
    if quality.interval.high < 1:
        return f"The saving is real, and so is the loss: {figures}"
    if quality.interval.low > 1:
        return f"Cheaper and better: {figures}"
    return f"The saving is real: {figures}"


def _sentence(read: Reading, context: ReportContext, quality: Ratio, target: float | None) -> str:
    n = read.number("n")
    told = f"Measured on {count(n)} requests" if n is not None else "Measured on the rows of the evaluation"
    if quality.interval is not None:
        if quality.interval.low <= 1 <= quality.interval.high:
            told += "; they cannot tell the policy’s quality from the strongest tier’s"
        elif quality.interval.high < 1:
            least, most = 1 - quality.interval.high, 1 - quality.interval.low
            told += f"; quality is {share(least)} to {share(most)} below the strongest tier’s"
        else:
            told += "; quality is above the strongest tier’s"
    if target is not None and quality.value is not None:
        told += f". The target of {share(target)} is {_met(quality.value, quality.interval, target)}"
    elif context.target_quality is not None:
        reached = read.number("policy", "quality")
        if reached is not None:
            met = _met(reached, read.interval("policy", "quality_interval"), context.target_quality)
            told += f". The target of {share(context.target_quality)} quality is {met}"
    return told + "."


def _surplus(read: Reading) -> float | None:
    """Quality above that of mixing the tiers at random to the same cost: what there is to a router at all."""
    cost, quality = read.number("policy", "cost_per_1k"), read.number("policy", "quality")
    without = mixed(read, cost) if cost is not None else None
    return quality - without if quality is not None and without is not None else None


def _caution(read: Reading, context: ReportContext, quality: Ratio, target: float | None) -> str:
    """What the router itself adds, and a certificate that the test rows contradict."""
    told = ""
    surplus = _surplus(read)
    if surplus is not None:
        amount, side = points(abs(surplus)).removeprefix("+"), "worse" if surplus > 0 else "better"
        paired = read.interval("baselines", "zero_router", "policy_gain_interval")
        chance = ", which may be chance" if paired is not None and paired.low <= 0 <= paired.high else ""
        told += f" Mixing the tiers at random to the same cost would be {amount} {side}{chance}."
    certified = certificate_of(read, context).flag("certified")
    if certified and target is not None and quality.interval is not None and quality.interval.high < target:
        told += " The certificate and these rows contradict each other: they may not be of the same kind of requests."
    return told


def _met(value: float, interval: Interval | None, target: float) -> str:
    if value < target:
        return "missed beyond chance" if interval is not None and interval.high < target else "missed here"
    return (
        "met even at the low end of the interval"
        if interval is not None and interval.low >= target
        else ("met here, though the interval reaches below it" if interval is not None else "met here")
    )


def _quality_claim(read: Reading, ratio: Ratio, strong: str, target: float | None) -> Claim:
    tone: Tone = "unknown"
    if ratio.interval is not None:
        least = min(1.0, target) if target is not None else 1.0
        tone = "good" if ratio.interval.low >= least else "bad" if ratio.interval.high < least else "mixed"
    mine, theirs = read.number("policy", "quality"), read.number("baselines", "always_strong", "quality")
    note = f"{share(mine)} against {share(theirs)}" if mine is not None and theirs is not None else ""
    return Claim(
        "quality",
        f"Quality of {strong}, kept",
        share(ratio.value),
        _bounds(ratio),
        note + (f"; target {share(target)}" if target is not None and note else ""),
        tone,
        ratio.value,
        ratio.interval,
        target,
    )


def _cost_claim(read: Reading, ratio: Ratio, strong: str, budget: float | None) -> Claim:
    tone: Tone = "unknown"
    if ratio.interval is not None:
        tone = "good" if ratio.interval.high < 1 else "bad" if ratio.interval.low >= 1 else "mixed"
    mine, theirs = read.number("policy", "cost_per_1k"), read.number("baselines", "always_strong", "cost_per_1k")
    note = ""
    if mine is not None and theirs is not None:
        note = f"{dollars(mine)} against {dollars(theirs)} per 1,000 requests"
    if budget is not None and mine is not None:
        note += f"; budget {dollars(budget)} {'kept' if mine <= budget else 'exceeded'}"
        tone = tone if mine <= budget else "bad"
    return Claim(
        "cost", f"Cost of {strong}, spent", share(ratio.value), _bounds(ratio), note, tone, ratio.value, ratio.interval
    )


def _bounds(ratio: Ratio) -> str:
    if ratio.value is None:
        return "the evaluation does not say"
    return f"95% interval {between(ratio.interval, share)}" if ratio.interval else "no interval was computed"


def _certificate_claim(read: Reading, context: ReportContext) -> Claim:
    found = certificate_of(read, context)
    passed, statement = found.flag("certified"), found.text("statement")
    if passed is None:
        return Claim(
            "certificate",
            "Certificate",
            "None",
            "",
            "No certificate was computed; only the intervals speak.",
            "unknown",
        )
    facts = []
    if (n := found.number("n")) is not None:
        facts.append(f"{count(n)} requests")
    if (delta := found.number("delta")) is not None:
        facts.append(f"wrong at most {share(delta)} of the time")
    if not passed and (needed := found.number("labels_needed")) is not None:
        facts.append(f"needs about {count(needed)} labels")
    return Claim(
        "certificate",
        "Certificate",
        "Certified" if passed else "Not certified",
        ", ".join(facts),
        statement or (ASSUMPTION if passed else ""),
        "good" if passed else "bad",
    )


ASSUMPTION = (
    "Holds for requests like those it was computed on (exchangeable with them) and for the labels as given, on average "
    "over requests and not for each one."
)
"""What any certificate rests on, said wherever the run's own statement is missing."""


def certificate_of(read: Reading, context: ReportContext) -> Reading:
    """The run's certificate, else the evaluation's."""
    return Reading(context.certificate) if context.certificate is not None else read.part("certificate")
