"""JSONL: an object a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from training.ingest.lines import Line, lines_of, text_of, too_large
from training.ingest.raw import Raw, Rows
from training.ingest.rejects import RefusedError

_STRING = re.compile(rb'"([^"\\\n]{1,64})"\s*:\s*["\[{]')


def read_jsonl(path: Path, *, field_limit: int) -> Rows:
    """Yield the object of each line that is not blank, or why there is none."""
    for line in lines_of(path, field_limit=field_limit):
        if line.whole and not line.bytes.strip():
            continue
        try:
            yield Raw(line.number, _object(line, field_limit))
        except RefusedError as refused:
            yield refused.at(line.number)


def _object(line: Line, limit: int) -> dict[str, object]:
    if not line.whole:
        opened = _STRING.findall(line.bytes)
        raise too_large(opened[-1].decode("utf-8", "replace") if opened else "line", limit)
    text = text_of(line.bytes)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise RefusedError("line", "it is not JSON", text.strip()) from None
    if not isinstance(found, dict):
        raise RefusedError("line", "it is not a JSON object", text.strip())
    return found
