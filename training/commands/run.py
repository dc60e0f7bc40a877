"""``tierwise train run``: the whole training job, for people and for cron."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from router import config as configuration
from router.cli.cost import moment
from router.errors import InputError
from training.commands.console import Embedding, Found, Json, status
from training.commands.log_source import source_of

if TYPE_CHECKING:
    from router.config import Config
    from training.job import Job
    from training.run import Context, Result

WORK = Path("tierwise-runs")

UNTOLD = "the next promotion or rollback tells the registry"

CODES = """Exit status, for cron: 0 a challenger is registered, or with --promote champion; 2 data, configuration or
command need a change; 3 the champion is kept; 4 not enough labels; 5 --if-drift found none; 6 another run is under way;
7 MLflow cannot be reached, and the next run goes on from there."""


def run(
    target_quality: Annotated[
        float | None, typer.Option(help="Least share of the strongest tier's quality, such as 0.95.")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Most USD per 1,000 requests.")] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(help="NAME=quality:0.98 or NAME=budget:2.5, one more rule in the same bundle; may be repeated."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Labelled logs, or a ledger (file or URL); default: the configuration's ledger and its labels.",
        ),
    ] = None,
    config: Found = None,
    delta: Annotated[
        float | None,
        typer.Option(help="Probability with which the certificate may be wrong; default: 0.1, or that of \\[train]."),
    ] = None,
    if_drift: Annotated[
        bool, typer.Option("--if-drift", help="Train only when the champion's traffic has drifted.")
    ] = False,
    drift_since: Annotated[
        str | None,
        typer.Option(
            "--drift-since",
            help="--if-drift looks at the ledger from when on: 7d, 24h, 2026-11-01 (UTC); default: all the champion's.",
            show_default=False,
        ),
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Make the challenger champion, if it deserves it.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where the champion serves from; default: \\[policy] bundle.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the data, say what would be done, and stop.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for jobs: data, bundle, report.")] = WORK,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on after the last stage that is done, or begin anew.")
    ] = True,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="TOML that says what the log's columns mean.")
    ] = None,
    max_rejects: Annotated[float, typer.Option("--max-rejects", help="Share of refused rows that stops it.")] = 0.05,
    estimate_tokens: Annotated[
        bool,
        typer.Option(
            "--estimate-tokens", help="Where token counts are missing, take four characters a token, and say so."
        ),
    ] = False,
    embedder: Embedding = None,
    seed: Annotated[int, typer.Option(help="Seed of the splits and of the order in which the certificate looks.")] = 0,
    experiment: Annotated[str, typer.Option(help="MLflow's experiment.")] = "tierwise",
    model: Annotated[str, typer.Option(help="MLflow's registered model.")] = "tierwise",
    as_json: Json = False,
) -> None:
    """Turn labelled logs into a certified policy: ingest, fit, tune, certify, evaluate, report, log, register.

    Where the command line names no goal, those of `train` and `train.profiles` in the configuration hold.
    """
    from training.embedding import serves, with_embedder
    from training.goals import DELTA, goals_in, goals_of
    from training.ingest import Mapped, Options, load_mapping
    from training.job import Job, Session
    from training.promote import serving_path
    from training.provenance import digest_of
    from training.run import Context, perform
    from training.stages import stages
    from training.tracking import Store

    served = configuration.load(config)
    settings = with_embedder(served, embedder)
    if promote:
        serving_path(settings, to)  # before an hour's work, not after it
        serves(served, settings)
    source = source_of(data, settings)
    if drift_since is not None and isinstance(source, Path):
        raise typer.BadParameter("it bounds a ledger; with a file of logs leave it out", param_hint="--drift-since")
    if isinstance(source, Path) and not source.is_file():
        raise InputError(f"{source}: there is no such file; pass the labelled logs with --data")
    options = Options(
        mapping=Mapped() if mapping is None else load_mapping(mapping),
        max_rejects=max_rejects,
        tokens="estimate" if estimate_tokens else "logged",
        seed=seed,
    )
    if target_quality is None and budget is None and not profile:
        goals = goals_in(settings.train, delta=delta)
    else:
        goals = goals_of(
            profile or (), target_quality=target_quality, budget=budget, delta=DELTA if delta is None else delta
        )
    job = Job(
        config=settings,
        source=source,
        goals=goals,
        options=options,
        seed=seed,
        champion=_champion(settings, to),
        store=Store.at(experiment=experiment),
        model=model,
    )
    inputs = job.inputs()
    folder = out / digest_of(inputs)
    context = Context(folder=folder, inputs=inputs, work=Session(job, folder), say=_progress)
    steps = stages()
    if if_drift and (calm := _no_drift(job, context, drift_since)) is not None:
        _end(calm, as_json=as_json)
    if dry_run:
        _end(_planned(perform(steps[:1], context), steps, folder), as_json=as_json)
    result = perform(steps, context, begin="resumed" if resume else "anew")
    told = _told(result)
    if promote and result.status == "registered":
        told |= _promoted(job, folder, to)
    elif result.status == "registered" and job.champion is not None:
        told |= _crowned(told, job.champion)
    _end(told, as_json=as_json)


def _champion(settings: Config, to: Path | None) -> Path | None:
    """Where the champion serves from, None where nothing says."""
    if to is not None:
        return to
    bundle = settings.policy.bundle
    return bundle if isinstance(bundle, Path) else None


def _no_drift(job: Job, context: Context, since: str | None) -> dict[str, Any] | None:
    """How to end when the champion's traffic is as it was; None when there is something to do."""
    from router.bundle import load
    from router.planning import plan_of
    from training.drift_check import check_ledger, check_records
    from training.embedding import under
    from training.ingest import ingest
    from training.run import EXIT_CODES

    if job.champion is None or not job.champion.is_file():
        context.say("there is no champion yet, so nothing can have drifted: training")
        return None
    champion = load(job.champion)
    if isinstance(job.source, Path):
        records = ingest(job.source, job.config.tiers, job.options).records
        found = check_records(champion, records, plan_of(under(job.config, champion), bundle=champion))
    else:
        found = check_ledger(champion, job.source, since=moment("--drift-since", since, UTC, time.time()))
    context.say(f"drift: {found.level}" + "".join(f"; {reason}" for reason in found.reasons))
    if found.level == "alarm":
        return None
    sentence = f"nothing calls for training ({found.level}, {found.n:,} requests compared)"
    return {"status": "no_drift", "exit_code": EXIT_CODES["no_drift"], "sentence": sentence, "drift": found.as_dict()}


def _planned(checked: Result, steps: Any, folder: Path) -> dict[str, Any]:
    """What a run would still do, once its data has been read."""
    from training.run import EXIT_CODES, pending

    if checked.status not in ("registered", "planned"):
        return _told(checked)
    facts = checked.facts["ingest"]["facts"]
    left = pending(steps, folder)
    sentence = (
        f"{facts['queries']:,} prompts ({facts['kind']}; {_counts(facts['splits'])}); would do: {', '.join(left)}"
        if left
        else "every stage is done already; a run would give its result again"
    )
    told = {"status": "planned", "exit_code": EXIT_CODES["planned"], "sentence": sentence, "data": facts}
    return {**told, "stages": list(left), "folder": str(folder)}


def _counts(splits: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in splits.items())


def _promoted(job: Job, folder: Path, to: Path | None) -> dict[str, Any]:
    """Put the challenger to the gate, and on the throne if it deserves it."""
    from router.bundle import load
    from training.errors import Locked, TrackingError
    from training.job import BUNDLE
    from training.promote import serving_path, weigh
    from training.promotion import enthrone
    from training.records import read
    from training.run import EXIT_CODES
    from training.serving import Serving, champion_at
    from training.tracking import Registry

    path = serving_path(job.config, to)
    bundle = folder / "certify" / BUNDLE
    champion = champion_at(path, report=_progress)
    test = read(folder / "ingest" / "labels.parquet", job.config.tiers).split("test")
    verdict = weigh(load(bundle), champion, test, job.config)
    told: dict[str, Any] = {"verdict": verdict.as_dict()}
    if not verdict.promote:
        why = "; ".join(verdict.reasons)
        return told | {"status": "kept", "exit_code": EXIT_CODES["kept"], "sentence": f"the champion is kept: {why}"}
    try:
        switch = enthrone(bundle, verdict, serving=Serving(path), registry=Registry(job.store, job.model))
    except TrackingError as error:
        sentence = f"it serves from {path}, but {error}; {UNTOLD}"
        return told | {"status": "registry_down", "exit_code": EXIT_CODES["registry_down"], "sentence": sentence}
    except Locked as error:
        return told | {"status": "locked", "exit_code": EXIT_CODES["locked"], "sentence": str(error)}
    sentence = f"{switch.new[:16]} serves from {path}: {'; '.join(verdict.reasons)}"
    return told | {"status": "promoted", "exit_code": EXIT_CODES["promoted"], "sentence": sentence}


def _crowned(told: dict[str, Any], champion: Path) -> dict[str, Any]:
    """What to say of a challenger that was promoted since: a run that was done before still says what it said then."""
    from router.errors import BundleError
    from training.serving import Serving

    version = told["bundle_version"]
    with suppress(BundleError):
        if Serving(champion).version == version:
            return {"sentence": f"{version[:16]} serves from {champion} already, and nothing it depends on has changed"}
    return {}


def _told(result: Result) -> dict[str, Any]:
    """A result for JSON: what scripts read stands at the top."""
    from training.job import BUNDLE

    facts, folder = result.facts, result.folder
    assert folder is not None
    certify, report = facts.get("certify", {}), facts.get("report", {})
    certificate = certify.get("certificate", {})
    return {
        "status": result.status,
        "exit_code": result.exit_code,
        "sentence": result.sentence,
        "run_id": facts.get("log", {}).get("run_id"),
        "challenger": facts.get("register", {}).get("version"),
        "certified": certificate.get("certified"),
        "certificate": certificate.get("statement"),
        "labels_needed": certificate.get("labels_needed"),
        "report": str(folder / "report" / report["html"]) if report else None,
        "bundle": str(folder / "certify" / BUNDLE) if certify else None,
        "bundle_version": certify.get("version"),
        "policy": facts.get("evaluate", {}).get("policy"),
        "rung": facts.get("fit", {}).get("rung"),
        "folder": str(folder),
        "seconds": round(result.seconds, 2),
        "peak_mib": round(result.peak_mib),
    }


def _progress(line: str) -> None:
    status.print(Text(line, style="dim"), highlight=False, soft_wrap=True)


def _end(told: dict[str, Any], *, as_json: bool) -> None:
    """Print how it ended and leave with its code."""
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    elif told["exit_code"] == 2:
        status.print(Text.assemble(("error:", "bold red"), " ", told["sentence"]), highlight=False, soft_wrap=True)
    else:
        lines = [f"{told['status'].replace('_', ' ')}: {told['sentence']}"]
        if told.get("certified"):
            lines.append(told["certificate"])
        lines += [f"{name}: {told[name]}" for name in ("report", "bundle", "run_id") if told.get(name)]
        typer.echo("\n".join(lines))
    raise typer.Exit(told["exit_code"])


run.__doc__ = f"{run.__doc__}\n\n{CODES}"
