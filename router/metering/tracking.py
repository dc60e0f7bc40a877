"""``track(client)``: calls that are made without the router, in the ledger all the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from router import catalogue
from router import config as configuration
from router.config import Config
from router.errors import ConfigError, InputError
from router.ledger import Ledger
from router.metering.meter import Meter, Tagged, Who
from router.metering.recorder import Recorder
from router.metering.watching import watched
from router.planning import ledger_of
from router.pricing import Price, price_of

Client = TypeVar("Client")

_ORIGINAL, _METER = "_tierwise_original", "_tierwise_meter"


def track(
    client: Client,
    *,
    tags: Tagged | None = None,
    user: Who = None,
    session: Who = None,
    ledger: Ledger | str | PathLike[str] | None = None,
    prices: Mapping[str, Price | Mapping[str, Any]] | None = None,
    config: Config | str | Path | None = None,
) -> Client:
    """A copy of an OpenAI or Anthropic ``client``, sync or async, whose calls are written into the ledger.

    What it returns and raises is what ``client`` returns and raises, streams included; the copy shares its connections,
    and ``client`` itself is left as it is. Written are model, tokens, cost, latency, and the ``tags``, ``user`` and
    ``session`` given here, as values or as functions that are asked at each call; no prompt and no answer. Writing is
    done in the background, a fault of the ledger is logged and costs the record alone, and a program that ends writes
    what is left first.

    ``ledger`` is a ledger, a path or a URL; without it the configuration's. ``prices`` are by model, in USD per million
    tokens as in a tier's `price` table; then those of the configuration's tiers, then the catalogue's. A model that
    none of them has is recorded with its tokens and without a cost, which is logged once. An OpenAI stream reports no
    tokens unless it is asked to (``stream_options={"include_usage": True}``).

    Raises:
        InputError: this is no such client, a price cannot be read, or the ledger is switched off.
        ConfigError: the configuration cannot be read, or there is none and no ``ledger`` was given.
    """
    if not all(callable(getattr(client, name, None)) for name in ("request", "post", "copy", "with_options")):
        raise InputError(f"track takes a client of openai or anthropic, not {type(client).__name__}")
    settings = _settings(config, needed=ledger is None)
    book = _ledger(ledger, settings)
    meter = Meter(
        recorder=Recorder(book.append),
        price_of=_pricing(prices or {}, settings),
        tags=tags or {},
        user=user,
        session=session,
    )
    original: Any = getattr(client, _ORIGINAL, client)
    copied: Client = _tracked(original, original.copy(), meter)
    return copied


def flush(client: object, timeout: float | None = None) -> bool:
    """Wait until the calls that a tracked ``client`` made are written; False when ``timeout`` seconds were too few.

    Raises:
        InputError: ``client`` is not tracked.
    """
    meter = getattr(client, _METER, None)
    if not isinstance(meter, Meter):
        raise InputError("flush takes a client that track returned")
    return meter.recorder.flush(timeout)


def _tracked(original: Any, copied: Any, meter: Meter) -> Any:
    """``copied``, with its calls noted, and those of the clients that are derived from it."""
    copy: Callable[..., Any] = copied.copy

    @functools.wraps(copy)
    def derived(*arguments: Any, **changes: Any) -> Any:
        made = copy(*arguments, **changes)
        return _tracked(made.copy(), made, meter)

    copied.request = watched(copied.request, meter)
    copied.copy = copied.with_options = derived
    setattr(copied, _ORIGINAL, original)
    setattr(copied, _METER, meter)
    return copied


def _settings(config: Config | str | Path | None, *, needed: bool) -> Config | None:
    if isinstance(config, Config):
        return config
    if config is None and not needed:
        # With a ledger given, a configuration only adds prices: none at all is fine, a broken one is not.
        try:
            found = configuration.find()
        except ConfigError:
            return None
        return configuration.load(found)
    return configuration.load(config)


def _ledger(given: Ledger | str | PathLike[str] | None, settings: Config | None) -> Ledger:
    if isinstance(given, Ledger):
        return given
    if given is not None:
        return Ledger(given)
    assert settings is not None
    found = ledger_of(settings)
    if found is None:
        raise InputError("the ledger is switched off in the configuration; pass track(client, ledger=...)")
    return found


def _pricing(given: Mapping[str, Price | Mapping[str, Any]], settings: Config | None) -> Callable[[str], Price | None]:
    prices: dict[str, Price] = {}
    if settings is not None:
        prices |= {tier.model: tier.price for tier in reversed(settings.tiers.tiers)}
    for model, table in given.items():
        try:
            prices[model] = table if isinstance(table, Price) else price_of(table)
        except (TypeError, ValueError) as error:
            raise InputError(f"prices: {model!r}: {error}") from None

    def price(model: str) -> Price | None:
        if model in prices:
            return prices[model]
        known = catalogue.find(model)
        return None if known is None else known.price_on(datetime.now().astimezone().date())

    return price
