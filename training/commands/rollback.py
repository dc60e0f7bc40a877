"""``tierwise train rollback``: the champion before this one serves again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router import config as configuration
from training.commands.console import Found, Json, say
from training.commands.run import UNTOLD


def rollback(
    config: Found = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where the champion serves from; default: \\[policy] bundle.")
    ] = None,
    model: Annotated[str, typer.Option(help="MLflow's registered model.")] = "tierwise",
    as_json: Json = False,
) -> None:
    """Go back to the champion before this one: the file that serves first, then MLflow's aliases.

    Exit status: 0 rolled back, 7 rolled back and MLflow could not be told.
    """
    from training.errors import TrackingError
    from training.promote import serving_path
    from training.promotion import crowning
    from training.run import EXIT_CODES
    from training.serving import Serving
    from training.tracking import Registry, Store

    path = serving_path(configuration.load(config), to)
    serving = Serving(path)
    before = serving.version
    try:
        switch = serving.rollback(tell=crowning(Registry(Store.at(), model)))
    except TrackingError as error:
        now = serving.version or ""
        facts = {"status": "registry_down", "from": before, "bundle_version": now, "served_from": str(path)}
        say(facts, f"{now[:16]} serves from {path} again, but {error}; {UNTOLD}", as_json=as_json)
        raise typer.Exit(EXIT_CODES["registry_down"]) from None
    facts = {"status": "rolled back", "from": switch.old, "bundle_version": switch.new, "served_from": str(path)}
    say(facts, f"{switch.new[:16]} serves from {path} again, in place of {(switch.old or '')[:16]}", as_json=as_json)
