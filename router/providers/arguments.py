"""One call's arguments: the request's own, the tier's defaults, and the tier's extra fields."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from router.tiers import Tier
from router.types import Request


def arguments(tier: Tier, *, asked: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Merge what the request asks for with the tier's ``options``.

    What is asked wins over an option, an option over a default. Tables on both sides are merged (an effort
    beside a format). Every other option goes out as an extra field of the body, so that it does not matter
    whether the client knows it.
    """
    merged = {**(defaults or {}), **asked}
    extra: dict[str, Any] = {}
    for name, value in tier.options.items():
        if name not in merged:
            extra[name] = value
        elif name not in asked:
            merged[name] = value
        elif isinstance(value, Mapping) and isinstance(merged[name], Mapping):
            merged[name] = {**value, **merged[name]}
    if extra:
        merged["extra_body"] = extra
    return merged


def answer_limit(tier: Tier, request: Request) -> int:
    """The most tokens that the answer may have."""
    return tier.max_tokens if request.max_tokens is None else request.max_tokens


def sampling(tier: Tier, request: Request) -> dict[str, float]:
    """The temperature, where one is given and the tier takes one."""
    return {"temperature": request.temperature} if tier.sampling and request.temperature is not None else {}


def cache_key(tier: Tier, request: Request) -> dict[str, str]:
    """OpenAI's hint as to which prompts begin alike, so that one machine gets them: a hash of system prompt and tools.

    Only for its own endpoint, since compatible servers may refuse fields that they do not know.
    """
    if tier.prompt_cache is None or tier.base_url is not None or not (request.system or request.tools):
        return {}
    shared = repr((request.system, [(tool.name, tool.description, tool.parameters) for tool in request.tools]))
    return {"prompt_cache_key": f"tierwise-{sha256(shared.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"}


def plain_prompt(request: Request) -> str:
    """The prompt of a base model: the text of the messages, with nothing added."""
    return "\n\n".join(message.content for message in request.messages)
