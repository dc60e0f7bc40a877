"""``tierwise train ui``: MLflow's page on the runs."""

from __future__ import annotations

from typing import Annotated

import typer

from training.commands.console import status


def ui(port: Annotated[int, typer.Option(help="On this machine only.")] = 5000) -> None:
    """Show the runs in MLflow's page, on this machine only, until interrupted."""
    from training.tracking import Store, serve

    store = Store.at()
    status.print(f"MLflow at {store.place} on http://127.0.0.1:{port} (Ctrl-C ends it)", highlight=False)
    serve(store, port=port)
