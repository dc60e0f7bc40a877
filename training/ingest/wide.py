"""Wide tables, such as RouteLLM's: a row a prompt, and a column a model that says whether its answer was good."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from training.ingest.raw import Raw
from training.ingest.tier_names import TierNames

_BESIDE = ("response", "input_tokens", "output_tokens", "latency", "stop", "conf_logprob", "propensity")
"""What may stand in a column of its own named after the model: ``MODEL_response``."""


OWN = ("tier", "quality", *_BESIDE)
"""The fields that each model has of its own."""


def model_columns(names: Collection[str], tiers: TierNames) -> tuple[str, ...]:
    """Return the columns that are named after a tier or its model, or that the mapping takes for one."""
    return tuple(name for name in names if tiers.knows(name))


def lengthened(raw: Raw, models: Collection[str]) -> Iterator[Raw]:
    """Yield a row for each model, at the same place."""
    own = {f"{model}_{field}" for model in models for field in _BESIDE} | set(models)
    shared = {name: value for name, value in raw.values.items() if name not in own}
    for model in models:
        beside = {field: raw.values[f"{model}_{field}"] for field in _BESIDE if f"{model}_{field}" in raw.values}
        yield replace(raw, values={**shared, **beside, "tier": model, "quality": raw.values[model]})
