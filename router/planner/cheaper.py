"""Routing: what a trained policy would have saved, replayed where the ledger has the answers for it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np

from router.assess import Trained
from router.cascade import cascade
from router.decision import Attempt
from router.drivers import replay
from router.errors import TierwiseError
from router.ledger import Entry, Ledger
from router.plan import Birth, Plan
from router.planner.history import Past
from router.planner.lever import Lever, percent
from router.planner.period import Daily, Estimate, Period
from router.pricing import usd
from router.tiers import Ladder
from router.types import Completion

ENOUGH = 30
"""Replayed requests below which nothing is said."""

MOST = 1_000
"""Requests that are replayed at most, the first that have every tier's answer."""

_DRAWS = 1_000
_SEED = 20_261_123
_NAME = "routing"
_RISK = "An answer of a cheaper tier may be worse; `tierwise train run` certifies how much, on your labels."
_TRAIN = "tierwise train collect 500 && tierwise train label judge && tierwise train run"


class Cheaper:
    """Adds up what requests cost that no policy routed, and what the cheapest tier would have cost."""

    def __init__(self, period: Period, ladder: Ladder) -> None:
        self._period, self._ladder = period, ladder
        self._unrouted, self._cheapest, self._realised = Daily(period), Daily(period), Daily(period)
        self._strongest = Daily(period)
        self._requests = self._routed = 0
        self.collected: set[str] = set()

    def __call__(self, past: Past) -> None:
        """Take a request up, or the answers that were collected for one."""
        if past.audit_of is not None:
            if any(tried.answered for tried in past.tried):
                self.collected.add(past.audit_of)
            return
        returned = past.returned
        if returned is None or returned.usage is None:
            return
        self._requests += 1
        if past.policy_version not in ("", "untrained"):
            self._routed += 1
            if past.strong_cost is not None:
                self._realised.add(past.created, past.strong_cost - past.cost)
            return
        if not returned.priced:
            return  # a call past the router of which nobody knows what it cost
        self._unrouted.add(past.created, past.cost)
        costs = [tier.cost(returned.usage, batch=past.batch) for tier in self._ladder.tiers]
        self._strongest.add(past.created, costs[-1])
        cheapest = min(costs)
        self._cheapest.add(past.created, max(past.cost - cheapest, 0))

    def lever(self, *, shares: np.ndarray | None, bundle: str | None) -> Lever:
        """``shares``: what the trained policy and the strongest tier cost, per replayed request; None without a replay.
        ``bundle`` is that policy's, as the configuration names it; None where none is trained.

        With a replay the policy is taken to cost the same share of the strongest tier on the requests that no policy
        routed; what these really cost may be less than the strongest tier, and is what the saving begins from. Without
        one, the cheapest tier alone is the most there can be, and nothing is sure.
        """
        unrouted = self._unrouted.estimate()
        figures = {
            "requests": self._requests,
            "routed": self._routed,
            "unrouted_monthly": usd(unrouted.monthly),
            "realised_monthly": usd(self._realised.estimate().monthly),
            "replayed": 0 if shares is None else len(shares),
        }
        most = self._cheapest.estimate().monthly
        if self._requests and self._routed == self._requests:
            why = (
                f"A trained policy routed all of them, for ${usd(self._realised.estimate().monthly):,.2f} a month less"
            )
            return Lever(
                name=_NAME,
                on=True,
                why=f"{why} than the strongest tier.",
                figures=figures,
                risk=_RISK,
                switch=_TRAIN,
            )
        unrouted_share = percent(self._requests - self._routed, self._requests)
        told = f"{unrouted_share} of the requests were routed by no trained policy."
        if shares is not None and len(shares) >= ENOUGH and shares[:, 1].sum() > 0:
            draws = np.random.default_rng(_SEED).integers(0, len(shares), size=(_DRAWS, len(shares)))
            ratio = shares[:, 0].sum() / shares[:, 1].sum()
            ratios = shares[draws, 0].sum(axis=1) / shares[draws, 1].sum(axis=1)
            low, high = np.quantile(ratios, [0.025, 0.975])
            strongest = self._strongest.estimate().monthly
            saves = Estimate(
                monthly=round(unrouted.monthly - strongest * float(ratio)),
                low=round(unrouted.monthly - strongest * float(high)),
                high=round(unrouted.monthly - strongest * float(low)),
            )
            figures |= {"strongest_monthly": usd(strongest), "replayed_share_of_strongest": float(ratio)}
            why = (
                f"{told} The bundle, replayed on {len(shares):,} with every tier's answer, costs {1 - ratio:.0%} less "
                "than the strongest tier."
            )
            return Lever(
                name=_NAME,
                saves=saves,
                at_most=most,
                why=why,
                figures=figures,
                risk=_RISK,
                switch=f"[policy]\nbundle = {json.dumps(bundle or 'default')}",
            )
        need = "every tier's answers to some requests" if bundle is not None else "a trained policy"
        why = f"{told} How much less would do cannot be said without {need}; the cheapest tier alone is the bound."
        return Lever(name=_NAME, at_most=most, why=why, figures=figures, risk=_RISK, switch=_TRAIN)


def replayed(ledger: Ledger, period: Period, plan: Plan, collected: set[str]) -> np.ndarray | None:
    """Replay the requests of which the ledger has every tier's answer: (n, 2), the policy's cost and the strongest's.

    None where the plan is untrained, or reads embeddings that cannot be had, or there is nothing to replay.
    """
    if not isinstance(plan.assessor, Trained) or not collected:
        return None
    alone = replace(plan, cache=None, shorten=None, output=None, gates=None, audits=None)
    firsts: dict[str, Entry] = {}
    answers: defaultdict[str, dict[str, Completion]] = defaultdict(dict)
    for entry in ledger.decisions(period.start, period.end + 1):
        decision = entry.decision
        owner = decision.id if decision.audit_of is None else decision.audit_of
        if owner not in collected:
            continue
        if decision.audit_of is None and entry.request is not None:
            firsts[decision.id] = entry
        for attempt in decision.attempts:
            completion = _completion(attempt)
            if completion is not None:
                answers[owner][attempt.tier] = completion
    names = plan.ladder.names
    rows: list[tuple[float, float]] = []
    for id, entry in firsts.items():
        if len(rows) == MOST:
            break
        if entry.request is None or not all(name in answers[id] for name in names):
            continue
        try:
            found = replay(cascade(entry.request, alone, Birth(id, entry.decision.created)), answers[id]).decision
        except TierwiseError:
            continue  # a prompt that the policy cannot read now: the others still tell
        strongest = plan.ladder.tiers[-1]
        usage = answers[id][strongest.name].usage
        assert usage is not None
        rows.append((float(found.cost), float(strongest.cost(usage))))
    return np.array(rows) if rows else None


def _completion(attempt: Attempt) -> Completion | None:
    """A logged answer, None where there was none or its tokens are not known."""
    if attempt.text is None or attempt.usage is None or attempt.stop is None:
        return None
    return Completion(
        text=attempt.text,
        usage=attempt.usage,
        stop=attempt.stop,
        latency=attempt.latency,
        model=attempt.model,
        signals=attempt.signals,
    )
