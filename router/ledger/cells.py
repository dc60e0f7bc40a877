"""Single values as a database holds them, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

from router.ledger.redact import redact


def clean(text: str) -> str:
    """``text`` with lone surrogates and NUL, which databases do not hold alike, replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def safe(text: str) -> str:
    """``text`` clean, and without API keys."""
    return clean(redact(text))


def maybe(text: str | None) -> str | None:
    """``text`` safe, where there is one."""
    return None if text is None else clean(redact(text))


def whole(number: int | None) -> int | None:
    """Make ``number`` an int, also one of a numeric library's own type, which drivers would store as bytes."""
    return None if number is None else int(number)


def real(number: float | None) -> float | None:
    """Make ``number`` a float; NaN no number, because SQLite knows no NaN."""
    return None if number is None or number != number else float(number)  # noqa: PLR0124


def number(cell: float | None) -> float:
    """Read what :func:`real` stored, where there always is one: no number was NaN."""
    return math.nan if cell is None else float(cell)


def dump(value: Mapping[str, Any]) -> str:
    """``value`` as compact, strictly valid JSON; NaN becomes null, the infinities text."""
    try:
        text = _ENCODER.encode(value if type(value) is dict else dict(value))
    except ValueError:
        text = _ENCODER.encode(_finite(value))
    return text if text.isascii() else clean(text)


def numbers(text: str) -> dict[str, float]:
    """Read a mapping to floats that :func:`dump` wrote."""
    return {key: number(value) for key, value in json.loads(text).items()}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _plain(value: Any) -> Any:
    """Stand in for what JSON does not know, so that an odd schema never costs a paid answer its record."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _finite(float(value))
    if isinstance(value, Iterable):
        return list(value)
    return str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
