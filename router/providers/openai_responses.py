"""OpenAI's responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from router.errors import ProviderError
from router.providers.arguments import answer_limit, arguments, cache_key, sampling
from router.providers.faults import malformed, refused_body, reported, translate
from router.providers.fields import as_json, count, field, items, word
from router.providers.logprobs import ALTERNATIVES, listed, of_answer
from router.providers.openai_chat import described, function, truncated
from router.providers.stops import StopCut, first_stop
from router.providers.usage import responses_usage
from router.tiers import Tier
from router.types import Completion, Message, Request, Stop, ToolCall, Usage


class OpenAIResponses:
    """The wire format of ``/v1/responses``, which has no stop strings: the answer is cut at them here.

    What the model wrote after a stop string is still billed.
    """

    streaming = {"stream": True}  # noqa: RUF012 - never changed

    def create(self, client: Any) -> Callable[..., Any]:
        """``client.responses.create``."""
        method: Callable[..., Any] = client.responses.create
        return method

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The client's keyword arguments for one call."""
        asked: dict[str, Any] = {
            "model": tier.model,
            "input": [part for message in request.messages if message.role != "system" for part in _input(message)],
            "max_output_tokens": answer_limit(tier, request),
            **sampling(tier, request),
            **cache_key(tier, request),
        }
        if request.system:
            asked["instructions"] = request.system
        if request.response_format is not None:
            wanted = request.response_format
            asked["text"] = {
                "format": {"type": "json_object"}
                if wanted.schema is None
                else {"type": "json_schema", **described(wanted.name, wanted.schema)}
            }
        if request.tools:
            # Strict tools are the default of this API alone, and refuse most schemas that the others take.
            asked["tools"] = [{"type": "function", "strict": False, **function(tool)} for tool in request.tools]
        defaults: dict[str, Any] = {"store": False}
        if tier.logprobs:
            defaults |= {"include": ["message.output_text.logprobs"], "top_logprobs": ALTERNATIVES}
        return arguments(tier, asked=asked, defaults=defaults)

    def decode(self, tier: Tier, request: Request, raw: Any) -> Completion:
        """The answer in a Response."""
        return _completion(tier, request, raw, streamed=[])

    def billed(self, raw: Any) -> Usage | None:
        """What the call is billed for."""
        return responses_usage(field(raw, "usage"))

    def assembly(self, tier: Tier, request: Request) -> ResponseAssembly:
        """An empty answer to feed events to."""
        return ResponseAssembly(tier, request)

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms."""
        import openai

        return translate(tier, raised, sdk=openai)


class ResponseAssembly:
    """Reads a streamed response, whose last event repeats the whole of it."""

    def __init__(self, tier: Tier, request: Request) -> None:
        self._tier, self._request = tier, request
        self._cut = StopCut(request.stop)
        self._tokens: list[Any] = []
        self._whole: Any = None

    def feed(self, event: Any) -> str:
        """Take one event; return the text that it added."""
        kind = field(event, "type")
        if kind == "error":
            raise reported(self._tier, field(event, "error") or event)
        if kind == "response.output_text.delta":
            self._tokens += items(event, "logprobs")
            return self._cut.feed(str(field(event, "delta") or ""))
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self._whole = field(event, "response")
            return self._cut.rest()
        return ""

    @property
    def usage(self) -> Usage | None:
        """What the stream is billed for, as far as it has said so."""
        return responses_usage(field(self._whole, "usage"))

    def finish(self) -> Completion:
        """The whole answer."""
        if self._whole is None:
            raise truncated(self._tier)
        return _completion(self._tier, self._request, self._whole, streamed=self._tokens)


def _completion(tier: Tier, request: Request, raw: Any, *, streamed: list[Any]) -> Completion:
    request_id = field(raw, "_request_id")
    status = field(raw, "status")
    if status == "failed":
        raise reported(tier, field(raw, "error") or {}, request_id=request_id)
    if field(raw, "error"):
        raise refused_body(tier, field(raw, "error"), request_id=request_id)
    if isinstance(raw, str | bytes) or not isinstance(field(raw, "output"), list):
        raise malformed(tier, "has no output", request_id=request_id)
    parts = [
        part for item in items(raw, "output") if field(item, "type") == "message" for part in items(item, "content")
    ]
    texts = [part for part in parts if field(part, "type") == "output_text"]
    refusal = "".join(str(field(part, "refusal") or "") for part in parts if field(part, "type") == "refusal")
    calls = tuple(
        ToolCall(
            id=str(field(item, "call_id") or ""),
            name=str(field(item, "name") or ""),
            arguments=as_json(item, "arguments"),
        )
        for item in items(raw, "output")
        if field(item, "type") == "function_call"
    )
    if not parts and not calls and status != "incomplete":
        raise malformed(tier, "has no content", request_id=request_id)
    said = "".join(str(field(part, "text") or "") for part in texts)
    place = first_stop(said, request.stop)
    shown = said if place is None else said[:place]
    tokens = [token for part in texts for token in items(part, "logprobs")] or streamed
    # llama.cpp calls an answer completed that it cut off at the limit; OpenAI tells the truth.
    cut_off = tier.base_url is not None and count(raw, "usage", "output_tokens") >= answer_limit(tier, request)
    refused = bool(refusal) or field(raw, "incomplete_details", "reason") == "content_filter"
    stop: Stop = (
        "refusal"
        if refused
        else "stop_sequence"
        if place is not None
        else "length"
        if status == "incomplete" or cut_off
        else "tool_calls"
        if calls
        else "end"
    )
    return Completion(
        text=shown or refusal,
        usage=responses_usage(field(raw, "usage")),
        stop=stop,
        logprobs=of_answer(listed(tokens), generated=said, shown=shown),
        tool_calls=calls,
        model=word(raw, "model"),
        request_id=request_id,
    )


def _input(message: Message) -> list[dict[str, Any]]:
    """One message as items of the input: calls and results of tools are items of their own here."""
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.tool_call_id or "", "output": message.content}]
    calls = [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls
    ]
    said = [{"role": message.role, "content": message.content}] if message.content or not calls else []
    return [*said, *calls]
