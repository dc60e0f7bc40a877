"""Audits: how often a stronger tier is asked in the background after an answer was accepted, to learn from."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Audits:
    """`[audits]`: how often, and for how much.

    ``share`` is the part of this process's spend that audits may have. ``least`` and ``most`` bound the probability
    of one, and ``width`` says how near the threshold, on the scale of the confidence, it begins to rise.
    """

    enabled: bool = False
    share: float = 0.02
    least: float = 0.005
    most: float = 0.10
    width: float = 0.05

    def rate(self, confidence: float, threshold: float) -> float:
        """The probability of an audit after an answer of this ``confidence``; the least where nothing is known."""
        advantage = threshold - confidence
        if math.isnan(advantage):
            return self.least
        return audit_rate(advantage, least=self.least, most=self.most, width=self.width)


def audit_rate(advantage: float, *, least: float, most: float, width: float) -> float:
    """The probability of an audit: clip(least + (most - least) exp(advantage / width), least, most).

    ``advantage`` is the threshold less the confidence, at most 0 where an answer was accepted. Near the threshold
    a rule that is tuned anew may decide otherwise, so that is where an observation is worth the most.
    """
    return min(max(least + (most - least) * math.exp(min(advantage / width, 0.0)), least), most)


def chosen(decision_id: str, rate: float) -> bool:
    """Whether the decision of this id is audited: drawn from the id, so that it can be told again from the ledger."""
    return rate > 0 and number_of(decision_id) < rate


def number_of(decision_id: str) -> float:
    """The permanent random number of a decision in [0, 1), by which it is drawn whenever it is.

    One number for every draw makes them nest: of several, a decision that any of them takes is taken with the largest
    of their probabilities.
    """
    return int(hashlib.sha256(f"audit:{decision_id}".encode()).hexdigest()[:12], 16) / 16**12
