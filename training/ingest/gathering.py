"""From observations to queries: duplicates collapse, contradictions are refused, tiers come together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from router.types import Request
from training.ingest.observation import Observation
from training.ingest.options import OnConflict
from training.ingest.rejects import Reject
from training.records import Outcome

SOURCES = ("gold", "human", "test", "judge", "silver", "")
"""Whose label counts where several sources have one, the most trusted first."""


@dataclass(slots=True)
class Gathered:
    """All that the log says of one query: observations by tier."""

    key: str
    request: Request
    by_tier: dict[str, list[Observation]] = field(default_factory=dict)

    def all(self) -> Iterable[Observation]:
        """Every observation."""
        return (one for some in self.by_tier.values() for one in some)


@dataclass(frozen=True, slots=True)
class Settled:
    """One tier's outcome, after duplicates and contradictions. ``duplicates`` rows added nothing."""

    first: Observation
    outcome: Outcome
    rejects: tuple[Reject, ...]
    duplicates: int


class Gathering:
    """Observations by query; a query is what the log calls one, or else a prompt."""

    def __init__(self) -> None:
        self.queries: dict[str, Gathered] = {}

    def add(self, one: Observation) -> Reject | None:
        """Take one observation, unless it gives a query another prompt than an earlier one did."""
        key = one.query_id or one.request.prompt_hash[:16]
        query = self.queries.get(key)
        if query is None:
            query = self.queries[key] = Gathered(key, one.request)
        elif query.request.prompt_hash != one.request.prompt_hash:
            return Reject(one.place, "prompt", "it is another prompt than an earlier row of this query has", key)
        # One object for the prompt, however many tiers answered it.
        query.by_tier.setdefault(one.tier, []).append(replace(one, request=query.request))
        return None


def settle(observations: Sequence[Observation], on_conflict: OnConflict) -> Settled:
    """Make one outcome of all rows that a query has for one tier.

    The most trusted source's label counts. Labels of one source that contradict each other are refused, and then
    the answer stays as one that nobody labelled; or their weighted mean is taken.
    """
    first = observations[0]
    rejects: list[Reject] = []
    chosen: Outcome | None = None
    told = 0
    for source in SOURCES:
        labelled = [one for one in observations if one.outcome.source == source and _has_label(one)]
        if not labelled:
            continue
        outcomes = [one.outcome for one in labelled]
        different = len({outcome.quality for outcome in outcomes})
        if different == 1:
            settled = outcomes[0]
        elif on_conflict == "mean":
            settled = _mean(outcomes)
        else:
            reason = "labels of this query and tier contradict each other"
            rejects += [Reject(one.place, "quality", reason, one.outcome.quality) for one in labelled]
            continue
        told += different
        chosen = chosen or settled
    outcome = chosen or replace(first.outcome, quality=math.nan, source="", weight=1.0, judge=None)
    duplicates = max(len(observations) - len(rejects) - max(told, 1), 0)
    return Settled(first, outcome, tuple(rejects), duplicates)


def _has_label(one: Observation) -> bool:
    return not math.isnan(one.outcome.quality)


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    total = sum(outcome.weight for outcome in outcomes)
    quality = sum(outcome.weight * outcome.quality for outcome in outcomes) / total
    # Rounding may carry a mean of ones a hair above 1.
    return replace(outcomes[0], quality=min(max(quality, 0.0), 1.0), weight=total / len(outcomes), judge=None)
