"""Shortening: what its stages make of a sample of the kept prompts, by running them."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np

from router.assess import Assessor
from router.drivers import run
from router.planner.history import Past
from router.planner.lever import KEEP, NO_TEXT, Lever, percent
from router.planner.period import Estimate, Period
from router.pricing import usd
from router.shorten.settings import ShortenSettings, Stage
from router.shorten.shortening import shortened
from router.tiers import Ladder
from router.types import Message, Request, Usage

SAMPLE = 300
"""Prompts that are shortened, drawn by the hash of their decision's id."""

_DRAWS = 1_000
_SEED = 20_261_123
_STAGES: tuple[Stage, ...] = tuple(stage for stage in get_args(Stage) if stage != "llmlingua")
_SWITCH = '[shorten]\nstages = ["context"]\ncontext = { budget = 1000 }'
_RISK = (
    "What goes cannot be answered from: on our own questions `context` lost no right answer, the other stages some. "
    "Try it on yours: python benchmarks/bench.py --only shorten_context shows how."
)


@dataclass(frozen=True, slots=True)
class _Drawn:
    request: str
    cost: int


@dataclass(slots=True)
class LongPrompts:
    """Draws a simple random sample, and adds up what all prompts cost.

    ``assessor`` says how hard a question is, by which `context` keeps more or less; one that knows nothing keeps most.
    """

    period: Period
    ladder: Ladder
    settings: ShortenSettings | None
    assessor: Assessor
    sample: list[tuple[int, str, _Drawn]] = field(default_factory=list)
    prompts: int = 0
    texts: int = 0
    shorter: int = 0
    cost: int = 0
    kept_cost: int = 0

    def __call__(self, past: Past) -> None:
        """Take a request up with what its prompt cost, at every tier that read it."""
        if past.audit_of is not None:
            return
        self.texts += past.request is not None
        if past.shortened:
            self.shorter += 1
            return  # the saving is in its token counts already
        cost = sum(_prompt_cost(self.ladder, tried.tier, tried.usage, batch=past.batch) for tried in past.tried)
        self.cost += cost
        if past.request is None or not cost:
            return
        self.prompts += 1
        self.kept_cost += cost
        draw = int.from_bytes(hashlib.sha256(past.id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
        heapq.heappush(self.sample, (draw, past.id, _Drawn(past.request, cost)))
        if len(self.sample) > SAMPLE:
            heapq.heappop(self.sample)

    def lever(self) -> Lever:
        """What the stage `context` would save, and at most all of them."""
        on = self.settings is not None
        if not self.sample:
            if not self.texts:
                return Lever(name="shorter prompts", on=on, why=NO_TEXT, risk=_RISK, switch=KEEP)
            why = "No kept prompt was read whole by a tier of this configuration."
            return Lever(name="shorter prompts", on=on, why=why + self._done(), risk=_RISK, switch=_SWITCH)
        drawn = [each for _, _, each in self.sample]
        shares = {stage: self._shares(drawn, (stage,)) for stage in _STAGES}
        together = self._shares(drawn, _STAGES)
        costs = np.array([each.cost for each in drawn], float)
        month = self.period.monthly(self.kept_cost)
        saves = _estimate(costs, shares["context"], month)
        kept = (
            ""
            if self.kept_cost == self.cost
            else f" (whose text was kept: {percent(self.kept_cost, self.cost)} of cost)"
        )
        why = (
            f"On {len(drawn):,} of {self.prompts:,} prompts{kept} the stage `context` takes "
            f"{_mean(costs, shares['context']):.1%} of what they cost off, all stages together "
            f"{_mean(costs, together):.1%}.{self._done()}"
        )
        return Lever(
            name="shorter prompts",
            on=on,
            saves=saves,
            at_most=_estimate(costs, together, month).monthly,
            why=why,
            figures={
                "prompts": self.prompts,
                "sampled": len(drawn),
                "shortened_already": self.shorter,
                "prompt_cost_monthly": usd(self.period.monthly(self.cost)),
                "prompt_cost_monthly_with_text": usd(month),
                "share_by_stage": {stage: _mean(costs, found) for stage, found in shares.items()},
                "share_together": _mean(costs, together),
            },
            risk=_RISK,
            switch=_SWITCH,
        )

    def _done(self) -> str:
        return f" {self.shorter:,} others were shortened already." if self.shorter else ""

    def _shares(self, drawn: list[_Drawn], stages: tuple[Stage, ...]) -> list[float]:
        """The share of each prompt's characters that goes."""
        given = self.settings or ShortenSettings()
        settings = replace(given, stages=stages, context=replace(given.context, embedder=None))
        found = []
        for each in drawn:
            request = request_of(each.request)
            told = run(shortened(request, settings, self.assessor), {}).told
            found.append(0.0 if told is None or not told.before else 1 - told.after / told.before)
        return found


def request_of(text: str) -> Request:
    """The messages of a kept request, and nothing else of it."""
    plain: Mapping[str, list[dict[str, str]]] = json.loads(text)
    messages = (Message(role=each["role"], content=each["content"]) for each in plain["messages"])  # type: ignore[arg-type]
    return Request(messages=tuple(messages))


def _prompt_cost(ladder: Ladder, tier: str, usage: Usage | None, *, batch: bool) -> int:
    """What reading the prompt cost, 0 where that is not known."""
    found = next((each for each in ladder.tiers if each.name == tier), None)
    if found is None or usage is None:
        return 0
    return found.cost(replace(usage, output_tokens=0, reasoning_tokens=0), batch=batch)


def _mean(costs: np.ndarray, shares: list[float]) -> float:
    whole = float(costs.sum())
    return float(costs @ np.array(shares)) / whole if whole else 0.0


def _estimate(costs: np.ndarray, shares: list[float], month: int) -> Estimate:
    """The sample's share of cost, carried over to the month; the interval resamples prompts."""
    cut = costs * np.array(shares)
    draws = np.random.default_rng(_SEED).integers(0, len(costs), size=(_DRAWS, len(costs)))
    ratios = cut[draws].sum(axis=1) / costs[draws].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Estimate(
        monthly=round(month * _mean(costs, shares)), low=round(month * float(low)), high=round(month * float(high))
    )
