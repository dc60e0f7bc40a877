"""One TOML table, read strictly: a wrong key, type or range is an error that says where it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.errors import ConfigError

_SECRET_KEYS = frozenset(
    {"api_key", "apikey", "key", "token", "auth_token", "secret", "password", "authorization", "bearer", "x-api-key"}
)
_SECRET_VALUE = re.compile(
    r"(sk|pk|rk|gsk|xai|hf|ghp)[-_]\S{8,}|AIza\S{20,}|Bearer\s+\S+|(?=[A-Za-z]*\d)[A-Za-z0-9]{24,}"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", dict: "a table", list: "a list"}

NAME_A_VARIABLE = "put the key in an environment variable and name that variable with `api_key_env`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The keys of one table; ``name`` and ``file`` are for the errors.

    Every reader returns None, or the default it is given, when the key is absent, and raises ConfigError with
    file, table and key when the value does not fit.
    """

    raw: Mapping[str, Any]
    name: str | None = None
    file: str | None = None

    def error(self, message: str, key: str | None = None) -> ConfigError:
        """Make the error for this table, to be raised."""
        return ConfigError(message, file=self.file, table=self.name, key=key)

    def only(self, *known: str) -> None:
        """Refuse keys that are not ``known``, and a secret above all."""
        for key in self.raw:
            if key in known:
                continue
            if key.lower() in _SECRET_KEYS:
                raise self.error(f"secrets do not belong in a file; {NAME_A_VARIABLE}", key)
            raise self.error(f"there is no such key; {suggestion(key, known)}", key)

    def text(self, key: str) -> str | None:
        """Read some text, not empty."""
        value: str | None = self._typed(key, str)
        if value is not None and not value.strip():
            raise self.error("is empty", key)
        return value

    def required(self, key: str) -> str:
        """Read some text that must be there."""
        value = self.text(key)
        if value is None:
            raise self.error("is missing", key)
        return value

    def choice(self, key: str, options: tuple[str, ...]) -> str | None:
        """Read one of ``options``."""
        value = self.text(key)
        if value is not None and value not in options:
            raise self.error(f"is {value!r}; {suggestion(value, options)}", key)
        return value

    def flag(self, key: str) -> bool | None:
        """Read true or false."""
        value: bool | None = self._typed(key, bool)
        return value

    def whole(self, key: str, *, least: int) -> int | None:
        """Read a whole number of at least ``least``."""
        value: int | None = self._typed(key, int)
        if value is not None and value < least:
            raise self.error(f"must be at least {least}, not {value}", key)
        return value

    def number(self, key: str, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf) -> Any:
        """Read a finite number, more than ``above`` and from ``least`` to ``most``."""
        value = self._typed(key, float)
        if value is None:
            return None
        if not math.isfinite(value) or value <= above or value < least or value > most:
            low = f"above {above:g}" if above > -math.inf else f"at least {least:g}"
            raise self.error(f"must be {low}{f' and at most {most:g}' if most < math.inf else ''}, not {value}", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts, none empty."""
        values = self._typed(key, list) or []
        if any(not isinstance(value, str) or not value for value in values):
            raise self.error("must be a list of texts, none of them empty", key)
        return tuple(values)

    def table(self, key: str) -> Table | None:
        """Read a table within this one."""
        value = self._typed(key, dict)
        return None if value is None else self._within(value, key)

    def tables(self, key: str) -> list[Table]:
        """Read a list of tables."""
        values = self._typed(key, list) or []
        if any(not isinstance(value, Mapping) for value in values):
            raise self.error("must be a list of tables", key)
        return [self._within(value, place_of(key, place, value)) for place, value in enumerate(values)]

    def variable(self, key: str) -> str | None:
        """Read the name of an environment variable; a pasted key is refused and not repeated."""
        value = self.text(key)
        if value is None:
            return None
        if looks_secret(value):
            raise self.error(f"holds what looks like a key and not a variable's name; {NAME_A_VARIABLE}", key)
        if not _VARIABLE.fullmatch(value):
            raise self.error("must be the name of an environment variable, like OPENAI_API_KEY", key)
        return value

    def free(self, key: str) -> dict[str, Any]:
        """Read a table whose keys are a vendor's and not ours; secrets are refused here too."""
        value = self._typed(key, dict) or {}
        self._no_secrets(value, key)
        return dict(value)

    def _no_secrets(self, value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            for inner, content in value.items():
                if inner.lower() in _SECRET_KEYS:
                    raise self.error(f"secrets do not belong in a file; {NAME_A_VARIABLE}", f"{key}.{inner}")
                self._no_secrets(content, f"{key}.{inner}")
        elif isinstance(value, list):
            for content in value:
                self._no_secrets(content, key)
        elif isinstance(value, str) and looks_secret(value):
            raise self.error(f"holds what looks like a key; {NAME_A_VARIABLE}", key)

    def _within(self, raw: Mapping[str, Any], key: str) -> Table:
        return Table(raw=raw, name=f"{self.name}.{key}" if self.name else key, file=self.file)

    def _typed(self, key: str, kind: type) -> Any:
        value = self.raw.get(key)
        if value is None:
            return None
        whole_as_number = kind is float and isinstance(value, int)
        truth_as_number = kind in (int, float) and isinstance(value, bool)
        if truth_as_number or not (isinstance(value, Mapping if kind is dict else kind) or whole_as_number):
            raise self.error(f"must be {_NAMES[kind]}, not {_described(value)}", key)
        return value


def place_of(key: str, place: int, raw: Mapping[str, Any]) -> str:
    """Name a table of a list by its own `name`, or by its place where it has none."""
    name = raw.get("name")
    return f"{key}.{name}" if isinstance(name, str) and name.strip() else f"{key}[{place}]"


def _described(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    kind = _NAMES.get(type(value), type(value).__name__)
    return kind if isinstance(value, dict | list) or looks_secret(value) else f"{kind} {value!r}"


def looks_secret(value: object) -> bool:
    """Whether ``value`` has the shape of an API key."""
    return isinstance(value, str) and _SECRET_VALUE.fullmatch(value.strip()) is not None


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """Say which of ``known`` was meant, or what they are."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else f"it may be {', '.join(known)}"
