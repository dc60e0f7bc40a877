"""Audited quality: the labels that returned answers were given, as evidence that may be looked at for ever."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from router.features import Floats
from router.ledger import Label, Ledger
from training.betting import EProcess
from training.window import decided

SOURCES = ("gold", "test", "human", "judge")
"""Whose labels count: not silver ones, which say that tiers agree and not that an answer is good."""


def evidence(quality: Floats, *, target: float, weight: Floats | None = None) -> EProcess:
    """Bet against "the mean quality is at least ``target``" on labels in the order in which they were given.

    ``quality`` (n,) in [0, 1], NaN for unlabelled, which is passed over. ``weight`` (n,) is 1 over the probability
    that an answer was chosen for labelling, 1 for all unless given. The largest weight is taken for the largest that
    the choice of answers allows, which bounds the bets.
    """
    weights = np.ones(len(quality)) if weight is None else weight
    known = ~np.isnan(quality)
    process = EProcess(low=(target - 1) * max(1.0, float(weights[known].max(initial=1.0))))
    process.update(((target - quality) * weights)[known].tolist())
    return process


def audited(ledger: Ledger, *, policy: str, target: float, profile: str = "default") -> EProcess:
    """The evidence of all labels on answers that this policy version and profile returned.

    All that were ever given, whatever the window that drift is looked for in: the alarm is valid at any time because
    it goes on where it was. The first label of an answer counts, by the time of labelling.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    chosen = list(_returned(ledger, policy=policy, profile=profile))
    return evidence(
        np.array([label.quality for label in chosen], float),
        target=target,
        weight=np.array([label.weight for label in chosen], float),
    )


def _returned(ledger: Ledger, *, policy: str, profile: str) -> Iterable[Label]:
    seen: set[str] = set()
    for label in ledger.labels():
        if label.source not in SOURCES or label.decision_id in seen:
            continue
        decision = ledger.find(label.decision_id)
        if decision is None or decision.tier != label.tier or not decided(decision, policy=policy, profile=profile):
            continue
        seen.add(label.decision_id)
        yield label
