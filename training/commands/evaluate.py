"""``tierwise train evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from router import config as configuration
from router.bundle import load
from router.planning import DEFAULT_BUNDLE, plan_of
from training.commands.console import SAMPLE, Configured, Data, Json, warn


def evaluate(
    data: Data = SAMPLE,
    config: Configured = "preset:local",
    bundle: Annotated[
        Path, typer.Option("--bundle", help="The bundle to judge.", show_default="the one that ships")
    ] = DEFAULT_BUNDLE,
    split: Annotated[str, typer.Option("--split", help="Which rows: train, certify or test.")] = "test",
    as_json: Json = False,
) -> None:
    """Judge a bundle against single tiers, the hull of them, simpler routers and the oracle."""
    from training.evaluate import evaluate as judge
    from training.fingerprint import fingerprint
    from training.records import read

    settings = configuration.load(config)
    loaded = load(bundle)
    records = read(data, settings.tiers)
    if loaded.facts.get("data") != fingerprint(records):
        warn(f"{bundle} was fitted on other data than {data}; make sure that none of these prompts were in it")
    result = judge(records.split(split), plan_of(settings, bundle=loaded), split=split)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        Console().print(table_of(result))


def table_of(result: dict[str, Any]) -> Table:
    """Quality and cost of the policy beside its baselines."""
    table = Table(title=f"{result['n']:,} prompts, {result['protocol'].split(';')[0]}", title_justify="left")
    for column in ("", "quality", "95 % interval", "USD per 1,000", "of strong"):
        table.add_column(column, justify="left" if not column else "right")
    strong = result["baselines"]["always_strong"]["cost_per_1k"]
    low, high = result["policy"]["quality_interval"]
    for name, row in {"policy": result["policy"], **result["baselines"]}.items():
        label = f"{name.replace('_', ' ')}" + (f" ({row['tier']})" if "tier" in row else "")
        bounds = f"{low:.1%} to {high:.1%}" if name == "policy" else ""
        cost = row["cost_per_1k"]
        table.add_row(label, f"{row['quality']:.1%}", bounds, f"{cost:.6f}", f"{cost / strong:.0%}")
    return table
