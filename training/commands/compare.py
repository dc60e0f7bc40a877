"""``tierwise train compare``: runs side by side, and what differs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.commands.console import Json

if TYPE_CHECKING:
    from training.tracking import Comparison, Row


def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Run ids or how they begin, names, @champion, @challenger, @previous.", show_default=False),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Without names: so many of the newest runs.")] = 2,
    everything: Annotated[bool, typer.Option("--all", help="Show what is the same too.")] = False,
    experiment: Annotated[str, typer.Option(help="MLflow's experiment.")] = "tierwise",
    model: Annotated[str, typer.Option(help="MLflow's registered model.")] = "tierwise",
    as_json: Json = False,
) -> None:
    """Print training runs side by side: figures with 95 % intervals, then data, parameters and metrics that differ."""
    from training.tracking import Registry, Store
    from training.tracking import compare as compare_runs

    store = Store.at(experiment=experiment)
    found = compare_runs(store, runs or (), last=last, registry=Registry(store, model))
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
        return
    console = Console()
    console.print(_table(found, found.headline, "The figures that count"))
    rest = found.rows if everything else found.different
    shown = [row for row in rest if row not in found.headline]
    if shown:
        console.print(_table(found, shown, "Everything else" if everything else "What differs"))
    elif len(found.runs) > 1:
        console.print("Nothing else differs.")


def _table(found: Comparison, rows: tuple[Row, ...] | list[Row], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", overflow="fold")
    for run, name, aliases in zip(found.runs, found.names, found.aliases, strict=True):
        mark = "".join(f" @{alias}" for alias in aliases)
        table.add_column(f"{escape(name)}\n{run[:8]}{mark}", justify="right", overflow="fold")
    for row in rows:
        bounds = row.bounds or (None,) * len(row.values)
        table.add_row(escape(row.name), *map(_cell, row.values, bounds), style=None if row.differs else "dim")
    return table


def _cell(value: str | float | None, bounds: tuple[float, float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return escape(value if len(value) <= 60 else f"{value[:57]}...")
    span = "" if bounds is None else f" ({bounds[0]:.4g} to {bounds[1]:.4g})"
    return f"{value:.4g}{span}"
