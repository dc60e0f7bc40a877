"""``tierwise feedback``: how good an answer was, for training to learn from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, cast

import typer

from router.errors import InputError
from router.ledger.label import Source


def feedback(
    decision: Annotated[str, typer.Argument(help="The decision's id, as in `tierwise route --json`.")],
    quality: Annotated[float, typer.Option(help="From 0 (useless) to 1 (as good as can be).")],
    tier: Annotated[str | None, typer.Option(help="Whose answer; default: the one that was returned.")] = None,
    source: Annotated[str, typer.Option(help="gold, test, human, judge or silver.")] = "human",
    judge: Annotated[
        str | None, typer.Option(help="Who or what judged; the same one again replaces its label.")
    ] = None,
    weight: Annotated[float, typer.Option(help="How much the label counts.")] = 1.0,
    config: Annotated[
        str | None,
        typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME; default: found as documented."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how good the answer of a decision in the ledger was."""
    from router import config as configuration
    from router.ledger.feedback import record
    from router.planning import ledger_of

    ledger = ledger_of(configuration.load(config))
    if ledger is None:
        raise InputError("the ledger is switched off in the configuration, so there is nothing to label")
    with ledger:
        told = record(ledger, decision, quality, tier=tier, source=cast("Source", source), judge=judge, weight=weight)
    if as_json:
        typer.echo(json.dumps(asdict(told), indent=2))
    else:
        typer.echo(f"kept: {told.tier} in {told.decision_id} is worth {told.quality:g} ({told.source})")
