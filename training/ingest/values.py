"""Single values of a log, which may be numbers, words or nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from training.ingest.rejects import RefusedError
from training.long_format import STOPS

_NOTHING = ("", "nan", "null", "none", "na", "n/a")
_WORDS = {"true": 1.0, "false": 0.0}
_STOP_WORDS = {
    **{stop: stop for stop in STOPS},
    "stop": "end",
    "eos": "end",
    "end_turn": "end",
    "max_tokens": "length",
    "content_filter": "refusal",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}


def absent(value: object) -> bool:
    """Whether there is no value: None, NaN, or a word for nothing."""
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return isinstance(value, float) and math.isnan(value)


def number(value: object, field: str, words: Mapping[str, float] = _WORDS) -> float:
    """Return a finite number, also from text; NaN where there is no value.

    Raises:
        RefusedError: it is none.
    """
    if absent(value):
        return math.nan
    if isinstance(value, str):
        word = words.get(value.strip().lower())
        if word is not None:
            return word
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise RefusedError(field, "it is not a number", value) from None
    if math.isinf(found):
        raise RefusedError(field, "it is infinite", value)
    return found


def quality(value: object, *, divide: float, words: Mapping[str, float]) -> float:
    """Return a label in [0, 1], NaN where there is none.

    Raises:
        RefusedError: it is outside.
    """
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    # A yes or no needs no scale.
    yes_or_no = isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in _WORDS)
    found = number(value, "quality") / (1.0 if yes_or_no else divide)
    if not (math.isnan(found) or 0 <= found <= 1):
        raise RefusedError("quality", "it is outside [0, 1]", value)
    return found


def count(value: object, field: str) -> int | None:
    """Return a count of tokens, None where there is none.

    Raises:
        RefusedError: it is negative or no whole number.
    """
    found = number(value, field, {})
    if math.isnan(found):
        return None
    if found < 0:
        raise RefusedError(field, "it is negative", value)
    if found != int(found) or isinstance(value, bool) or found >= 2**53:
        raise RefusedError(field, "it is no count of tokens", value)
    return int(found)


def chance(value: object, field: str) -> float | None:
    """Return a probability above 0, None where there is none.

    Raises:
        RefusedError: it is 0 or outside [0, 1].
    """
    found = number(value, field, {})
    if math.isnan(found):
        return None
    if found == 0:
        raise RefusedError(field, "it is 0, yet the row was observed", value)
    if not 0 < found <= 1:
        raise RefusedError(field, "it is outside (0, 1]", value)
    return found


def stop(value: object) -> str:
    """Return why an answer ended, "end" where the log does not say.

    Raises:
        RefusedError: the reason is not known.
    """
    if absent(value):
        return "end"
    found = _STOP_WORDS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise RefusedError("stop", f"it is none of {', '.join(_STOP_WORDS)}", value)
    return found


def text(value: object, field: str, *, limit: int) -> str:
    """Return text, "" where there is none.

    Raises:
        RefusedError: it is no text, larger than ``limit`` bytes, or holds half a character.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str):
        raise RefusedError(field, "it is not text", value)
    if len(value) > limit or (len(value) * 4 > limit and len(value.encode("utf-8", "surrogatepass")) > limit):
        raise RefusedError(field, f"it is larger than the limit of {limit:,} bytes")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RefusedError(field, "it holds a lone surrogate, which is no character", value) from None
    return value


def name(value: object, field: str, *, limit: int) -> str:
    """Return an identifier as text, "" where there is none; whole numbers will do.

    Raises:
        RefusedError: as :func:`text`.
    """
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    found = text(value, field, limit=limit)
    return "" if absent(found) else found.strip()


def listing(value: object, field: str, *, limit: int) -> list[Any] | None:
    """Return a list, also from JSON text; None where there is none.

    Raises:
        RefusedError: it is no list.
    """
    if absent(value):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(text(value, field, limit=limit))
        except (ValueError, RecursionError) as error:
            if isinstance(error, RefusedError):
                raise
            raise RefusedError(field, "it is not a list in JSON", value) from None
    if not isinstance(value, list):
        raise RefusedError(field, "it is not a list", value)
    return value
