"""The catalogue: models, their prices and their ends as data, and the presets made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from router.errors import ConfigError
from router.pricing import Price, price_of
from router.tiers import Api

if TYPE_CHECKING:
    from datetime import date

Capability = Literal["yes", "no", "effort-none"]
State = Literal["current", "deprecated", "retired", "unknown"]

KEY_VARIABLES: Mapping[str, str] = {
    "openai-chat": "OPENAI_API_KEY",
    "openai-responses": "OPENAI_API_KEY",
    "openai-completions": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
}
"""Where each vendor's own client looks for its key."""

_DATA = Path(__file__).parent / "data"
_PRESET = "preset-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is known of a model.

    ``context`` and ``max_output`` are in tokens. ``logprobs`` and ``sampling`` say whether the endpoint returns
    token log-probabilities and takes a temperature: always, never, or at reasoning effort "none" alone.
    ``reasoning``: thinking counts against ``max_tokens``. ``price`` is None when the machine's owner sets it;
    ``price_later`` replaces it on ``price_changes``. ``shutdown`` is the first day on which the vendor no
    longer serves the model, ``successor`` what to use instead. ``source`` says where the figures are from.
    """

    name: str
    family: str
    api: Api
    context: int
    max_output: int
    source: str
    logprobs: Capability
    sampling: Capability
    reasoning: bool = False
    base_url: str | None = None
    api_key_env: str | None = None
    aliases: tuple[str, ...] = ()
    price: Price | None = None
    price_later: Price | None = None
    price_changes: date | None = None
    shutdown: date | None = None
    successor: str | None = None

    def price_on(self, day: date) -> Price | None:
        """Return the price in force on ``day``, None when only the owner of the machine knows it."""
        if self.price_changes is not None and day >= self.price_changes:
            return self.price_later
        return self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Whether a model is served. ``days`` are those left until ``shutdown``, negative once it has passed."""

    state: State
    model: str
    shutdown: date | None = None
    days: int | None = None
    successor: str | None = None

    def sentence(self) -> str:
        """Say the state, and what to do about it."""
        if self.shutdown is None:
            return f"{self.model} is {'not in the catalogue' if self.state == 'unknown' else 'current'}"
        if self.state == "retired":
            return f"{self.model} was shut down on {self.shutdown}; use {self.successor}"
        return f"{self.model} will be shut down on {self.shutdown}, in {self.days} days; move to {self.successor}"


@cache
def models() -> Mapping[str, Model]:
    """Every model by its id, and by its dated ids. Read from the package's data on first use."""
    import tomllib

    raw = tomllib.loads((_DATA / "catalogue.toml").read_text(encoding="utf-8"))
    known: dict[str, Model] = {}
    for name, entry in raw["models"].items():
        model = _model(name, entry)
        known |= dict.fromkeys((name, *model.aliases), model)
    return known


def _model(name: str, entry: dict[str, Any]) -> Model:
    entry = dict(entry)
    price, later = entry.pop("price", None), dict(entry.pop("price_later", {}))
    changes = later.pop("from", None)
    entry.setdefault("api_key_env", None if "base_url" in entry else KEY_VARIABLES.get(entry["api"]))
    return Model(
        name=name,
        aliases=tuple(entry.pop("aliases", ())),
        price=None if price is None else price_of(price),
        price_later=price_of(later) if later else None,
        price_changes=changes,
        **entry,
    )


def find(model: str) -> Model | None:
    """Return what is known of ``model``, an id or a dated id; None when it is not in the catalogue."""
    return models().get(model)


def status(model: str, today: date) -> Status:
    """Whether the vendor still serves ``model`` on ``today``."""
    known = find(model)
    if known is None:
        return Status(state="unknown", model=model)
    if known.shutdown is None:
        return Status(state="current", model=model)
    days = (known.shutdown - today).days
    return Status(
        state="deprecated" if days > 0 else "retired",
        model=model,
        shutdown=known.shutdown,
        days=days,
        successor=known.successor,
    )


def preset_names() -> tuple[str, ...]:
    """Name the presets that `tierwise init --preset` and `preset = ...` know, in alphabetical order."""
    return tuple(sorted(path.stem.removeprefix(_PRESET) for path in _DATA.glob(f"{_PRESET}*.toml")))


def preset_toml(name: str) -> str:
    """Return a commented tierwise.toml to start from.

    Raises:
        ConfigError: no preset has that name.
    """
    if name not in preset_names():
        raise ConfigError(f"there is no preset {name!r}; the presets are {', '.join(preset_names())}", key="preset")
    return (_DATA / f"{_PRESET}{name}.toml").read_text(encoding="utf-8")


def preset_tiers(name: str) -> list[dict[str, Any]]:
    """Return the `[[tiers]]` tables of a preset, cheapest first.

    Raises:
        ConfigError: no preset has that name.
    """
    import tomllib

    tiers: list[dict[str, Any]] = tomllib.loads(preset_toml(name))["tiers"]
    return tiers
