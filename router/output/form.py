"""Whether an answer is the JSON that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.types import ResponseFormat


def lacking(text: str, form: ResponseFormat) -> str | None:
    """What ``text`` lacks to be what ``form`` asks for, to end a sentence about the answer; None when it is that.

    Checked against the whole schema where the package `jsonschema` is installed, else for the types and the keys that
    the schema requires at its top. What the answer says is not repeated, since it may be private.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "it is not JSON" if text.strip() else "it is empty, and JSON was asked for"
    if form.schema is None:
        return None if isinstance(value, dict) else "it is JSON, but not an object"
    wrong = _by_keys(value, form.schema)
    return wrong if wrong is not None else _by_schema(value, form.schema)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool,
    "null": type(None),
}  # fmt: skip


def _by_keys(value: Any, schema: Mapping[str, Any]) -> str | None:
    wanted = schema.get("type")
    kind = _TYPES.get(wanted) if isinstance(wanted, str) else None
    if kind is not None and (not isinstance(value, kind) or (isinstance(value, bool) and wanted != "boolean")):
        # A whole number may be written 3.0, which only the schema's own check allows.
        return None if wanted == "integer" and isinstance(value, float) else f"it is JSON, but not of type {wanted}"
    required = schema.get("required")
    if not isinstance(value, dict) or not isinstance(required, list | tuple):
        return None
    missing = [name for name in required if name not in value]
    return f"it lacks {', '.join(map(repr, missing))}" if missing else None


def _by_schema(value: Any, schema: Mapping[str, Any]) -> str | None:
    try:
        import jsonschema
        from referencing.jsonschema import EMPTY_REGISTRY
    except ImportError:
        return None
    try:
        plain = json.loads(json.dumps(schema, default=dict))
        checker = jsonschema.validators.validator_for(plain, default=jsonschema.Draft202012Validator)
        # With a registry of its own it fetches no schema that this one refers to.
        error = jsonschema.exceptions.best_match(checker(plain, registry=EMPTY_REGISTRY).iter_errors(value))
    except Exception:  # noqa: BLE001 - a schema that is wrong itself says nothing of the answer
        return None
    if error is None:
        return None
    # A key that the schema does not name is the answer's own word.
    named = {*error.absolute_schema_path}
    path = [str(part) if isinstance(part, int) or part in named else "*" for part in error.absolute_path]
    return f"it breaks the schema at {'/'.join(path) or 'its top'}: {error.validator}"
