"""The cache by meaning: how many recent requests ask what another one asked in other words."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from router.cache.semantic.gates import shut
from router.cache.semantic.question import MOST
from router.cache.settings import TENANT, CacheSettings
from router.embed import Vectors
from router.embedders.naming import embedder_named
from router.errors import EmbedderError
from router.planner.history import Past
from router.planner.lever import KEEP, NO_TEXT, Lever, percent, share
from router.planner.period import Estimate, Period
from router.pricing import usd

WINDOW = 1_500
"""The most recent requests that are compared with one another."""

PLAIN = 0.8
"""The cosine from which on a cache without gates would answer; other projects' default."""

_CANDIDATES = 8
_SWITCH = 'tierwise cache fit --pairs pairs.jsonl   # then:\n[cache]\n[cache.semantic]\nfit = "cache-fit.json"'
_RISK = "Some hits are wrong. The fit bounds how many, on pairs that you label; nobody labelled what is reckoned here."


@dataclass(frozen=True, slots=True)
class _Asked:
    created: float
    group: str
    question: str
    cost: int
    ttl: float


class NearRepeats:
    """Compares the most recent requests, each with those before it of the same conversation's beginning and owner.

    A pair that every gate lets through is what the ledger supports; a cosine alone, without gates, is the most there
    can be. Equal questions are the exact cache's, and not counted.
    """

    def __init__(
        self,
        period: Period,
        settings: CacheSettings | None,
        *,
        embed: Callable[[tuple[str, ...]], Vectors] | None = None,
    ) -> None:
        self._period = period
        self._settings = settings or CacheSettings()
        self._semantic = None if settings is None else settings.semantic
        self._embed = embed
        self._recent: deque[_Asked] = deque(maxlen=WINDOW)
        self._eligible = self._spent = self._with_text = 0

    def __call__(self, past: Past) -> None:
        """Take a request up, if it would be looked up by meaning."""
        if past.audit_of is not None or past.request is None:
            return
        self._with_text += 1
        ttl = self._settings.age_of(past.tags)
        if ttl <= 0 or (past.sampled and not self._settings.sampled):
            return
        messages = json.loads(past.request)["messages"]
        last = messages[-1]
        question = last["content"].strip()
        if last["role"] != "user" or last.get("tool_calls") or not 0 < len(question) <= MOST:
            return
        self._eligible += 1
        self._spent += past.cost
        group = repr((messages[:-1], past.owner(TENANT), [past.owner(name) for name in self._settings.per]))
        self._recent.append(_Asked(past.created, group, question, past.cost, ttl))

    def lever(self) -> Lever:
        """What such a cache would have saved on these, carried over to all."""
        on = self._semantic is not None
        if not self._with_text:
            return Lever(name="semantic cache", on=on, why=NO_TEXT, risk=_RISK, switch=KEEP)
        asked = list(self._recent)
        try:
            vectors, threshold, named = self._vectors([each.question for each in asked])
        except EmbedderError as error:
            return Lever(name="semantic cache", on=on, why=f"It cannot be known: {error}.", risk=_RISK, switch=_SWITCH)
        gated, plain = self._hits(asked, vectors, threshold)
        spent = sum(each.cost for each in asked)
        sure = sum(asked[place].cost for place in gated)
        # A fitted threshold may be below PLAIN, and then the gates let pairs through that a plain cache would not find.
        most = sum(asked[place].cost for place in {*gated, *plain})
        month = self._period.monthly(self._spent)
        why = (
            f"Of the last {len(asked):,} requests {len(gated):,} ask what an earlier one asks in other words, as far "
            f"as fifteen gates can see ({percent(sure, spent)} of their cost); by a cosine of {PLAIN:g} alone it would "
            f"be {len(plain):,}, and nobody has looked how many of them are right."
        )
        return Lever(
            name="semantic cache",
            on=on,
            saves=Estimate(monthly=round(month * share(sure, spent))),
            at_most=round(month * share(most, spent)),
            why=why,
            figures={
                "compared": len(asked),
                "eligible": self._eligible,
                "hits_through_the_gates": len(gated),
                "hits_by_cosine_alone": len(plain),
                "embedder": named,
                "threshold": threshold,
                "cost_compared": usd(spent),
                "cost_eligible_monthly": usd(month),
            },
            risk=_RISK,
            switch=_SWITCH,
        )

    def _vectors(self, questions: list[str]) -> tuple[Vectors, float, str]:
        if self._embed is not None:
            return _units(self._embed(tuple(questions))), PLAIN, "given"
        if self._semantic is not None:
            embedder, threshold = self._semantic.embedder, self._semantic.threshold
            return _units(embedder(tuple(questions))), threshold, embedder.name
        name = "wordllama" if find_spec("wordllama") is not None else "hashing"
        return _units(embedder_named(name)(tuple(questions))), PLAIN, name

    def _hits(self, asked: list[_Asked], vectors: Vectors, threshold: float) -> tuple[list[int], list[int]]:
        """The places that gates let through, and those that are near enough without them."""
        gated, plain = [], []
        before: defaultdict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(asked):
            group = before[each.group]
            if group and not any(asked[other].question == each.question for other in group):
                cosines = vectors[group] @ vectors[place]
                near = [int(at) for at in np.argsort(-cosines)[:_CANDIDATES]]
                fresh = [at for at in near if each.created - asked[group[at]].created <= each.ttl]
                if any(cosines[at] >= PLAIN for at in fresh):
                    plain.append(place)
                if any(
                    cosines[at] >= threshold and shut(asked[group[at]].question, each.question) is None for at in fresh
                ):
                    gated.append(place)
            group.append(place)
        return gated, plain


def _units(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return units
