"""Every tuned threshold as one figure that a person can read: accept at or above so much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.decision import ANSWERED, Decision
from router.features import Floats
from router.policy import Rule, Thresholds

_MIDDLE = (0.1, 0.9)


def bars(decisions: Sequence[Decision], rule: Rule, tiers: Sequence[str]) -> list[dict[str, Any]]:
    """Per tier that an answer could have been escalated from: the confidence from which answers were accepted.

    A plain threshold is given as it is. Other rules set another bar for each request; then it is the one bar that
    decides most of these answers alike, and the note says how many, and how far the bars spread.
    """
    found = []
    for rank, name in enumerate(tiers[:-1]):
        confidence, threshold, accepted = _judged(decisions, name)
        if not len(confidence):
            continue
        row: dict[str, Any] = {"after": name, "n": len(confidence), "share_accepted": float(accepted.mean())}
        if isinstance(rule, Thresholds):
            row |= {"accept_at_or_above": rule.accept[rank], "note": "the same for every request"}
        else:
            bar, alike = _one_bar(confidence, accepted)
            low, high = np.quantile(threshold, _MIDDLE)
            row |= {
                "accept_at_or_above": bar,
                "note": (
                    f"each request has its own bar, {low:.2f} to {high:.2f} for the middle 80 %; this one alone "
                    f"decides {alike:.0%} of the answers alike"
                ),
            }
        found.append(row)
    return found


def _judged(decisions: Sequence[Decision], tier: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Confidence, bar, and whether nothing stronger was asked, of each answer of ``tier`` that had a bar."""
    rows = [
        (attempt.confidence, attempt.threshold, not decision.left(place))
        for decision in decisions
        for place, attempt in enumerate(decision.attempts)
        if attempt.tier == tier
        and attempt.verdict in ANSWERED
        and attempt.confidence is not None
        and attempt.threshold is not None
    ]
    confidence, threshold, accepted = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(confidence, float), np.array(threshold, float), np.array(accepted, bool)


def _one_bar(confidence: Floats, accepted: NDArray[np.bool_]) -> tuple[float, float]:
    """The bar that agrees with most of what was decided, and the share with which it does; 1 where none is accepted."""
    candidates = np.append(np.unique(confidence), 1.0)
    order = np.sort(confidence[accepted]), np.sort(confidence[~accepted])
    alike = len(order[0]) - np.searchsorted(order[0], candidates) + np.searchsorted(order[1], candidates)
    best = int(np.argmax(alike))
    return float(candidates[best]), float(alike[best] / len(confidence))
