"""``tierwise train finetune-export``: training files for a provider's fine-tuning."""

from __future__ import annotations

import json
import time
from datetime import UTC
from pathlib import Path
from typing import Annotated, cast

import typer

from router import config as configuration
from router.cli.cost import moment
from router.errors import InputError
from router.ledger import Ledger
from router.planning import ledger_of
from training.commands.console import Found, Json, status


def finetune_export(
    out: Annotated[Path, typer.Option("--out", help="Where to write; the validation file goes beside it.")],
    format: Annotated[str, typer.Option("--format", help="openai or anthropic (as Amazon Bedrock reads it).")],
    quality: Annotated[float, typer.Option(help="The least label of an answer that is taken.")] = 0.9,
    validation: Annotated[float, typer.Option(help="The share of prompts that is held back to judge by.")] = 0.1,
    since: Annotated[str | None, typer.Option(help="From when: 7d, 24h, 2026-11-01 (UTC).", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.", show_default=False)] = None,
    ledger: Annotated[
        str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
    ] = None,
    config: Found = None,
    as_json: Json = False,
) -> None:
    """Write accepted answers with good labels as training files for fine-tuning."""
    from training.finetune_export import FORMATS, Format, export

    if format not in FORMATS:
        raise InputError(f"--format={format!r} is none of {', '.join(FORMATS)}")
    opened = Ledger(ledger) if ledger is not None else ledger_of(configuration.load(config))
    if opened is None:
        raise InputError("the ledger is switched off in the configuration; pass --ledger")
    now = time.time()
    start, end = moment("--since", since, UTC, now), moment("--until", until, UTC, now)
    with opened, status.status("reading"):
        found = export(
            opened,
            out,
            format=cast("Format", format),
            least=quality,
            validation=validation,
            since=start,
            until=end,
        )
    typer.echo(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(found.sentences()))
