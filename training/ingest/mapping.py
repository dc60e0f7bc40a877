"""A mapping file: what the columns, the models and the values of somebody's log mean."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.errors import InputError
from training.ingest.columns import FIELDS

_VALUES = ("quality_divide", "quality_true", "quality_false", "latency_divide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What a mapping file says.

    ``columns``: our field to the log's column. ``tiers``: the log's model to our tier, None for a model to leave out.
    ``quality_divide`` and ``latency_divide`` turn the log's scale into [0, 1] and seconds; ``quality_words`` turns
    words into qualities.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, str | None] = field(default_factory=dict)
    quality_divide: float = 1.0
    latency_divide: float = 1.0
    quality_words: Mapping[str, float] = field(default_factory=dict)


def load_mapping(path: Path) -> Mapped:
    """Read a mapping file, TOML with the tables ``columns``, ``tiers`` and ``values``.

    ``[columns] prompt = "question"`` names the log's column for one of our fields; ``[tiers] "gpt-4" = "large"`` the
    tier that a model is, and ``false`` leaves a model out; ``[values] quality_divide = 10`` scales, and
    ``quality_true = ["yes"]`` and ``quality_false`` list words that are a label.

    Raises:
        InputError: the file is missing or no TOML, or a key or value in it is not understood.
    """
    try:
        told = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the mapping cannot be read ({error.strerror}); check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the mapping is not TOML in UTF-8 ({error})") from None
    _only(told, ("columns", "tiers", "values"), path, "the tables of a mapping")
    for name, table in told.items():
        if not isinstance(table, dict):
            raise InputError(f"{path}: `{name}` is a table, written [{name}]")
    columns, tiers, values = (told.get(name, {}) for name in ("columns", "tiers", "values"))
    _only(columns, FIELDS, path, "the fields of a log")
    _only(values, _VALUES, path, "the keys of [values]")
    for key, value in columns.items():
        if not isinstance(value, str) or not value:
            raise InputError(f"{path}: [columns] `{key}` is the name of a column, not {value!r}")
    for key, value in tiers.items():
        if value is not False and (not isinstance(value, str) or not value):
            raise InputError(f"{path}: [tiers] `{key}` is a tier's name, or false to leave that model out")
    return Mapped(
        columns=columns,
        tiers={model: tier or None for model, tier in tiers.items()},
        quality_divide=_divisor(values, "quality_divide", path),
        latency_divide=_divisor(values, "latency_divide", path),
        quality_words={
            **dict.fromkeys(_words(values, "quality_true", path), 1.0),
            **dict.fromkeys(_words(values, "quality_false", path), 0.0),
        },
    )


def _only(table: Mapping[str, Any], known: tuple[str, ...], path: Path, what: str) -> None:
    stray = next((key for key in table if key not in known), None)
    if stray is not None:
        raise InputError(f"{path}: `{stray}` is not understood; {what} are {', '.join(known)}")


def _divisor(values: Mapping[str, Any], key: str, path: Path) -> float:
    value = values.get(key, 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value > 0 and math.isfinite(value)):
        raise InputError(f"{path}: [values] `{key}` is a number above 0, not {value!r}")
    return float(value)


def _words(values: Mapping[str, Any], key: str, path: Path) -> list[str]:
    words = values.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{path}: [values] `{key}` is a list of words, not {words!r}")
    return [word.strip().lower() for word in words]
