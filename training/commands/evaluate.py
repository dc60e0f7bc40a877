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
from router.errors import InputError
from router.plan import Plan
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
    """Judge a bundle against single tiers, the hull of them, simpler routers and the oracle.

    Where the log is of a policy and lacks some labels, it also says what all of its rows tell of this one.
    """
    from training.embedding import under
    from training.evaluate import Origin
    from training.evaluate import evaluate as judge
    from training.fingerprint import fingerprint
    from training.log_evidence import log_evidence
    from training.records import read

    settings = configuration.load(config)
    loaded = load(bundle)
    records = read(data, settings.tiers)
    here = loaded.facts.get("data") == fingerprint(records) and "grafted" not in loaded.facts
    if not here:
        warn(f"{bundle} was fitted on other data than {data}; make sure that none of these prompts were in it")
    chosen, plan = records.split(split), plan_of(under(settings, loaded), bundle=loaded)
    logged = None if len(chosen.labelled()) else log_evidence(chosen, plan)
    # Without a row that every tier has a label for there is nothing to compare with, but for what a log may tell.
    origin: Origin = "trained here" if here else "trained elsewhere"
    result = judge(chosen, plan, split=split, origin=origin) if logged is None else _only(logged, plan, split)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    if "policy" in result:
        Console().print(table_of(result))
    if "off_policy" in result:
        typer.echo(in_words(result["off_policy"]))


def _only(logged: dict[str, Any], plan: Plan, split: str) -> dict[str, Any]:
    """An evaluation of nothing but what a log tells of another policy."""
    if not logged["supported"]:
        raise InputError(f"no row is labelled at every tier, and of the others: {logged['statement']}")
    return {
        "n": 0,
        "protocol": f"split {split!r}; no row is labelled at every tier, so only the log of another policy tells",
        "policy_version": plan.policy_version,
        "tiers": list(plan.ladder.names),
        "off_policy": logged,
    }


def in_words(logged: dict[str, Any]) -> str:
    """What a log tells of the policy, or why it tells nothing."""
    if not logged["supported"]:
        return f"From the log alone nothing can be said: {logged['statement']}."
    low, high = logged["quality_interval"]
    return (
        f"From the log of another policy: quality {logged['quality']:.1%} ({low:.1%} to {high:.1%}), "
        f"{logged['cost_per_1k']:.6f} USD per 1,000. {logged['statement']}"
    )


def table_of(result: dict[str, Any]) -> Table:
    """Quality and cost of the policy beside its baselines."""
    table = Table(title=f"{result['n']:,} prompts, {result['protocol'].split(';')[0]}", title_justify="left")
    for column in ("", "quality", "95 % interval", "USD per 1,000", "of strong"):
        table.add_column(column, justify="left" if not column else "right")
    strong = result["baselines"]["always_strong"]["cost_per_1k"]
    low, high = result["policy"]["quality_interval"]
    said = {result["tiers"][0], result["tiers"][-1]}  # as always cheap and always strong
    for name, row in {"policy": result["policy"], **result["baselines"]}.items():
        if name.startswith("single:") and row.get("tier") in said:
            continue
        label = name.partition(":")[0].replace("_", " ") + (f" ({row['tier']})" if "tier" in row else "")
        bounds = f"{low:.1%} to {high:.1%}" if name == "policy" else ""
        cost = row["cost_per_1k"]
        table.add_row(label, f"{row['quality']:.1%}", bounds, f"{cost:.6f}", f"{cost / strong:.0%}")
    return table
