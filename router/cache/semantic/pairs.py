"""Labelled pairs in a JSON lines file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from router.cache.semantic.fitting import Pair
from router.errors import InputError


def read_pairs(path: Path) -> list[Pair]:
    """Read lines of ``{"a": ..., "b": ..., "same": true}``, with ``kind`` and ``split`` where they are known.

    Raises:
        InputError: the file cannot be read, or a line is not such an object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; name one of labelled pairs with --pairs") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); it must be a text file of one JSON object a line") from None
    pairs = [_pair(line, f"{path}, line {at}") for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not pairs:
        raise InputError(f'{path} has no pairs; write lines like {{"a": "...", "b": "...", "same": true}}')
    return pairs


def _pair(line: str, where: str) -> Pair:
    try:
        found: Any = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: is no JSON ({error}); write one object a line") from None
    if not isinstance(found, dict):
        raise InputError(f'{where}: must be an object like {{"a": "...", "b": "...", "same": true}}')
    for name in ("a", "b"):
        if not isinstance(found.get(name), str) or not found[name].strip():
            raise InputError(f"{where}: `{name}` must be a question's text")
    if not isinstance(found.get("same"), bool):
        raise InputError(f"{where}: `same` must be true where one answer serves both questions, else false")
    kind, split = found.get("kind", ""), found.get("split", "")
    if not isinstance(kind, str) or not isinstance(split, str):
        raise InputError(f"{where}: `kind` and `split` must be text")
    return Pair(one=found["a"], other=found["b"], same=found["same"], kind=kind, split=split)
