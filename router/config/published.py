"""Prices that genai-prices publishes, for models that neither the configuration nor the catalogue prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router.pricing import Price, price_of
from router.tiers import Api

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}
_BEYOND_US = ("requests_kcount", "output_reasoning_mtok")
"""What some vendors charge for beside the four kinds of tokens; without it a price would be too low."""


def published_price(model: str, *, api: Api, base_url: str | None, day: date) -> Price | None:
    """Look ``model`` up in genai-prices, when that is installed; None when it knows no price.

    A host is asked for its own price. Rates are read from the price sheet itself, at noon UTC on ``day``: the
    price of a million tokens would be that of the highest step. A model that charges by the request, too, or
    thinks at a rate of its own has no price here.
    """
    try:
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return None
    from datetime import UTC, datetime, time

    vendor = "anthropic" if api == "anthropic" else "openai"
    try:
        _, found = get_snapshot().find_provider_model(model, None, None if base_url else vendor, base_url)
    except LookupError:
        return None
    table = table_of(found, datetime.combine(day, time(12), tzinfo=UTC))
    return None if table is None else price_of(table)


def table_of(model: Any, when: datetime) -> dict[str, Any] | None:
    """Turn what genai-prices says of ``model`` into a price table, as in a tierwise.toml; None where it cannot be."""
    standard, batch = model.get_prices(when), model.get_prices(when, {"processing": "batch"})
    table = _sheet(standard, "")
    if table is not None and vars(batch) != vars(standard):
        table = _merged(table, _sheet(batch, "batch_"))
    return table


def _sheet(sheet: Any, prefix: str) -> dict[str, Any] | None:
    """Turn a genai-prices sheet into a price table; None when the table could not say what a call costs."""
    if any(getattr(sheet, name) is not None for name in _BEYOND_US):
        return None
    table: dict[str, Any] = {}
    steps: dict[int, dict[str, Any]] = {}
    for key, field in _FIELDS.items():
        value = getattr(sheet, field)
        if value is None:
            continue
        table[prefix + key] = _rounded(getattr(value, "base", value))
        for step in getattr(value, "tiers", ()):
            steps.setdefault(step.start, {"above": step.start})[prefix + key] = _rounded(step.price)
    if f"{prefix}input" not in table or f"{prefix}output" not in table:
        return None
    # A rate without a step of its own at some place keeps the one it had before that place.
    running: dict[str, Any] = {}
    table["steps"] = []
    for above in sorted(steps):
        running = running | steps[above]
        table["steps"].append(running)
    return table


def _rounded(price: Decimal) -> Decimal:
    """Round to the finest price that we hold: some sheets were reckoned in binary, 0.18000000000000002."""
    return round(price, 6)


def _merged(table: dict[str, Any], batch: dict[str, Any] | None) -> dict[str, Any]:
    if batch is None:
        return table
    steps = {step["above"]: step for step in table["steps"]}
    for step in batch["steps"]:
        steps[step["above"]] = steps.get(step["above"], {}) | step
    return table | batch | {"steps": [steps[above] for above in sorted(steps)]}
