"""Whether an answer has the form that was asked for."""

from __future__ import annotations

import json

from router.types import Completion, Request


def format_broken(request: Request, completion: Completion) -> bool:
    """Whether JSON was asked for and the answer does not parse, or lacks a key that its schema requires."""
    form = request.response_format
    if form is None or completion.tool_calls:
        return False
    try:
        value = json.loads(completion.text)
    except (ValueError, RecursionError):
        return True
    schema = form.schema or {"type": "object"}
    if schema.get("type") != "object":
        return False
    required = schema.get("required")
    names = required if isinstance(required, list | tuple) else ()
    return not isinstance(value, dict) or any(name not in value for name in names)
