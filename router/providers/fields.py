"""Reading fields of what a client returned, which may be an SDK's object or plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def field(value: Any, *path: str) -> Any:
    """The field at ``path``, or None where any step of it is missing.

    SDKs build their objects without validating, and keep a server's own fields, so the same reading serves a
    parsed answer, a deviating one and a plain dictionary.
    """
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def items(value: Any, *path: str) -> list[Any]:
    """The list at ``path``, empty where there is none."""
    found = field(value, *path)
    return list(found) if isinstance(found, list | tuple) else []


def text(value: Any, *path: str) -> str | None:
    """The text at ``path``; content that came in parts is joined."""
    found = field(value, *path)
    if isinstance(found, list):
        parts = [field(part, "text") for part in found]
        return "".join(part for part in parts if isinstance(part, str))
    return found if isinstance(found, str) else None


def word(value: Any, *path: str) -> str | None:
    """The text at ``path``; None where there is something else."""
    found = field(value, *path)
    return found if isinstance(found, str) else None


def as_json(value: Any, *path: str) -> str:
    """The JSON text at ``path``; some servers send the object itself where its text belongs."""
    found = field(value, *path)
    return found if isinstance(found, str) else "" if found is None else json.dumps(found)


def count(value: Any, *path: str) -> int:
    """The count of tokens at ``path``, 0 where there is none."""
    found = field(value, *path)
    return max(found, 0) if isinstance(found, int) and not isinstance(found, bool) else 0
