"""Prices that genai-prices publishes, for models that neither the configuration nor the catalogue prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router.pricing import Price, price_of
from router.tiers import Api

if TYPE_CHECKING:
    from datetime import date

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def published_price(model: str, *, api: Api, base_url: str | None, day: date) -> Price | None:
    """Look ``model`` up in genai-prices, when that is installed; None when it knows no price.

    A host is asked for its own price. Rates are read from the price sheet itself: the price of a million
    tokens would be that of the highest step.
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
    when = datetime.combine(day, time(12), tzinfo=UTC)
    standard, batch = found.get_prices(when), found.get_prices(when, {"processing": "batch"})
    table = _sheet(standard, "")
    if table is None:
        return None
    if vars(batch) != vars(standard):
        table = _merged(table, _sheet(batch, "batch_"))
    return price_of(table)


def _sheet(sheet: Any, prefix: str) -> dict[str, Any] | None:
    """Turn a genai-prices sheet into a price table; None when it lacks a price for input or output."""
    table: dict[str, Any] = {}
    steps: dict[int, dict[str, Any]] = {}
    for key, field in _FIELDS.items():
        value = getattr(sheet, field)
        if value is None:
            continue
        table[prefix + key] = getattr(value, "base", value)
        for step in getattr(value, "tiers", ()):
            steps.setdefault(step.start, {"above": step.start})[prefix + key] = step.price
    if f"{prefix}input" not in table or f"{prefix}output" not in table:
        return None
    # A rate without a step of its own at some place keeps the one it had before that place.
    running: dict[str, Any] = {}
    table["steps"] = []
    for above in sorted(steps):
        running = running | steps[above]
        table["steps"].append(running)
    return table


def _merged(table: dict[str, Any], batch: dict[str, Any] | None) -> dict[str, Any]:
    if batch is None:
        return table
    steps = {step["above"]: step for step in table["steps"]}
    for step in batch["steps"]:
        steps[step["above"]] = steps.get(step["above"], {}) | step
    return table | batch | {"steps": [steps[above] for above in sorted(steps)]}
