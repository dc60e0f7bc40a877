"""``tierwise batch``: answer files through the providers' batch APIs, and see how far they are."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from router.cli.money import in_dollars
from router.errors import TierwiseError

batch = typer.Typer(help="Answer many requests that can wait, at batch prices.", no_args_is_help=True)

ConfigFile = Annotated[
    str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, money in USD.")]


@batch.command("run")
def run(
    file: Annotated[Path, typer.Argument(help='One JSON object a line: {"prompt": "...", "id": "...", options}.')],
    out: Annotated[Path, typer.Option("--out", help="Where the answers go, in order, when all are there.")],
    config: ConfigFile = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an earlier run, however it ended.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a file; what was paid for is never lost, and never paid twice."""
    from router.batch.running import journal_path
    from router.engine import Router
    from router.pricing import usd

    told = Console(stderr=True)
    with Router.from_config(config) as router:
        try:
            summary = router.batch(
                file, out=out, resume=resume, report=lambda line: told.print(line, highlight=False, markup=False)
            )
        except KeyboardInterrupt:
            raise TierwiseError(f"stopped; {journal_path(out)} has all that was done, so go on with --resume") from None
    if as_json:
        typer.echo(json.dumps(summary.as_dict(), indent=2))
    else:
        typer.echo(
            f"{summary.answered:,} of {summary.requests:,} answered for {in_dollars(usd(summary.cost))} "
            f"({in_dollars(usd(summary.standard))} without batch APIs), {summary.failed:,} failed: {out}"
        )
        if summary.rejects is not None:
            lines = "line" if summary.rejected == 1 else "lines"
            typer.echo(f"{summary.rejected:,} {lines} could not be taken: {summary.rejects}")


@batch.command()
def status(
    out: Annotated[
        Path | None, typer.Argument(help="The output of a run; default: what was submitted.", show_default=False)
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say how far a run is, or what was submitted, whoever works on it."""
    from router.batch.running import journal_path, tally_of
    from router.pricing import usd

    where = _submitted(config) if out is None else journal_path(out)
    tally = tally_of(where)
    if as_json:
        plain = asdict(tally) | {"cost": usd(tally.cost), "standard": usd(tally.standard), "journal": str(where)}
        typer.echo(json.dumps(plain, indent=2))
        return
    typer.echo(
        f"{tally.done:,} of {tally.requests:,} done, {tally.failed:,} failed, {in_dollars(usd(tally.cost))} "
        f"({in_dollars(usd(tally.standard))} without batch APIs); {tally.under_way:,} of {tally.batches:,} provider "
        "batches are under way"
    )


@batch.command()
def collect(config: ConfigFile = None, as_json: Json = False) -> None:
    """Answer what was submitted by a process that has ended, and wait for it."""
    from router.engine import Router

    with Router.from_config(config) as router:
        count = router.collect()
    typer.echo(json.dumps({"answered": count}) if as_json else f"{count:,} requests were gone on with; see the ledger")


def _submitted(config: str | None) -> Path:
    from router import config as configuration
    from router.errors import InputError

    settings = configuration.load(config).batch
    if settings is None or settings.path is None:
        raise InputError("the configuration has no [batch] with a `path`; name the output of a run")
    return settings.path
