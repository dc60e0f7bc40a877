"""What a fine-tuned, smaller model would save on a ledger's calls, and when it has paid for itself."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from router.errors import InputError
from router.ledger import Ledger
from router.planner.history import Past, period_of, visit
from router.planner.period import HIGHEST, Estimate, Period, month_of_hours
from router.pricing import NANO, Price, usd
from router.types import Usage

GOOD = 0.8
"""The quality from which on a labelled answer is worth training on."""

MOST_EXAMPLES, MOST_EPOCHS = 10**9, 1_000

HIGHEST_RATE = 10**6 * 10**6
"""Pico-dollars a token: a million dollars per million tokens."""

_FACTORS = (0.5, 0.75, 1.25, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What is to be done; money in nano-dollars.

    ``tier`` is the one whose calls the tuned model takes, ``model`` the tuned one's name and ``price`` its price.
    ``shorter`` is the share of the prompt that need not be sent any more (instructions and examples that it has
    learnt), None for what the kept requests' system prompts are. ``handled`` is the share of calls whose answer will
    do; the others are asked again at the old tier, and both are paid. ``examples`` are trained on ``epochs`` times, at
    ``training`` nano-dollars a million tokens; None takes the ledger's good answers. ``upfront`` is what else it costs
    to begin with, ``hosting`` what the tuned model costs an hour, busy or idle.
    """

    tier: str
    model: str
    price: Price
    shorter: float | None = None
    handled: float = 1.0
    examples: int | None = None
    epochs: int = 3
    training: int = 0
    upfront: int = 0
    hosting: int = 0

    def __post_init__(self) -> None:
        for name, share in (("shorter", self.shorter), ("handled", self.handled)):
            if share is not None and not 0 <= share <= 1:
                raise InputError(f"{name} is a share from 0 to 1, not {share}")
        examples = 1 if self.examples is None else self.examples
        if not 1 <= examples <= MOST_EXAMPLES or not 1 <= self.epochs <= MOST_EPOCHS:
            raise InputError(f"training takes 1 to {MOST_EXAMPLES:,} examples and 1 to {MOST_EPOCHS:,} epochs")
        if not all(0 <= cost <= HIGHEST for cost in (self.training, self.upfront, self.hosting)):
            raise InputError(f"what training and hosting cost is at least $0, and at most ${HIGHEST // NANO:,}")
        if max(self.price.rates.input, self.price.rates.output) > HIGHEST_RATE:
            raise InputError("the tuned model's price is at most $1,000,000 per million tokens, of either kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure at another ``value``: nano-dollars saved a month, and the months until it has paid; None for never."""

    figure: str
    value: float
    saved: int
    months: float | None

    def as_dict(self) -> dict[str, object]:
        """The same for JSON, in USD."""
        return {"figure": self.figure, "value": self.value, "saved": usd(self.saved), "payback_months": self.months}


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """What comes of it: nano-dollars, per month where that is said.

    ``now`` is what the calls cost, ``then`` what they would cost, hosting included; ``saved`` the difference.
    ``months`` until the saving has paid ``upfront`` back, with the bounds that the saving's interval gives; None for
    never, or where there is no interval. ``measured_shorter`` is the share of the kept requests' text that is system
    prompt, None where no text was kept.
    """

    tuning: Tuning
    period: Period
    calls: int
    unreported: int
    shorter: float
    measured_shorter: float | None
    examples: int
    tokens_per_example: float
    now: Estimate
    then: Estimate
    saved: Estimate
    training: int
    upfront: int
    months: float | None
    months_low: float | None
    months_high: float | None
    changes: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:
        """Every figure for JSON, and what they were reckoned from; money in USD."""
        tuning = self.tuning
        return {
            "period": self.period.as_dict(),
            "tier": tuning.tier,
            "model": tuning.model,
            "inputs": {
                "price_per_million": {
                    "input": tuning.price.rates.input / 1e6,
                    "output": tuning.price.rates.output / 1e6,
                },
                "shorter": self.shorter,
                "shorter_measured": self.measured_shorter,
                "handled": tuning.handled,
                "examples": self.examples,
                "tokens_per_example": self.tokens_per_example,
                "epochs": tuning.epochs,
                "training_per_million": usd(tuning.training),
                "upfront": usd(tuning.upfront),
                "hosting_per_hour": usd(tuning.hosting),
            },
            "calls": self.calls,
            "calls_without_usage": self.unreported,
            "now": self.now.as_dict(),
            "then": self.then.as_dict(),
            "saved": self.saved.as_dict(),
            "training": usd(self.training),
            "upfront": usd(self.upfront),
            "payback_months": self.months,
            "payback_months_low": self.months_low,
            "payback_months_high": self.months_high,
            "sensitivity": [change.as_dict() for change in self.changes],
            "export": "tierwise train finetune-export",
            "notes": list(self.period.notes()),
        }


@dataclass(slots=True)
class _Gather:
    tier: str
    calls: list[tuple[float, Usage, int]] = field(default_factory=list)
    unreported: int = 0
    system_chars: int = 0
    all_chars: int = 0
    prompts: dict[str, str] = field(default_factory=dict)

    def __call__(self, past: Past) -> None:
        for tried in past.tried:
            if tried.tier != self.tier or not tried.answered or past.audit_of is not None:
                continue
            self.prompts[past.id] = past.prompt_hash
            if tried.usage is None:
                self.unreported += 1
            else:
                self.calls.append((past.created, tried.usage, tried.cost))
            if past.request is not None:
                for message in json.loads(past.request)["messages"]:
                    size = len(message["content"])
                    self.all_chars += size
                    self.system_chars += size if message["role"] == "system" else 0


def fine_tuning(
    ledger: Ledger, tuning: Tuning, *, since: float | None = None, until: float | None = None
) -> FineTuning:
    """Reckon every call to ``tuning.tier`` at the tuned model's price, its prompt so much shorter.

    Raises:
        InputError: there are no such calls, or the ledger cannot say what ``tuning`` leaves open.
        LedgerError: there is no ledger, or it cannot be read.
    """
    period = period_of(ledger, since=since, until=until)
    gather = _Gather(tuning.tier)
    visit(ledger, period, gather)
    if not gather.calls:
        raise InputError(f"the ledger has no calls to tier {tuning.tier!r} with token counts in this time")
    measured = gather.system_chars / gather.all_chars if gather.all_chars else None
    shorter = tuning.shorter if tuning.shorter is not None else measured
    if shorter is None:
        raise InputError(
            "the ledger keeps no text, so it cannot say how much of the prompts is instructions; pass --shorter, the "
            "share of the prompt that the tuned model will not need"
        )
    examples = tuning.examples if tuning.examples is not None else _good_answers(ledger, gather.prompts, tuning.tier)
    if not examples:
        raise InputError(
            f"the ledger has no answers of tier {tuning.tier!r} with a label of at least {GOOD:g} to train on; label "
            "some (`tierwise train label`), or pass --examples"
        )
    per_example = sum(_shortened(u, shorter).prompt_tokens + u.generated_tokens for _, u, _ in gather.calls)
    tokens_per_example = per_example / len(gather.calls)
    training = round(tuning.training * examples * tokens_per_example * tuning.epochs / 1e6)
    upfront = training + tuning.upfront
    now, then, saved = _reckoned(gather.calls, tuning, shorter, period)
    return FineTuning(
        tuning=tuning,
        period=period,
        calls=len(gather.calls),
        unreported=gather.unreported,
        shorter=shorter,
        measured_shorter=measured,
        examples=examples,
        tokens_per_example=tokens_per_example,
        now=now,
        then=then,
        saved=saved,
        training=training,
        upfront=upfront,
        months=months_of(upfront, saved.monthly),
        months_low=None if saved.high is None else months_of(upfront, saved.high),
        months_high=None if saved.low is None else months_of(upfront, saved.low),
        changes=_changes(gather.calls, tuning, shorter, period, upfront),
    )


def months_of(upfront: int, saved: int) -> float | None:
    """Months until ``saved`` a month has paid ``upfront`` back; None for never."""
    return upfront / saved if saved > 0 else None


def _good_answers(ledger: Ledger, prompts: Mapping[str, str], tier: str) -> int:
    """How many different prompts have an answer of ``tier`` that somebody found good."""
    good = {
        prompts[label.decision_id]
        for label in ledger.labels()
        if label.tier == tier and label.decision_id in prompts and label.quality >= GOOD
    }
    return len(good)


def _shortened(usage: Usage, shorter: float) -> Usage:
    def less(count: int) -> int:
        return round(count * (1 - shorter))

    return replace(
        usage,
        input_tokens=less(usage.input_tokens),
        cached_input_tokens=less(usage.cached_input_tokens),
        cache_write_tokens=less(usage.cache_write_tokens),
    )


def _reckoned(
    calls: list[tuple[float, Usage, int]], tuning: Tuning, shorter: float, period: Period
) -> tuple[Estimate, Estimate, Estimate]:
    now: defaultdict[int, int] = defaultdict(int)
    then: defaultdict[int, int] = defaultdict(int)
    for created, usage, cost in calls:
        day = period.day_of(created)
        now[day] += cost
        then[day] += tuning.price.cost(_shortened(usage, shorter)) + round((1 - tuning.handled) * cost)
    hosting = month_of_hours(tuning.hosting)
    saved = {day: now[day] - then[day] for day in now}
    return period.estimate(now), period.estimate(then).less(-hosting), period.estimate(saved).less(hosting)


def _changes(
    calls: list[tuple[float, Usage, int]], tuning: Tuning, shorter: float, period: Period, upfront: int
) -> tuple[Change, ...]:
    def change(figure: str, value: float, changed: Tuning, shorter: float, upfront: int) -> Change:
        saved = _reckoned(calls, changed, shorter, period)[2].monthly
        return Change(figure=figure, value=value, saved=saved, months=months_of(upfront, saved))

    found = [
        change("handled", share, replace(tuning, handled=share), shorter, upfront)
        for share in sorted({round(tuning.handled * factor, 4) for factor in (0.5, 0.75, 0.9)})
    ]
    found += [
        change("shorter", share, tuning, share, upfront)
        for share in sorted({0.0, round(shorter / 2, 4), round(min(1.0, shorter * 1.5), 4)} - {round(shorter, 4)})
    ]
    hosting = month_of_hours(tuning.hosting)
    gained = _reckoned(calls, tuning, shorter, period)[2].monthly + hosting
    for factor in _FACTORS:
        saved = round(gained * factor) - hosting
        found.append(Change(figure="requests", value=factor, saved=saved, months=months_of(upfront, saved)))
    return tuple(found)
