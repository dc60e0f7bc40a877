"""``tierwise train ingest``: a ledger or somebody's log made one file of checked records."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from router import config as configuration
from router.errors import InputError
from router.ledger import Ledger
from training.commands.console import Found, Json, status
from training.commands.log_source import source_of
from training.ingest.options import Format, Logged, OnConflict, Splits


def ingest(
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="A log (JSONL, CSV, Parquet) or a ledger (file or URL); default: the configuration's ledger.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where to write the records, Parquet.")] = Path("labels.parquet"),
    config: Found = None,
    format: Annotated[Format, typer.Option("--format", help="What the log is, where that is not seen.")] = "auto",
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="TOML that says what the log's columns, models and values mean.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Where refused rows go; default: beside --out, .rejects.jsonl.")
    ] = None,
    max_rejects: Annotated[float, typer.Option("--max-rejects", help="Share of refused rows that stops it.")] = 0.05,
    on_conflict: Annotated[
        OnConflict, typer.Option("--on-conflict", help="What becomes of labels that contradict each other.")
    ] = "reject",
    estimate_tokens: Annotated[
        bool,
        typer.Option(
            "--estimate-tokens", help="Where token counts are missing, take four characters a token, and say so."
        ),
    ] = False,
    splits: Annotated[Splits, typer.Option("--splits", help="Keep the log's own, if any, or split anew.")] = "file",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the new splits.")] = 0,
    logged: Annotated[
        Logged, typer.Option("--logged", help="full: every tier was meant to be asked for every prompt.")
    ] = "auto",
    field_limit: Annotated[int, typer.Option("--field-limit", help="The largest field, in bytes.")] = 2**20,
    as_json: Json = False,
) -> None:
    """Read a log or the ledger with its labels, refuse what cannot be taken, split it, and write it as one file."""
    from training.ingest import Mapped, Options, load_mapping
    from training.ingest import ingest as read_log
    from training.long_format import write_records

    settings = configuration.load(config)
    if data is not None and Path(data).absolute() == out.absolute():
        raise InputError(f"{out}: the records cannot be written over the log itself; choose another --out")
    options = Options(
        format=format,
        mapping=Mapped() if mapping is None else load_mapping(mapping),
        rejects=rejects or out.with_name(out.name + ".rejects.jsonl"),
        max_rejects=max_rejects,
        on_conflict=on_conflict,
        tokens="estimate" if estimate_tokens else "logged",
        splits=splits,
        logged=logged,
        field_limit=field_limit,
        seed=seed,
    )
    with ExitStack() as stack, status.status("reading"):
        source = source_of(data, settings)
        if isinstance(source, Ledger):
            stack.enter_context(source)
        found = read_log(source, settings.tiers, options)
        write_records(found.records, out)
    if as_json:
        told = {
            "out": str(out),
            "rejects": None if found.rejects_path is None else str(found.rejects_path),
            "summary": found.summary.as_dict(),
            "facts": dict(found.facts),
        }
        typer.echo(json.dumps(told, indent=2, allow_nan=False))
        return
    for sentence in found.summary.sentences():
        typer.echo(sentence)
    if found.rejects_path is not None:
        typer.echo(f"refused rows: {found.rejects_path}")
    typer.echo(f"wrote {out} ({found.facts['data']}, {found.facts['kind']})")
