"""What a caller may say about one request, and the request that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from router.errors import InputError
from router.types import Message, Priority, Request, ResponseFormat, Tool, as_messages

Prompt = str | Sequence[Message | Mapping[str, Any]]


class _Common(TypedDict, total=False):
    system: str | None
    max_tokens: int | None
    temperature: float | None
    stop: str | Sequence[str] | None
    response_format: ResponseFormat | Mapping[str, Any] | Literal["json"] | None
    tools: Sequence[Tool | Mapping[str, Any]]
    tags: Mapping[str, str] | None
    user: str | None
    session: str | None
    deadline: float | None
    floor: str | None
    ceiling: str | None
    profile: str | None
    freshness: str | None


class Options(_Common, total=False):
    """The options of every call that takes a prompt.

    ``system`` is put before the prompt. ``max_tokens`` and ``temperature`` bound and flavour the answer, ``stop``
    ends it at a string. ``response_format`` is "json", a JSON schema or a :class:`ResponseFormat`. ``tools`` are
    offered to the model. ``tags`` (such as ``{"feature": "search"}``), ``user`` and ``session`` attribute the
    cost. ``deadline`` is in seconds over all tiers and retries. ``floor`` and ``ceiling`` name the weakest and
    the strongest tier to ask. ``profile`` names which of the bundle's rules decides; without it the configuration
    does (`[policy]`). ``priority`` is "high", "normal" or "low": its place in queues for rate limits. ``freshness``
    names how old a cached answer may be, by a class of `[cache]`, or "live" for an answer made now.
    """

    priority: Priority


class Submitted(_Common, total=False):
    """:class:`Options` of a submitted request: ``priority`` may also be "batch", for one that can wait a day."""

    priority: Priority | Literal["batch"]


def request_of(prompt: Prompt, options: Options) -> Request:
    """The request for ``prompt``.

    Raises:
        InputError: the prompt or an option is not what it should be.
    """
    if not options:
        return Request(messages=as_messages(prompt))
    unknown = set(options) - Options.__annotations__.keys()
    if unknown:
        known = ", ".join(Options.__annotations__)
        raise InputError(f"{', '.join(sorted(unknown))} is no option of a request; the options are {known}")
    stop = options.get("stop") or ()
    return Request(
        messages=as_messages(prompt, system=options.get("system")),
        max_tokens=options.get("max_tokens"),
        temperature=options.get("temperature"),
        stop=(stop,) if isinstance(stop, str) else tuple(_listed(stop, "stop")),
        response_format=_format(options.get("response_format")),
        tools=tuple(_tool(tool) for tool in _listed(options.get("tools") or (), "tools")),
        tags=_tags(options.get("tags") or {}),
        user=options.get("user"),
        session=options.get("session"),
        deadline=options.get("deadline"),
        floor=options.get("floor"),
        ceiling=options.get("ceiling"),
        profile=options.get("profile"),
        priority=options.get("priority") or "normal",
        freshness=options.get("freshness"),
    )


def _listed(value: object, name: str) -> Sequence[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    raise InputError(f"{name} must be a list, not {value!r}")


def _tags(value: object) -> dict[str, str]:
    if isinstance(value, Mapping):
        return dict(value)
    raise InputError(f'tags are text to text, such as {{"feature": "search"}}, not {value!r}')


def _format(value: ResponseFormat | Mapping[str, Any] | str | None) -> ResponseFormat | None:
    if value is None or isinstance(value, ResponseFormat):
        return value
    if value == "json":
        return ResponseFormat()
    if isinstance(value, Mapping):
        return ResponseFormat(schema=value)
    raise InputError(f'response_format is "json", a JSON schema or a ResponseFormat, not {value!r}')


def _tool(value: object) -> Tool:
    if isinstance(value, Tool):
        return value
    function = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InputError(f"a tool is a Tool, or a mapping with `name`, `description` and `parameters`, not {value!r}")
    return Tool(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or {"type": "object", "properties": {}},
    )
