"""``tierwise train fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router import config as configuration
from training.commands.console import SAMPLE, Configured, Data, Embedding, Json, say, status


def fit(
    data: Data = SAMPLE,
    config: Configured = "preset:local",
    out: Annotated[Path, typer.Option("--out", help="Where to write the bundle.")] = Path("policy.tierwise"),
    rung: Annotated[
        str | None, typer.Option(help="How much the estimators may read; default: cross-validated.")
    ] = None,
    embedder: Embedding = None,
    as_json: Json = False,
) -> None:
    """Fit the complexity classifier and the confidence scorer on the split `train`.

    Beside the bundle it writes the table of out-of-fold estimates that `tierwise train tune` tunes on.
    """
    from training import table_file
    from training.embedding import chosen_embedder, with_embedder
    from training.fit import fit as fit_all
    from training.records import read

    settings = with_embedder(configuration.load(config), embedder)
    records = read(data, settings.tiers)
    with status.status("fitting") as shown:
        fitted = fit_all(
            records,
            settings.tiers,
            rungs=None if rung is None else [rung],
            embedder=chosen_embedder(settings),
            report=shown.update,
        )
    version = fitted.bundle.save(out)
    table_file.save(fitted.table, table_file.beside(out))
    areas = ", ".join(f"{item.rung.name} {item.area:.4f}" for item in fitted.tried)
    say(
        {"bundle": str(out), "version": version, "table": str(table_file.beside(out)), **fitted.bundle.facts},
        f"wrote {out} ({version[:16]}), fitted on {fitted.bundle.facts['labelled']:,} labelled prompts; rung "
        f"{fitted.rung.name!r}, which {fitted.rung.why} (cross-validated policy areas: {areas})",
        as_json=as_json,
    )
