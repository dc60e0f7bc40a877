"""``tierwise train benchmark``: the published figures, to be repeated by anybody."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from router.errors import InputError

app = typer.Typer(
    help="Repeat a published measurement. The public data is read from ../shared/data or $TIERWISE_BENCHMARKS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_status = Console(stderr=True)

Trials = Annotated[
    int | None, typer.Option("--trials", min=1, help="Repetitions; default: as published.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def certificate(trials: Trials = None, as_json: Json = False) -> None:
    """How often the certified rule misses its target, and what certainty costs."""
    _run("certificate", trials, as_json)


@app.command()
def policies(trials: Trials = None, as_json: Json = False) -> None:
    """Fitted backward induction against cascade routing and threshold search, on the same estimators."""
    _run("policies", trials, as_json)


@app.command()
def calibration(trials: Trials = None, as_json: Json = False) -> None:
    """Calibration error of the confidence, before and after, by the number of labels."""
    _run("calibration", trials, as_json)


@app.command("new-tier")
def new_tier(trials: Trials = None, as_json: Json = False) -> None:
    """How few labels a new tier needs."""
    _run("new-tier", trials, as_json)


@app.command("off-policy")
def off_policy(trials: Trials = None, as_json: Json = False) -> None:
    """Judging a rule from another rule's log: near-threshold audits against uniform exploration."""
    _run("off-policy", trials, as_json)


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


def _run(name: str, trials: int | None, as_json: bool) -> None:
    """Run the benchmark module of that name, whose ``run`` takes ``report`` and, optionally, ``trials``."""
    module = f"training.benchmarks.{name.replace('-', '_')}"
    options: dict[str, Any] = {} if trials is None else {"trials": trials}
    try:
        run = importlib.import_module(module).run
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise InputError(f"this version has no benchmark {name!r}") from None
    with _status.status(f"benchmark {name}") as status:
        result = run(report=status.update, **options)
    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=2, allow_nan=False))
    else:
        Console().print(result.table())
