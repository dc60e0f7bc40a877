"""Values that cross every boundary: what is asked, and what a provider gave back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from router.errors import InputError

Priority = Literal["high", "normal", "low"]
Role = Literal["system", "user", "assistant", "tool"]
Stop = Literal["end", "length", "stop_sequence", "tool_calls", "refusal"]

PRIORITIES = ("high", "normal", "low")
ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that the model asks the caller to make; ``arguments`` is JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the model may call; ``parameters`` is a JSON schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFormat:
    """The shape the answer must have: a JSON object, or one that a JSON schema describes."""

    schema: Mapping[str, Any] | None = None
    name: str = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation. A ``tool`` message answers the call named by ``tool_call_id``."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise InputError(f"a message's role is one of {', '.join(ROLES)}, not {self.role!r}")
        if not isinstance(self.content, str):
            raise InputError(f"a message's content is text, not {type(self.content).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the caller wants answered, and within which limits. Never changed after it is made.

    ``deadline`` is in seconds from the start of the request, over all tiers and retries. ``floor`` and
    ``ceiling`` name the weakest and the strongest tier that may answer. ``profile`` names which of the bundle's rules
    routes it; None leaves that to the configuration. ``priority`` is its place in queues for rate limits. ``freshness``
    names how old a cached answer may be: a class of the configuration, or "live" for none at all.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    response_format: ResponseFormat | None = None
    tools: tuple[Tool, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    session: str | None = None
    deadline: float | None = None
    floor: str | None = None
    ceiling: str | None = None
    profile: str | None = None
    priority: Priority = "normal"
    freshness: str | None = None

    def __post_init__(self) -> None:
        if not any(message.content.strip() for message in self.messages if message.role != "system"):
            raise InputError("the prompt is empty; pass some text to answer")
        if self.max_tokens is not None and not _whole(self.max_tokens, least=1):
            raise InputError(f"max_tokens must be a whole number of at least 1, not {self.max_tokens!r}")
        for name in ("user", "session", "floor", "ceiling", "profile", "freshness"):
            value = getattr(self, name)
            if value is not None and not _text(value):
                raise InputError(f"{name} must be text, not {value!r}")
        for name in ("temperature", "deadline"):
            value = getattr(self, name)
            if value is not None and not _number(value):
                raise InputError(f"{name} must be a number, not {value!r}")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise InputError(f"temperature must be between 0 and 2, not {self.temperature!r}")
        if self.priority not in PRIORITIES:
            raise InputError(f"priority is one of {', '.join(PRIORITIES)}, not {self.priority!r}")
        if not all(_text(part) and part for part in self.stop):
            raise InputError("stop takes non-empty strings")
        for key, value in self.tags.items():
            if not (_text(key) and _text(value)):
                raise InputError(f"tags are text to text; {key!r}={value!r} is not")

    @property
    def text(self) -> str:
        """Everything but the system prompt, turn after turn: what the complexity classifier reads."""
        if len(self.messages) == 1:
            return self.messages[0].content
        return "\n\n".join(message.content for message in self.messages if message.role != "system")

    def said(self, what: str) -> str | None:
        """What it says of "user", "session" or a tag of that name; None where it says nothing."""
        if what == "user":
            return self.user
        return self.session if what == "session" else self.tags.get(what)

    @property
    def system(self) -> str:
        """The system prompt, empty when there is none."""
        return "\n\n".join(message.content for message in self.messages if message.role == "system")

    @property
    def prompt_hash(self) -> str:
        """SHA-256 of the messages, white space folded: equal prompts share it, so splits can keep them together."""
        folded = "\x1e".join(f"{message.role}\x1f{' '.join(message.content.split())}" for message in self.messages)
        return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


def _whole(value: object, *, least: int) -> bool:
    """Whether ``value``, which may not be what its annotation says, is a whole number of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _text(value: object) -> bool:
    return isinstance(value, str)


def as_messages(prompt: object, *, system: str | None = None) -> tuple[Message, ...]:
    """Turn what a caller passes as a prompt into messages.

    Accepts text, or a sequence of :class:`Message` or of ``{"role": ..., "content": ...}`` mappings.

    Raises:
        InputError: the prompt is of another type, or a message lacks a role or content.
    """
    head = (Message(role="system", content=system),) if system else ()
    if isinstance(prompt, str):
        return (*head, Message(role="user", content=prompt))
    if isinstance(prompt, Sequence) and not isinstance(prompt, bytes | bytearray):
        return (*head, *(_as_message(item, place) for place, item in enumerate(prompt)))
    raise InputError(f"the prompt must be text or a list of messages, not {type(prompt).__name__}")


def _as_message(item: object, place: int) -> Message:
    if isinstance(item, Message):
        return item
    if not isinstance(item, Mapping):
        raise InputError(f"message {place} must be a Message or a mapping, not {type(item).__name__}")
    unknown = set(item) - {"role", "content", "tool_calls", "tool_call_id"}
    if unknown or "role" not in item:
        raise InputError(f"message {place} needs `role` and `content`; it has {', '.join(map(str, item)) or 'nothing'}")
    calls = item.get("tool_calls") or ()
    return Message(
        role=item["role"],
        content=item.get("content") or "",
        tool_calls=tuple(_as_call(call, place) for call in calls),
        tool_call_id=item.get("tool_call_id"),
    )


def _as_call(call: object, place: int) -> ToolCall:
    """A tool call as a value; OpenAI's nested form is understood too."""
    if isinstance(call, ToolCall):
        return call
    if isinstance(call, Mapping):
        function = call.get("function", call)
        if isinstance(function, Mapping):
            id, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
            if isinstance(id, str) and isinstance(name, str) and isinstance(arguments, str):
                return ToolCall(id=id, name=name, arguments=arguments)
    raise InputError(f"a tool call of message {place} needs `id`, `name` and `arguments` as text; it is {call!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, as disjoint counts: no token is in two fields.

    ``input_tokens`` were read at the full price, ``cached_input_tokens`` from the provider's prompt cache,
    ``cache_write_tokens`` were read and stored in it; ``output_tokens`` are the visible answer and
    ``reasoning_tokens`` what the model thought before it.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            count = getattr(self, name)
            if not _whole(count, least=0):
                raise ValueError(f"{name} must be a count of tokens, not {count!r}")

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt, cached or not: what prompt-length price steps go by."""
        return self.input_tokens + self.cached_input_tokens + self.cache_write_tokens

    @property
    def generated_tokens(self) -> int:
        """All tokens billed as output."""
        return self.output_tokens + self.reasoning_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Logprobs:
    """Natural-log probabilities of the answer's tokens, in order.

    ``values[i]`` is that of the token given; ``top[i]`` those of the likeliest tokens at that place, best
    first, or empty when the server sent none.
    """

    tokens: tuple[str, ...]
    values: tuple[float, ...]
    top: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One tier's answer. ``latency`` is in seconds; ``usage`` is None when the server did not report it.

    ``verified`` is what the user's own check said of the answer, the larger the better; None when there was none.
    ``signals``: what was read off the answer when it came, by name, for a logged one whose log-probabilities were
    not kept.
    """

    text: str
    usage: Usage | None
    stop: Stop
    logprobs: Logprobs | None = None
    latency: float = 0.0
    tool_calls: tuple[ToolCall, ...] = ()
    model: str | None = None
    request_id: str | None = None
    verified: float | None = None
    signals: Mapping[str, float] | None = None
