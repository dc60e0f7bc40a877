"""Token counts as providers report them, made disjoint."""

from __future__ import annotations

from typing import Any

from router.providers.fields import count, field
from router.types import Usage


def openai_usage(usage: Any) -> Usage | None:
    """Counts of chat completions and completions; None when there are none.

    There, cached and cache-write tokens are part of the prompt's, and reasoning tokens part of the answer's.
    Gemini's compatible endpoint leaves its thinking out of the answer's count and in the total, and bills it.
    """
    if not isinstance(field(usage, "prompt_tokens"), int):
        return None
    prompt, answer = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    hidden = max(count(usage, "total_tokens") - prompt - answer, 0)
    return _disjoint(
        prompt=prompt,
        answer=answer + hidden,
        cached=count(usage, "prompt_tokens_details", "cached_tokens"),
        written=count(usage, "prompt_tokens_details", "cache_write_tokens"),
        reasoning=count(usage, "completion_tokens_details", "reasoning_tokens") or hidden,
    )


def responses_usage(usage: Any) -> Usage | None:
    """Counts of the responses API; None when there are none."""
    if not isinstance(field(usage, "input_tokens"), int):
        return None
    return _disjoint(
        prompt=count(usage, "input_tokens"),
        answer=count(usage, "output_tokens"),
        cached=count(usage, "input_tokens_details", "cached_tokens"),
        written=count(usage, "input_tokens_details", "cache_write_tokens"),
        reasoning=count(usage, "output_tokens_details", "reasoning_tokens"),
    )


def anthropic_usage(*reports: Any) -> Usage | None:
    """Counts of the messages API; None when there are none.

    A stream reports the prompt at its start and the answer, as a running total, at its end: of several
    reports the last that has a count holds. Cached tokens are not part of ``input_tokens`` there.
    """

    def last(*path: str) -> int:
        found = [count(report, *path) for report in reports if isinstance(field(report, *path), int)]
        return found[-1] if found else 0

    if not any(isinstance(field(report, "input_tokens"), int) for report in reports):
        return None
    thought = min(last("output_tokens_details", "thinking_tokens"), last("output_tokens"))
    return Usage(
        input_tokens=last("input_tokens"),
        cached_input_tokens=last("cache_read_input_tokens"),
        cache_write_tokens=last("cache_creation_input_tokens"),
        output_tokens=last("output_tokens") - thought,
        reasoning_tokens=thought,
    )


def _disjoint(*, prompt: int, answer: int, cached: int, written: int, reasoning: int) -> Usage:
    """Take the parts out of their wholes; a part that claims more than its whole is cut to it."""
    cached = min(cached, prompt)
    written = min(written, prompt - cached)
    reasoning = min(reasoning, answer)
    return Usage(
        input_tokens=prompt - cached - written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=answer - reasoning,
        reasoning_tokens=reasoning,
    )
