"""[batch] as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from router.batch.hours import Hours

LARGEST = 10_000
"""Requests in one provider batch at most; providers take 50,000 and more, and a smaller one is lost less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """`[batch]`: how requests that can wait are sent. Times in seconds.

    ``window`` and ``size``: what is submitted is collected for so long, or until there is so much. ``path`` is the
    journal of what is submitted, None where nothing may be. ``poll`` is the longest time between two looks at a
    provider's batch. ``concurrency`` bounds the calls under way at tiers without a batch API. ``tiers`` names those
    with one, None for all at their vendor's own address whose batch prices are known. ``off_peak`` are the hours for
    the tiers that ``off_peak_tiers`` names, None for all without a batch API. ``embed_window``: concurrent prompts are
    embedded together when they come within so long, 0 for each on its own. ``grace``: for so long after an attempt to
    create a batch that nobody answered, it may still turn up at the provider. ``timeout`` bounds one call of a batch
    API.
    """

    window: float = 30.0
    size: int = 1000
    path: Path | None = None
    poll: float = 30.0
    concurrency: int = 8
    tiers: tuple[str, ...] | None = None
    off_peak: Hours | None = None
    off_peak_tiers: tuple[str, ...] | None = None
    embed_window: float = 0.0
    grace: float = 60.0
    timeout: float = 300.0
