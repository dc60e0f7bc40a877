"""Which JSON schemas a provider's constrained decoding takes; it answers 400 to the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_UNKNOWN_TO_STRICT = frozenset(
    {
        "allOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "minProperties",
        "maxProperties",
        "prefixItems",
        "contains",
        "uniqueItems",
    }
)
"""Keywords that OpenAI's strict mode refuses."""

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains")


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI takes ``schema`` with ``strict``: every object is closed and requires all that it has."""
    if schema.get("type") != "object" or "anyOf" in schema:
        return False
    return all(
        _is_closed(part)
        and set(part.get("required", ())) == set(part.get("properties", ()))
        and not _UNKNOWN_TO_STRICT & part.keys()
        for part in _parts(schema)
    )


def is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether every object of ``schema`` allows no other properties than its own, as Anthropic wants it."""
    return all(_is_closed(part) for part in _parts(schema))


def _is_closed(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in part
    return not is_object or part.get("additionalProperties") is False


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and all schemas in it; what only looks like one, in an example or an enum, is none."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for name in _NAMED:
        inner = schema.get(name)
        for each in inner.values() if isinstance(inner, Mapping) else ():
            yield from _parts(each)
    for name in _LISTED:
        inner = schema.get(name)
        for each in inner if isinstance(inner, list | tuple) else ():
            yield from _parts(each)
    for name in _SINGLE:
        yield from _parts(schema.get(name))
