"""Output control's place in the pipeline: what is asked of the answer, and whether it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from router.output.form import lacking
from router.output.settings import OutputSettings
from router.tiers import Tier
from router.types import Completion, Message, Request

WORDS = "{words}"
"""What stands in the instruction for as many words as the bound has room for."""

WORDS_PER_TOKEN = 0.7
"""Words that a token is sure to have room for, in English prose."""


def bounded(request: Request, settings: OutputSettings | None, suffices: Sequence[float]) -> Request:
    """The request as it is sent: bounded by how hard the prompt is, by the chances ``suffices`` per rank.

    The caller's own bound holds where it is tighter. A prompt of which nobody knows how hard it is (NaN) gets neither a
    bound nor the instruction.
    """
    if settings is None:
        return request
    chance = suffices[0]
    most = next((level.max_tokens for level in settings.levels if chance >= 1 - level.complexity), None)
    if most is not None:
        request = replace(request, max_tokens=min(most, request.max_tokens or most))
    if settings.concise is not None and chance >= 1 - settings.concise_below:
        words = request.max_tokens and max(int(request.max_tokens * WORDS_PER_TOKEN), 1)
        if words is not None or WORDS not in settings.concise:
            request = replace(request, messages=_told(request.messages, settings.concise.replace(WORDS, str(words))))
    if settings.stop:
        request = replace(request, stop=(*request.stop, *(stop for stop in settings.stop if stop not in request.stop)))
    return request


def _told(messages: tuple[Message, ...], instruction: str) -> tuple[Message, ...]:
    """The messages with ``instruction`` at the end of the last system prompt; in one of its own where there is none."""
    places = [place for place, message in enumerate(messages) if message.role == "system"]
    if not places:
        return (Message(role="system", content=instruction), *messages)
    last = messages[places[-1]]
    told = replace(last, content=f"{last.content}\n\n{instruction}".strip())
    return (*messages[: places[-1]], told, *messages[places[-1] + 1 :])


def unbound(request: Request, sent: Request, tier: Tier, answer: Completion) -> Request | None:
    """What to ask ``tier`` instead, because ``answer`` was cut off at our bound and not at the caller's; None where it
    was not: ``sent`` with the bound of ``request``.
    """
    own = tier.max_tokens if request.max_tokens is None else request.max_tokens
    if answer.stop != "length" or sent.max_tokens is None or sent.max_tokens >= own:
        return None
    return replace(sent, max_tokens=request.max_tokens)


def wanting(request: Request, settings: OutputSettings | None, answer: Completion) -> str | None:
    """Why ``answer`` does not have the form that was asked for, so that it counts as wrong; None when it has.

    An answer that calls tools, or a refusal, has no form to check.
    """
    if settings is None or not settings.validate or request.response_format is None:
        return None
    if answer.tool_calls or answer.stop in ("tool_calls", "refusal"):
        return None
    return lacking(answer.text, request.response_format)
