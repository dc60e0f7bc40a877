"""What came back for one call, as JSON that the journal keeps, and as the answer or the error that the core is given.

The provider's own bytes are kept and read anew each time: reading is pure, so a replay comes to the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from router import errors
from router.batch.records import Line
from router.errors import ProviderError, ServerFault
from router.ops import Send
from router.providers.call import Call
from router.providers.clients import CODECS
from router.providers.faults import failed, reported, sentence
from router.tiers import Tier
from router.types import Completion, Logprobs, Message, Request, ResponseFormat, Tool, ToolCall, Usage

_CONTENT = ("messages", "max_tokens", "temperature", "stop", "response_format", "tools")


class NotTaken(ServerFault):
    """The provider's batch ended without an answer to this request, which was not billed."""


def key_of(send: Send) -> str:
    """What identifies a call, whenever it is made: tier, model and all that is sent."""
    tier, request = send.tier, send.request
    plain = [tier.name, tier.api, tier.model, tier.max_tokens, dict(tier.options)]
    plain += [getattr(request, name) for name in _CONTENT]
    text = json.dumps(plain, default=_plain, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def answer_of(send: Send, raw: Mapping[str, Any], *, latency: float = 0.0) -> Completion:
    """The answer in what came back; ``latency`` in seconds.

    Raises:
        ProviderError: it is none.
    """
    tier = send.tier
    if "completion" in raw:
        return _completion(raw["completion"])
    if "fault" in raw:
        raise _fault(tier, raw)
    if "body" not in raw:
        raise _missing(tier, str(raw.get("ended")))
    body, status = raw["body"], raw.get("status", 200)
    if status >= 400:
        raise _rejected(tier, status, body, raw.get("request_id"))
    call = Call(codec=CODECS[tier.api], send=send, secret="")
    with call.translated():
        answer = call.answer(body)
    return replace(answer, latency=latency, request_id=answer.request_id or raw.get("request_id"))


def kept(answer: Completion) -> dict[str, Any]:
    """A direct answer for the journal."""
    return {"completion": asdict(answer)}


def kept_error(error: ProviderError) -> dict[str, Any]:
    """What a direct call failed with, for the journal."""
    names = ("status", "code", "request_id", "retry_after")
    return {
        "fault": type(error).__name__,
        "message": str(error),
        "usage": None if error.usage is None else asdict(error.usage),
        "told": {name: getattr(error, name) for name in names},
    }


def _fault(tier: Tier, raw: Mapping[str, Any]) -> ProviderError:
    """The error that :func:`kept_error` wrote."""
    kind = getattr(errors, str(raw["fault"]), ServerFault)
    error: ProviderError = kind(raw["message"], tier=tier.name, **raw["told"])
    error.usage = None if raw["usage"] is None else Usage(**raw["usage"])
    return error


def _rejected(tier: Tier, status: int, body: Any, request_id: str | None) -> ProviderError:
    if isinstance(body, Mapping) and body.get("type") == "error":
        return reported(tier, body, request_id=request_id)
    return failed(tier, status=status, body=body, request_id=request_id)


def _missing(tier: Tier, why: str) -> NotTaken:
    return NotTaken(sentence(tier, f"gave no answer: its batch was {why}"), tier=tier.name, code=why)


def _completion(plain: Mapping[str, Any]) -> Completion:
    usage, logprobs = plain["usage"], plain["logprobs"]
    return Completion(
        **{
            **plain,
            "usage": None if usage is None else Usage(**usage),
            "logprobs": None
            if logprobs is None
            else Logprobs(
                tokens=tuple(logprobs["tokens"]),
                values=tuple(logprobs["values"]),
                top=tuple(map(tuple, logprobs["top"])),
            ),
            "tool_calls": tuple(ToolCall(**call) for call in plain["tool_calls"]),
        }
    )


def content_of(request: Request, *, name: str | None) -> str:
    """All of ``request`` as JSON text, for its line of the journal; ``name`` is what the caller calls it."""
    return json.dumps({"id": name, "request": asdict(request)}, default=_plain)


def asked(line: Line) -> Request:
    """The request of ``line``, as :func:`content_of` wrote it."""
    plain = json.loads(line.content)["request"]
    form = plain["response_format"]
    return Request(
        **{
            **plain,
            "messages": tuple(
                Message(**{**each, "tool_calls": tuple(ToolCall(**call) for call in each["tool_calls"])})
                for each in plain["messages"]
            ),
            "stop": tuple(plain["stop"]),
            "response_format": None if form is None else ResponseFormat(**form),
            "tools": tuple(Tool(**each) for each in plain["tools"]),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return repr(value)
