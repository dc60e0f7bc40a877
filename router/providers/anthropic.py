"""Anthropic's messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from router.errors import ContextOverflow, ProviderError
from router.providers.arguments import answer_limit, arguments, sampling
from router.providers.faults import malformed, refused_body, reported, sentence, translate
from router.providers.fields import field, items, word
from router.providers.openai_chat import truncated
from router.providers.schemas import is_closed
from router.providers.stops import StopCut, first_stop
from router.providers.usage import anthropic_usage
from router.tiers import PromptCache, Tier
from router.types import Completion, Message, Request, Stop, ToolCall, Usage

CACHEABLE = 1024
"""Tokens, at four characters each, that a prompt must begin with before the API keeps them; some models need more."""

SAMPLING_VERSION = "2023-06-01"
"""The last API version that takes a temperature; later ones answer 400."""

JSON_ONLY = "Answer with one JSON object and nothing else."
"""Said in the system prompt when an object of no particular schema is wanted: the API has no such format."""

JSON_SCHEMA = f"{JSON_ONLY} It follows this JSON schema:"
"""Said, with the schema, where that leaves an object open to other properties: the API answers 400 to it."""

_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "length",
    "refusal": "refusal",
}


class AnthropicMessages:
    """The wire format of ``/v1/messages``."""

    streaming = {"stream": True}  # noqa: RUF012 - never changed

    def create(self, client: Any) -> Callable[..., Any]:
        """``client.messages.create``."""
        method: Callable[..., Any] = client.messages.create
        return method

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The client's keyword arguments for one call."""
        asked: dict[str, Any] = {
            "model": tier.model,
            "max_tokens": answer_limit(tier, request),
            "messages": _turns(request.messages),
        }
        if system := _system(request):
            asked["system"] = [{"type": "text", "text": system}]
        # The API refuses stop strings of white space; we cut at those.
        if stops := [stop for stop in request.stop if stop.strip()]:
            asked["stop_sequences"] = stops
        wanted = request.response_format
        if wanted is not None and wanted.schema is not None and is_closed(wanted.schema):
            asked["output_config"] = {"format": {"type": "json_schema", "schema": dict(wanted.schema)}}
        if request.tools:
            asked["tools"] = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": {"type": "object", **tool.parameters},
                }
                for tool in request.tools
            ]
        if tier.prompt_cache is not None:
            _mark(asked, tier.prompt_cache)
        encoded = arguments(tier, asked=asked)
        if heat := sampling(tier, request):
            encoded["extra_body"] = {**encoded.get("extra_body", {}), **heat}
            encoded["extra_headers"] = {"anthropic-version": SAMPLING_VERSION}
        return encoded

    def decode(self, tier: Tier, request: Request, raw: Any) -> Completion:
        """The answer in a Message."""
        request_id = field(raw, "_request_id")
        if field(raw, "error"):
            raise refused_body(tier, field(raw, "error"), request_id=request_id)
        if isinstance(raw, str | bytes) or not isinstance(field(raw, "content"), list):
            raise malformed(tier, "has no content", request_id=request_id)
        answer = MessageAssembly(tier, request)
        answer.start(raw)
        for place, block in enumerate(items(raw, "content")):
            answer.open_block(place, block)
        if not answer.stop_reason:
            raise malformed(tier, "has no stop reason", request_id=request_id)
        return answer.finish()

    def billed(self, raw: Any) -> Usage | None:
        """What the call is billed for."""
        return anthropic_usage(field(raw, "usage"))

    def assembly(self, tier: Tier, request: Request) -> MessageAssembly:
        """An empty answer to feed events to."""
        return MessageAssembly(tier, request)

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms."""
        import anthropic

        return translate(tier, raised, sdk=anthropic)


class MessageAssembly:
    """Puts a message together, of a stream's events or of the blocks of a whole one."""

    def __init__(self, tier: Tier, request: Request) -> None:
        self._tier, self._request = tier, request
        self._cut = StopCut(request.stop)
        self._text = ""
        self._calls: dict[int, list[str]] = {}
        self._usages: list[Any] = []
        self._model: str | None = None
        self._request_id: str | None = None
        self.stop_reason: str | None = None

    def feed(self, event: Any) -> str:
        """Take one event; return the text that it added."""
        kind = field(event, "type")
        if kind == "error":
            raise reported(self._tier, field(event, "error"), request_id=self._request_id)
        if kind == "message_start":
            self.start(field(event, "message"))
        elif kind == "content_block_start":
            return self.open_block(field(event, "index"), field(event, "content_block"))
        elif kind == "content_block_delta":
            return self._add(field(event, "index"), field(event, "delta"))
        elif kind == "message_delta":
            self.stop_reason = field(event, "delta", "stop_reason") or self.stop_reason
            self._usages.append(field(event, "usage"))
            return self._cut.rest()
        return ""

    def start(self, message: Any) -> None:
        """Take what is known of the message before, or beside, its content."""
        self._model = word(message, "model")
        self._request_id = field(message, "_request_id")
        self.stop_reason = field(message, "stop_reason")
        self._usages.append(field(message, "usage"))

    def open_block(self, place: int, block: Any) -> str:
        """Take a block of content, whole or only begun; return the text that it added."""
        if field(block, "type") == "tool_use":
            given = field(block, "input")
            self._calls[place] = [
                str(field(block, "id") or ""),
                str(field(block, "name") or ""),
                json.dumps(given) if given else "",
            ]
        return self._said(field(block, "text")) if field(block, "type") == "text" else ""

    @property
    def usage(self) -> Usage | None:
        """What the stream is billed for, as far as it has said so."""
        return anthropic_usage(*self._usages)

    def finish(self) -> Completion:
        """The whole answer."""
        if not self.stop_reason:
            raise truncated(self._tier, request_id=self._request_id)
        if self.stop_reason == "model_context_window_exceeded":
            raise ContextOverflow(
                sentence(self._tier, "cannot hold the prompt and the answer", self.stop_reason),
                tier=self._tier.name,
                code=self.stop_reason,
                request_id=self._request_id,
            )
        place = first_stop(self._text, self._request.stop)
        stop = _STOPS.get(self.stop_reason, "end")
        return Completion(
            text=self._text if place is None else self._text[:place],
            usage=self.usage,
            stop="stop_sequence" if place is not None and stop != "refusal" else stop,
            tool_calls=tuple(
                ToolCall(id=id, name=name, arguments=given or "{}")
                for _, (id, name, given) in sorted(self._calls.items())
            ),
            model=self._model,
            request_id=self._request_id,
        )

    def _add(self, place: int, delta: Any) -> str:
        if field(delta, "type") == "input_json_delta" and place in self._calls:
            self._calls[place][2] += field(delta, "partial_json") or ""
        return self._said(field(delta, "text")) if field(delta, "type") == "text_delta" else ""

    def _said(self, text: Any) -> str:
        added = text if isinstance(text, str) else ""
        self._text += added
        return self._cut.feed(added)


def _system(request: Request) -> str:
    """The system prompt, with what is said in it of the form of the answer."""
    text = request.system
    wanted = request.response_format
    if wanted is not None and wanted.schema is None:
        text = f"{text}\n\n{JSON_ONLY}".strip()
    elif wanted is not None and wanted.schema is not None and not is_closed(wanted.schema):
        text = f"{text}\n\n{JSON_SCHEMA}\n{json.dumps(dict(wanted.schema), ensure_ascii=False)}".strip()
    return text


def _mark(asked: dict[str, Any], kept: PromptCache) -> None:
    """Have the API keep what other prompts begin with too, where that is long enough: tools and system prompt, and in a
    conversation all that came before its last turn. A mark covers everything before it.
    """
    mark = {"type": "ephemeral"} if kept == "5m" else {"type": "ephemeral", "ttl": kept}
    system, tools, turns = asked.get("system", []), asked.get("tools", []), asked["messages"]
    shared = len(json.dumps([tools, system], default=dict))
    heads = [*tools, *system]
    if heads and shared / 4 >= CACHEABLE:
        heads[-1]["cache_control"] = mark
    before = next((place for place in range(len(turns) - 1, 0, -1) if turns[place - 1]["role"] == "assistant"), 0)
    if before and (shared + len(json.dumps(turns[:before]))) / 4 >= CACHEABLE:
        last = turns[before - 1]
        if isinstance(last["content"], str):
            last["content"] = [{"type": "text", "text": last["content"]}]
        if last["content"] and last["content"][-1].get("text", "-").strip():
            last["content"][-1]["cache_control"] = mark


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """The conversation; results of tools are the user's part of it, and those of one turn go in one message."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "tool":
            result = {"type": "tool_result", "tool_use_id": message.tool_call_id or "", "content": message.content}
            if turns and turns[-1]["role"] == "user" and isinstance(turns[-1]["content"], list):
                turns[-1]["content"].append(result)
            else:
                turns.append({"role": "user", "content": [result]})
        elif message.tool_calls:
            blocks: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
            blocks += [
                {"type": "tool_use", "id": call.id, "name": call.name, "input": _object(call.arguments)}
                for call in message.tool_calls
            ]
            turns.append({"role": "assistant", "content": blocks})
        else:
            turns.append({"role": message.role, "content": message.content})
    return turns


def _object(arguments: str) -> dict[str, Any]:
    """A tool call's arguments as the object that this API wants; what is none is passed on under one name."""
    try:
        given = json.loads(arguments or "{}")
    except json.JSONDecodeError:
        given = arguments
    return given if isinstance(given, dict) else {"arguments": given}
