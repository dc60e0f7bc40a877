"""The exact key of a request: a SHA-256 of everything that may change its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from router.abtest.experiment import TAG
from router.cache.settings import TENANT, CacheSettings
from router.tiers import Ladder
from router.types import Message, Request

FORMAT = 1
"""Raised when the key's material changes, so that no older entry is found by a new key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What decides on a request besides itself: versions, the ``profile`` in force, the tiers, and ``sending``: the
    settings by which a prompt is changed before it is sent.
    """

    policy: str
    config: str
    profile: str
    ladder: Ladder
    sending: tuple[object, ...] = ()


def key_of(request: Request, scope: Scope, settings: CacheSettings) -> str | None:
    """The key of ``request``: 64 hexadecimal digits; None where a schema holds what is not JSON.

    Everything is taken exactly as it is, the order of a schema's properties too, since models follow it. Not in the
    key: deadline, priority, freshness, and what only attributes the cost.
    """
    form = request.response_format
    material = [
        FORMAT,
        [_message(message) for message in request.messages],
        [[tool.name, tool.description, tool.parameters] for tool in request.tools],
        None if form is None else [form.name, form.schema],
        None if request.temperature is None else float(request.temperature),
        request.max_tokens,
        request.stop,
        _scoped(request, scope, settings),
        _whose(request, settings),
    ]
    try:
        return _digest(material)
    except TypeError:
        return None


def step_key(name: str, inputs: Any, tags: Mapping[str, str], settings: CacheSettings) -> str:
    """The key of one step's result: its ``name``, its ``inputs`` as JSON, and the tags that share nothing."""
    owners = [tags.get(TENANT), *([name, tags.get(name)] for name in sorted(set(settings.per)))]
    text = json.dumps([FORMAT, "step", name, inputs, owners], separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(material: Any) -> str:
    # ASCII, so that lone surrogates have bytes too.
    return hashlib.sha256(_ENCODER.encode(material).encode("ascii")).hexdigest()


def _message(message: Message) -> list[Any]:
    calls = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    return [message.role, message.content, calls, message.tool_call_id]


def _scoped(request: Request, scope: Scope, settings: CacheSettings) -> list[Any]:
    """What the answer is good for."""
    if settings.scope == "policy":
        return ["policy", scope.policy, scope.config, scope.profile, request.floor, request.ceiling]
    tiers = (scope.ladder[rank] for rank in scope.ladder.span(request.floor, request.ceiling))
    models = [
        [tier.name, tier.api, tier.model, tier.base_url, tier.max_tokens, tier.sampling, tier.options] for tier in tiers
    ]
    return ["tier", scope.profile, models, repr(scope.sending)]


def _whose(request: Request, settings: CacheSettings) -> list[Any]:
    """Who may share the answer. A tenant's answers are its own even where the configuration forgets it, and so are
    those of an experiment's arm: answers of the other are not what is compared.
    """
    arm = [["arm", request.tags[TAG]]] if TAG in request.tags else []
    return [request.tags.get(TENANT), *arm, *([name, request.said(name)] for name in sorted(set(settings.per)))]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain)
