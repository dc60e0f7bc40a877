"""Routing: what a trained policy would have saved, replayed where the ledger has the answers for it."""

from __future__ import annotations

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
        self._unrouted.add(past.created, past.cost)
        cheapest = min(tier.cost(returned.usage) for tier in self._ladder.tiers)
        self._cheapest.add(past.created, max(past.cost - cheapest, 0))

    def lever(self, *, shares: np.ndarray | None, trained: bool) -> Lever:
        """``shares``: what the trained policy cost of the strongest tier, per replayed request; None without a replay.

        Without one, the cheapest tier alone is the most there can be, and nothing is sure.
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
        if shares is not None and len(shares) >= ENOUGH:
            draws = np.random.default_rng(_SEED).integers(0, len(shares), size=(_DRAWS, len(shares)))
            cut = 1 - shares[:, 0].sum() / shares[:, 1].sum()
            ratios = 1 - shares[draws, 0].sum(axis=1) / shares[draws, 1].sum(axis=1)
            low, high = np.quantile(ratios, [0.025, 0.975])
            saves = Estimate(
                monthly=round(unrouted.monthly * float(cut)),
                low=round(unrouted.monthly * float(low)),
                high=round(unrouted.monthly * float(high)),
            )
            why = f"{told} The bundle, replayed on {len(shares):,} with every tier's answer, costs {cut:.0%} less."
            return Lever(
                name=_NAME,
                saves=saves,
                at_most=most,
                why=why,
                figures=figures,
                risk=_RISK,
                switch='[policy]\nbundle = "policy.tierwise"',
            )
        need = "every tier's answers to some requests" if trained else "a trained policy"
        why = f"{told} How much less would do cannot be said without {need}; the cheapest tier alone is the bound."
        return Lever(name=_NAME, at_most=most, why=why, figures=figures, risk=_RISK, switch=_TRAIN)


def replayed(ledger: Ledger, period: Period, plan: Plan, collected: set[str]) -> np.ndarray | None:
    """Replay the requests of which the ledger has every tier's answer: (n, 2), the policy's cost and the strongest's.

    None where the plan is untrained, or reads embeddings that cannot be had, or there is nothing to replay.
    """
    if not isinstance(plan.assessor, Trained) or not collected:
        return None
    alone = replace(plan, cache=None, shorten=None, output=None, gates=None, audits=None, choice=plan.choice)
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
