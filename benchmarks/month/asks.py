"""What is asked in the simulated month: one request with all that the simulation knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from router.types import Request

Feature = Literal["chat", "faq", "documents", "review", "tickets"]

MONTH = 30 * 86_400.0
"""Seconds of the month."""

BEGIN = 1_793_491_200.0
"""2026-11-01, midnight UTC: a Sunday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of the month, ``at`` so many seconds after its beginning.

    ``truth`` is the same for two asks exactly when one's right answer is the other's. ``needs`` are pieces of text
    without which nobody can answer. ``difficulty`` is on the scale of the tiers' skills (logits), ``length`` the
    tokens of a whole answer. ``urgent``: somebody waits for it. ``runaway``: sent by the script that ran away.
    """

    id: str
    at: float
    feature: Feature
    request: Request
    truth: str
    difficulty: float
    length: int
    needs: tuple[str, ...] = ()
    urgent: bool = True
    runaway: bool = False
