"""An answer, or a step's result, as the bytes that a store holds, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from router.cache.ops import Cached, Result
from router.types import Stop, ToolCall

VERSION = 1
"""Of the entries; one of another version is a miss and is overwritten."""

_STOPS = frozenset(get_args(Stop))
_FIELDS: dict[str, Any] = {
    "text": str,
    "stop": str,
    "tier": str,
    "model": str,
    "decision": str,
    "created": float,
    "cost": int,
    "confidence": (float, type(None)),  # not as a union, which takes isinstance ten times as long
    "strong_cost": (int, type(None)),
    "best_single_cost": (int, type(None)),
}


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def encode(entry: Cached, tags: Mapping[str, str]) -> bytes:
    """Write ``entry``; ``tags`` are those of its request, for who clears entries by tag."""
    answer = [getattr(entry, name) for name in _FIELDS]
    calls = [[call.id, call.name, call.arguments] for call in entry.tool_calls]
    return _dump({"v": VERSION, "answer": answer, "calls": calls, "created": entry.created, "tags": dict(tags)})


def decode(blob: bytes) -> Cached:
    """Read what :func:`encode` wrote.

    Raises:
        ValueError: it did not; the message is a clause that says what is wrong.
    """
    plain = _loaded(blob)
    values, calls = plain.get("answer"), plain.get("calls")
    if not isinstance(values, list) or len(values) != len(_FIELDS) or not isinstance(calls, list):
        raise ValueError("it holds no answer")
    found = dict(zip(_FIELDS, values, strict=True))
    for name, kind in _FIELDS.items():
        value = found[name]
        if not isinstance(value, kind) or value is True or value is False:
            raise ValueError(f"its {name} is not what it should be")
    if found["stop"] not in _STOPS:
        raise ValueError("its answer ended in no known way")
    return Cached(**found, tool_calls=tuple(map(_call, calls)))


def encode_result(result: Result, tags: Mapping[str, str]) -> bytes:
    """Write a step's ``result``; ``tags`` as in :func:`encode`."""
    return _dump({"v": VERSION, "value": result.value, "created": result.created, "tags": dict(tags)})


def decode_result(blob: bytes) -> Result:
    """Read what :func:`encode_result` wrote.

    Raises:
        ValueError: it did not.
    """
    plain = _loaded(blob)
    value, created = plain.get("value"), plain.get("created")
    if not isinstance(value, str) or not isinstance(created, float):
        raise ValueError("it holds no result")  # noqa: TRY004 - likewise
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("its result is not JSON") from None
    return Result(value=value, created=created)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What can be said of any entry: when it was made, None where it cannot be read, and its request's tags."""

    created: float | None
    tags: Mapping[str, str]


def label_of(blob: bytes) -> Label:
    """The label of an entry, whatever its kind or version."""
    try:
        plain = json.loads(blob)
    except (ValueError, RecursionError):
        return Label(created=None, tags={})
    if not isinstance(plain, dict):
        return Label(created=None, tags={})
    created, tags = plain.get("created"), plain.get("tags")
    known = isinstance(created, float)
    return Label(created=created if known else None, tags=tags if isinstance(tags, dict) else {})


def _dump(plain: dict[str, Any]) -> bytes:
    # ASCII, so that an answer with half a surrogate pair comes back as it was.
    return _ENCODER.encode(plain).encode("ascii")


def _loaded(blob: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(blob)
    except (ValueError, RecursionError):
        raise ValueError("it is damaged") from None
    if not isinstance(plain, dict):
        raise ValueError("it is damaged")  # noqa: TRY004 - a fault of the entry
    if plain.get("v") != VERSION:
        raise ValueError("another version of tierwise wrote it")
    return plain


def _call(value: Any) -> ToolCall:
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(part, str) for part in value):
        raise ValueError("a tool call of it is not what it should be")
    return ToolCall(id=value[0], name=value[1], arguments=value[2])
