"""What the commands of training share: options, progress on standard error, results on standard output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

status = Console(stderr=True)

SAMPLE = Path("data/sample.parquet")

Data = Annotated[Path, typer.Option("--data", help="Labelled answers, as `tierwise train ingest` writes them.")]
Configured = Annotated[
    str, typer.Option("--config", help="A tierwise.toml, or preset:NAME. Its tiers and prices are used.")
]
Found = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        help="A tierwise.toml, or preset:NAME; default: $TIERWISE_CONFIG, ./tierwise.toml, or the user's own.",
        show_default=False,
    ),
]
Embedding = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        help="What embeds prompts for the classifier, such as wordllama, or none; default: the configuration's.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, as a callable that takes what is done and the total."""
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=status, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def say(facts: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    """Print the facts as JSON, or the sentence."""
    typer.echo(json.dumps(facts, indent=2) if as_json else sentence)


def warn(sentence: str) -> None:
    """Print a warning on standard error."""
    status.print(sentence, style="yellow", markup=False, highlight=False, soft_wrap=True)
