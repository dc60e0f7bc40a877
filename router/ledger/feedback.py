"""Feedback: a label for the answer that a decision returned."""

from __future__ import annotations

import time

from router.errors import InputError
from router.ledger.label import Label, Source
from router.ledger.ledger import Ledger


def record(
    ledger: Ledger,
    decision_id: str,
    quality: float,
    *,
    tier: str | None = None,
    source: Source = "human",
    judge: str | None = None,
    weight: float = 1.0,
    created: float | None = None,
) -> Label:
    """Write down how good an answer was, in [0, 1]; without ``tier`` the answer that was returned.

    What is said of an answer from the cache is said of the decision that made it. ``created`` is in seconds since the
    epoch, None for now.

    Raises:
        InputError: the ledger has no such decision or answer, or a value is outside its range; or the answer was the
            cache's to another question, and so says nothing of any tier.
        LedgerError: the ledger cannot be read or written.
    """
    if tier is None:
        decision = ledger.find(decision_id)
        if decision is None:
            raise InputError(f"the ledger has no decision {decision_id!r}; its id is `decision.id` of the response")
        tier = decision.tier
        if tier is None:
            raise InputError(f"decision {decision_id!r} returned no answer, so there is nothing to label")
        if decision.cache is not None:
            if decision.cache.kind != "exact":
                raise InputError(
                    f"decision {decision_id!r} returned the cache's answer to another question, so what it is worth "
                    "here is no label of the answer; `tierwise cache fit` learns from such pairs"
                )
            decision_id = decision.cache.decision
    label = Label(
        decision_id=decision_id,
        tier=tier,
        quality=float(quality),
        source=source,
        created=time.time() if created is None else created,
        judge=judge or None,
        weight=weight,
    )
    ledger.label(label)
    return label
