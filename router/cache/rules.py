"""Which requests are looked up, and which answers are kept."""

from __future__ import annotations

from collections.abc import Sequence

from router.cache.ops import Cached
from router.cache.settings import CacheSettings
from router.decision import Attempt, Response
from router.types import Request

_GIVEN_UP = ("failed", "skipped")


def is_cached(request: Request, settings: CacheSettings) -> bool:
    """Whether ``request`` has anything to do with the cache.

    Raises:
        InputError: the configuration has no such class of freshness.
    """
    if settings.max_age(request) <= 0 or not settings.writes(request.tags):
        return False
    return settings.sampled or not request.temperature


def entry_of(response: Response, settings: CacheSettings, tiers: Sequence[str]) -> Cached | None:
    """What is kept of ``response``, None where it may not be; ``tiers`` from cheap to strong.

    Not kept: refusals (those in words as far as the confidence scorer's signal knows them), truncated and empty
    answers, those that have not the form that was asked for, calls of tools unless they are switched on, and whatever
    the rule did not accept: an answer below its threshold, one that nothing speaks for, and one that was returned
    because a stronger tier could not be asked.
    """
    decision, accepted = response.decision, response.decision.accepted
    if accepted is None or response.stop in ("refusal", "length") or accepted.verdict != "accepted":
        return None
    if accepted.signals.get("refused") or accepted.signals.get("format_broken"):
        return None  # a refusal in words, with no sign from the provider, or not the form that was asked for
    if response.tool_calls and not settings.tool_calls:
        return None
    if not response.text.strip() and not response.tool_calls:
        return None
    if not _judged(accepted) or _makeshift(accepted, decision.attempts, tiers):
        return None
    return Cached(
        text=response.text,
        stop=response.stop,
        tier=accepted.tier,
        model=accepted.model,
        decision=decision.id,
        created=decision.created,
        cost=decision.cost,
        confidence=accepted.confidence,
        strong_cost=decision.strong_cost,
        best_single_cost=decision.best_single_cost,
        tool_calls=response.tool_calls,
    )


def _judged(accepted: Attempt) -> bool:
    """Whether the answer passed, so far as it was judged; a confidence of 0 says that its form is wrong."""
    if accepted.confidence is None:
        return True
    return accepted.confidence > 0 and accepted.confidence >= (accepted.threshold or 0.0)


def _makeshift(accepted: Attempt, attempts: Sequence[Attempt], tiers: Sequence[str]) -> bool:
    """Whether a stronger tier was to be asked and could not be."""
    rank = {tier: place for place, tier in enumerate(tiers)}
    own = rank.get(accepted.tier, len(tiers))
    return any(each.verdict in _GIVEN_UP and rank.get(each.tier, 0) > own for each in attempts)
