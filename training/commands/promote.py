"""``tierwise train promote``: the challenger takes the champion's place, if it deserves it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from router import config as configuration
from router.errors import InputError
from training.commands.console import Found, Json, say, warn
from training.commands.run import UNTOLD, WORK


def promote(
    bundle: Annotated[
        Path | None, typer.Argument(help="A bundle; default: the registry's challenger.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled rows; default: those of the challenger's run.")
    ] = None,
    config: Found = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where the champion serves from; default: \\[policy] bundle.")
    ] = None,
    margin: Annotated[
        float, typer.Option(help="How much mean quality may seem to be lost, as 0.01 for a point.")
    ] = 0.01,
    force: Annotated[
        bool, typer.Option("--force", help="Promote whatever the verdict is; the registry keeps both.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", help="The folder of training jobs.")] = WORK,
    model: Annotated[str, typer.Option(help="MLflow's registered model.")] = "tierwise",
    as_json: Json = False,
) -> None:
    """Compare the challenger with the champion on the same held-out rows, and switch if it deserves it.

    Quality must not be worse (95 % interval, --margin), cost lower or quality better at equal cost, calibration not
    worse. Exit status: 0 promoted, 3 kept, 7 promoted and MLflow could not be told.
    """
    from router.bundle import load
    from training.errors import TrackingError
    from training.fingerprint import fingerprint
    from training.ingest import ingest
    from training.promote import Margins, serving_path, weigh
    from training.promotion import challenger_of, crowning, enthrone, labels_of
    from training.run import EXIT_CODES
    from training.serving import Serving, champion_at
    from training.tracking import Registry, Store

    settings = configuration.load(config)
    path = serving_path(settings, to)
    registry, serving = Registry(Store.at(), model), Serving(path)
    with suppress(TrackingError):  # whoever needs the registry below says that it is down
        serving.recover(crowning(registry))
    with tempfile.TemporaryDirectory() as scratch:
        if bundle is None:
            version = challenger_of(registry)
            bundle = registry.fetch(version, Path(scratch))
            data = data or labels_of(version, registry, out)
        if data is None:
            raise InputError("a bundle is judged on labelled rows; pass them with --data")
        challenger = load(bundle)
        records = ingest(data, settings.tiers).records
        if challenger.facts.get("data") != fingerprint(records):
            warn(f"{bundle.name} was fitted on other data than {data}; make sure that they share no prompts")
        champion = champion_at(path, report=warn)
        verdict = weigh(challenger, champion, records.split("test"), settings, margins=Margins(quality=margin))
        facts: dict[str, Any] = {
            "bundle_version": challenger.version,
            "champion_version": None if champion is None else champion.version,
            "served_from": str(path),
            "verdict": verdict.as_dict(),
        }
        why = "; ".join(verdict.reasons)
        if not verdict.promote and not force:
            say({"status": "kept", **facts}, f"the champion is kept: {why}", as_json=as_json)
            raise typer.Exit(EXIT_CODES["kept"])
        try:
            enthrone(bundle, verdict, serving=serving, registry=registry)
        except TrackingError as error:
            sentence = f"{challenger.version[:16]} serves from {path}, but {error}; {UNTOLD}"
            say({"status": "registry_down", **facts}, sentence, as_json=as_json)
            raise typer.Exit(EXIT_CODES["registry_down"]) from None
    forced = "" if verdict.promote else "FORCED, against the verdict: "
    say(
        {"status": "promoted", **facts}, f"{forced}{challenger.version[:16]} serves from {path}: {why}", as_json=as_json
    )
