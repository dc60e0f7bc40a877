"""Chat completions: OpenAI's, and every server with a compatible endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.errors import ProviderError, StreamTruncated
from router.providers.arguments import answer_limit, arguments, cache_key, sampling
from router.providers.faults import malformed, refused_body, reported, sentence, translate
from router.providers.fields import as_json, field, items, text, word
from router.providers.logprobs import ALTERNATIVES, listed, of_answer
from router.providers.schemas import is_strict
from router.providers.stops import StopCut, first_stop
from router.providers.usage import openai_usage
from router.tiers import Tier
from router.types import Completion, Message, Request, ResponseFormat, Stop, Tool, ToolCall, Usage

MOST_STOPS = 4
"""How many stop strings OpenAI's own endpoint takes; we cut at the others."""

_STOPS: dict[str, Stop] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
    "stop_sequence": "stop_sequence",
}


class OpenAIChat:
    """The wire format of ``/v1/chat/completions``."""

    streaming = {"stream": True, "stream_options": {"include_usage": True}}  # noqa: RUF012 - never changed

    def create(self, client: Any) -> Callable[..., Any]:
        """``client.chat.completions.create``."""
        method: Callable[..., Any] = client.chat.completions.create
        return method

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The client's keyword arguments for one call."""
        own = tier.api == "openai-chat" and tier.base_url is None
        # Compatible servers know the old name; OpenAI's reasoning models only the new one.
        limit = "max_completion_tokens" if own else "max_tokens"
        asked: dict[str, Any] = {
            "model": tier.model,
            "messages": [_message(message) for message in request.messages],
            limit: answer_limit(tier, request),
            **sampling(tier, request),
            **cache_key(tier, request),
        }
        if request.stop:
            asked["stop"] = list(request.stop[:MOST_STOPS] if own else request.stop)
        if request.response_format is not None:
            asked["response_format"] = response_format(request.response_format)
        if request.tools:
            asked["tools"] = [{"type": "function", "function": function(tool)} for tool in request.tools]
        wanted = {"logprobs": True, "top_logprobs": ALTERNATIVES} if tier.logprobs else {}
        return arguments(tier, asked=asked, defaults=wanted)

    def decode(self, tier: Tier, request: Request, raw: Any) -> Completion:
        """The answer in a ChatCompletion."""
        choice = first_choice(tier, raw)
        message = field(choice, "message")
        parts = ChatParts()
        parts.head(raw)
        parts.content = text(message, "content")
        parts.refusal = text(message, "refusal")
        parts.tokens = items(choice, "logprobs", "content")
        parts.finish_reason = field(choice, "finish_reason")
        parts.matched = field(choice, "stop_reason")
        for place, call in enumerate(items(message, "tool_calls")):
            parts.call(place, call)
        return parts.completion(tier, request)

    def billed(self, raw: Any) -> Usage | None:
        """What the call is billed for."""
        return openai_usage(field(raw, "usage"))

    def assembly(self, tier: Tier, request: Request) -> ChatAssembly:
        """An empty answer to feed chunks to."""
        return ChatAssembly(tier, request)

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms."""
        import openai

        return translate(tier, raised, sdk=openai)


class ChatParts:
    """The parts of one chat answer, however they arrived."""

    def __init__(self) -> None:
        self.content: str | None = None
        self.refusal: str | None = None
        self.tokens: list[Any] = []
        self.finish_reason: str | None = None
        self.matched: Any = None
        self.usage: Any = None
        self.model: str | None = None
        self.request_id: str | None = None
        self._calls: dict[int, list[str]] = {}

    def head(self, raw: Any) -> None:
        """Take the fields that every object of the answer has."""
        self.usage = field(raw, "usage") or self.usage
        self.model = word(raw, "model") or self.model
        self.request_id = field(raw, "_request_id") or self.request_id

    def call(self, place: int, call: Any) -> None:
        """Take a tool call, or a piece of one: id and name come once, arguments in pieces."""
        known = self._calls.setdefault(place, ["", "", ""])
        known[0] = known[0] or str(field(call, "id") or "")
        known[1] = known[1] or str(field(call, "function", "name") or "")
        known[2] += as_json(call, "function", "arguments")

    def completion(self, tier: Tier, request: Request) -> Completion:
        """The answer.

        Raises:
            MalformedAnswer: there is neither text, nor a tool call, nor a refusal.
        """
        calls = tuple(
            ToolCall(id=id, name=name, arguments=arguments) for _, (id, name, arguments) in sorted(self._calls.items())
        )
        stop = self._stop(calls)
        if self.content is None and not calls and stop not in ("refusal", "length"):
            raise malformed(tier, "has no content", request_id=self.request_id)
        said = self.content or ""
        place = first_stop(said, request.stop)
        shown = said if place is None else said[:place]
        return Completion(
            text=shown or (self.refusal or "") if stop == "refusal" else shown,
            usage=openai_usage(self.usage),
            stop="stop_sequence" if place is not None and stop != "refusal" else stop,
            logprobs=of_answer(listed(self.tokens), generated=said, shown=shown),
            tool_calls=calls,
            model=self.model,
            request_id=self.request_id,
        )

    def _stop(self, calls: tuple[ToolCall, ...]) -> Stop:
        if self.refusal:
            return "refusal"
        if isinstance(self.matched, str):
            return "stop_sequence"  # vLLM says which string it was
        if calls and self.finish_reason == "stop":
            return "tool_calls"
        return _STOPS.get(str(self.finish_reason), "end")


class ChatAssembly:
    """Puts a streamed chat answer together."""

    def __init__(self, tier: Tier, request: Request) -> None:
        self._tier, self._request, self._parts = tier, request, ChatParts()
        self._cut = StopCut(request.stop)

    def feed(self, event: Any) -> str:
        """Take one chunk; return the text that it added."""
        parts = self._parts
        if field(event, "error"):
            raise reported(self._tier, field(event, "error"), request_id=parts.request_id)
        parts.head(event)
        added = ""
        for choice in items(event, "choices")[:1]:
            delta = field(choice, "delta")
            content = text(delta, "content")
            if content is not None:
                parts.content = (parts.content or "") + content
                added = self._cut.feed(content)
            refusal = text(delta, "refusal")
            if refusal:
                parts.refusal = (parts.refusal or "") + refusal
            for place, call in enumerate(items(delta, "tool_calls")):
                index = field(call, "index")
                parts.call(index if isinstance(index, int) else place, call)
            parts.tokens += items(choice, "logprobs", "content")
            parts.finish_reason = field(choice, "finish_reason") or parts.finish_reason
            parts.matched = field(choice, "stop_reason") or parts.matched
            if parts.finish_reason:
                added += self._cut.rest()
        return added

    @property
    def usage(self) -> Usage | None:
        """What the stream is billed for, as far as it has said so."""
        return openai_usage(self._parts.usage)

    def finish(self) -> Completion:
        """The whole answer."""
        if not self._parts.finish_reason:
            raise truncated(self._tier, request_id=self._parts.request_id)
        return self._parts.completion(self._tier, self._request)


def first_choice(tier: Tier, raw: Any) -> Any:
    """The first choice of an answer.

    Raises:
        MalformedAnswer: there is none, or the body is an error or no object at all.
    """
    request_id = field(raw, "_request_id")
    if field(raw, "error"):
        raise refused_body(tier, field(raw, "error"), request_id=request_id)
    if isinstance(raw, str | bytes) or raw is None:
        raise malformed(tier, "is no JSON object", request_id=request_id)
    choices = items(raw, "choices")
    if not choices:
        raise malformed(tier, "has no choices", request_id=request_id)
    return choices[0]


def truncated(tier: Tier, *, request_id: str | None = None) -> StreamTruncated:
    """The error for a stream that just ended."""
    return StreamTruncated(
        sentence(tier, "ended its stream without a finish reason, so the answer may be cut short"),
        tier=tier.name,
        request_id=request_id,
    )


def response_format(wanted: ResponseFormat) -> dict[str, Any]:
    """The ``response_format`` of chat completions."""
    if wanted.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": described(wanted.name, wanted.schema)}


def described(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as both OpenAI formats describe it, strict where the API takes it so."""
    return {"name": name, "schema": dict(schema), "strict": is_strict(schema)}


def function(tool: Tool) -> dict[str, Any]:
    """A tool as both OpenAI formats describe it."""
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


def _message(message: Message) -> dict[str, Any]:
    encoded: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        encoded["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        encoded["tool_call_id"] = message.tool_call_id
    return encoded
