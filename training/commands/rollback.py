"""``tierwise train rollback``: the champion before this one serves again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router import config as configuration
from training.commands.console import Json, say


def rollback(
    config: Annotated[
        str | None,
        typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME; default: found as documented."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where the champion serves from; default: \\[policy] bundle.")
    ] = None,
    model: Annotated[str, typer.Option(help="MLflow's registered model.")] = "tierwise",
    as_json: Json = False,
) -> None:
    """Go back to the champion before this one: the file that serves first, then MLflow's aliases."""
    from training.promote import serving_path
    from training.promotion import crowning
    from training.serving import Serving
    from training.tracking import Registry, Store

    path = serving_path(configuration.load(config), to)
    switch = Serving(path).rollback(tell=crowning(Registry(Store.at(), model)))
    facts = {"status": "rolled back", "from": switch.old, "bundle_version": switch.new, "served_from": str(path)}
    say(facts, f"{switch.new[:16]} serves from {path} again, in place of {(switch.old or '')[:16]}", as_json=as_json)
