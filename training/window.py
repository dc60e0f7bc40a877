"""A stretch of traffic as drift sees it: scores, costs, tiers and prompts, in order of time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from router.decision import Decision
from router.features import HAND, Floats, prompt_features
from router.ledger.codec import Entry
from router.plan import Plan
from router.policy import Rule
from router.profiles import DEFAULT_PROFILE
from router.types import Request
from training.bandit import NONE, BanditLog, follow
from training.records import Records
from training.table import table_of

_LENGTH = HAND.index("log_chars")


@dataclass(frozen=True)
class Window:
    """n requests. ``score`` (n,): the confidence in the first answer, NaN where none was judged. ``cost`` (n,): the
    nano-dollars of the request, rejected answers included. ``tier``: whose answer was returned. ``hand`` (n, F): the
    hand-made features of the prompt, NaN where its text was not kept. ``quality`` (n,): the label of the returned
    answer, NaN where nobody gave one or it was not looked up.
    """

    score: Floats
    cost: Floats
    tier: tuple[str, ...]
    hand: Floats
    quality: Floats

    def __len__(self) -> int:
        return len(self.tier)

    @property
    def length(self) -> Floats:
        """The logarithm of the prompt's length in characters, (n,)."""
        return self.hand[:, _LENGTH]

    @property
    def known(self) -> Floats:
        """The features of the prompts whose text was kept, (m, F)."""
        return self.hand[~np.isnan(self.hand).any(axis=1)]


def window_of_records(records: Records, plan: Plan, rule: Rule) -> Window:
    """What ``rule`` makes of logged answers; a request that needs an answer which the log lacks is left out."""
    seen = np.array([[outcome is not None for outcome in query.outcomes] for query in records.queries], bool)
    table = table_of(records, plan)
    trails = follow(BanditLog(table, seen, np.full(seen.shape, np.nan), records.tiers), rule)
    rows = np.flatnonzero(trails.whole)
    asked = np.zeros(seen.shape)
    for row in rows:
        asked[row, [rank for rank in trails.asked[row] if rank != NONE]] = 1.0
    score = [
        float(table.chances[1 << first][row, first]) for row, first in zip(rows, trails.asked[rows, 0], strict=True)
    ]
    return Window(
        score=np.array(score, float),
        cost=np.where(asked > 0, table.cost, 0.0).sum(axis=1)[rows],
        tier=tuple(records.tiers[rank] for rank in trails.returned[rows]),
        hand=_hand(records.queries[row].request for row in rows),
        quality=table.quality[rows, trails.returned[rows]],
    )


def window_of_ledger(entries: Iterable[Entry], *, policy: str, profile: str = DEFAULT_PROFILE) -> Window:
    """What a ledger's decisions say of one policy version and profile, oldest first.

    Left out: audits, upgrades, failed requests, and what was decided while a safer policy was in force. Quality is
    not looked up.
    """
    score, cost, tier, requests = [], [], [], []
    for entry in entries:
        decision = entry.decision
        if not decided(decision, policy=policy, profile=profile):
            continue
        first = next((one.confidence for one in decision.attempts if one.confidence is not None), None)
        score.append(math.nan if first is None else first)
        cost.append(float(decision.cost))
        tier.append(str(decision.tier))
        requests.append(entry.request)
    return Window(
        score=np.array(score, float),
        cost=np.array(cost, float),
        tier=tuple(tier),
        hand=_hand(requests),
        quality=np.full(len(tier), np.nan),
    )


def decided(decision: Decision, *, policy: str, profile: str) -> bool:
    """Whether that policy version's rule for that profile decided a request, and the request got its answer."""
    version = decision.policy_version
    return (
        decision.audit_of is None
        and decision.upgraded_from is None
        and decision.tier is not None
        and decision.profile == profile
        and bool(version)
        and policy.startswith(version)
    )


def _hand(requests: Iterable[Request | None]) -> Floats:
    nothing = np.full(len(HAND), np.nan)
    rows = [nothing if request is None else prompt_features(request).hand for request in requests]
    return np.array(rows, float).reshape(len(rows), len(HAND))
