"""``tierwise train benchmark``: the published figures, to be repeated by anybody."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from router.config.table import suggestion
from router.errors import InputError
from training.benchmarks.registry import PUBLIC
from training.commands.console import say

_status = Console(stderr=True)

STUDIES = {
    "certificate": "how often the certified rule misses its target, and what certainty costs",
    "policies": "fitted backward induction against cascade routing and threshold search, on the same estimators",
    "calibration": "calibration error of the confidence, before and after, by the number of labels",
    "new-tier": "how few labels a new tier needs",
    "off-policy": "judging a rule from another rule's log: near-threshold audits against uniform exploration",
}
"""Measurements of the parts, with nothing published to set beside them."""


class Benchmarks(TyperGroup):
    """Commands of which an unknown name is one sentence with the nearest one."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name.

        Raises:
            InputError: there is none.
        """
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise InputError(f"there is no benchmark {cmd_name!r}: {suggestion(cmd_name, tuple(self.commands))}")
        return found


app = typer.Typer(
    help="Repeat a published measurement. The public data is read from ../shared/data or $TIERWISE_BENCHMARKS.",
    cls=Benchmarks,
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)

Trials = Annotated[
    int | None, typer.Option("--trials", min=1, help="Repetitions; default: as published.", show_default=False)
]
Quick = Annotated[bool, typer.Option("--quick", help="On fewer seeds or rows, within a minute; not to be quoted.")]
Save = Annotated[
    Path | None, typer.Option("--save", help="Write the outcome into this folder as NAME.json.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def listed(
    names: Annotated[
        bool, typer.Option("--list", help="Name the benchmarks, with their last committed figure.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the benchmarks, or run one of them."""
    if not names:
        if as_json:
            raise InputError("--json stands after a benchmark's name, or with --list")
        return
    from training.benchmarks.listing import listing

    found = listing(STUDIES)
    if as_json:
        typer.echo(json.dumps({"benchmarks": [each.as_dict() for each in found]}, indent=2))
    else:
        typer.echo("\n".join(each.told() for each in found))
    raise typer.Exit


@app.command()
def data(
    name: Annotated[
        str,
        typer.Argument(help="zellinger-llama3, zellinger-gpt4o, routellm-gsm8k or routellm-mmlu.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", help="Where to write labels.parquet and tierwise.toml.")],
    as_json: Json = False,
) -> None:
    """Write public data as labelled answers with a configuration, ready for `tierwise train run`."""
    from training import public

    written = [str(path) for path in public.write(name, out)]
    typer.echo(json.dumps({"data": name, "written": written}, indent=2) if as_json else f"wrote {', '.join(written)}")


@app.command()
def page(
    results: Annotated[Path, typer.Option("--results", help="The folder with the saved outcomes.")] = Path(
        "docs/benchmarks"
    ),
    out: Annotated[
        Path, typer.Option("--out", help="The page; its plots go into the folder of the same name beside it.")
    ] = Path("docs/benchmarks.md"),
    as_json: Json = False,
) -> None:
    """Write the page of all benchmarks from their saved outcomes alone."""
    from training.benchmarks.page import write

    written = [str(path) for path in write(results, out)]
    say({"written": written}, f"wrote {out} and {len(written) - 1} plots", as_json=as_json)


def _public(name: str) -> Callable[..., None]:
    """The command that runs a public benchmark."""

    def command(quick: Quick = False, save: Save = None, as_json: Json = False) -> None:
        from training.benchmarks import saved
        from training.benchmarks.registry import runner

        run = runner(name)
        with _status.status(f"benchmark {name}") as status:
            found = run(report=status.update, quick=quick)
        if save is not None:
            _status.print(f"wrote {saved.save(found, save)}", highlight=False, soft_wrap=True)
        _show(found, as_json=as_json)

    return command


def _study(name: str) -> Callable[..., None]:
    """The command that runs a study, whose ``run`` takes ``report`` and ``trials``."""

    def command(trials: Trials = None, as_json: Json = False) -> None:
        run = importlib.import_module(f"training.benchmarks.{name.replace('-', '_')}").run
        options: dict[str, Any] = {} if trials is None else {"trials": trials}
        with _status.status(f"benchmark {name}") as status:
            found = run(report=status.update, **options)
        _show(found, as_json=as_json)

    return command


for _name, _entry in PUBLIC.items():
    app.command(_name, help=f"{_entry.summary[0].upper()}{_entry.summary[1:]}.", rich_help_panel="Public benchmarks")(
        _public(_name)
    )
for _name, _summary in STUDIES.items():
    app.command(_name, help=f"{_summary[0].upper()}{_summary[1:]}.", rich_help_panel="Studies of the parts")(
        _study(_name)
    )


def _show(found: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2, allow_nan=False))
    else:
        Console().print(found.table())
