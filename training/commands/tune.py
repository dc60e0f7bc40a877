"""``tierwise train tune``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from router import config as configuration
from router.bundle import Profile, load
from router.planning import plan_of
from router.pricing import usd
from router.profiles import DEFAULT_PROFILE
from training.commands.console import SAMPLE, Configured, Data, Json, progress, say, warn


def tune(
    data: Data = SAMPLE,
    config: Configured = "preset:local",
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle to tune.")] = Path("policy.tierwise"),
    out: Annotated[Path | None, typer.Option("--out", help="Where to write it; default: in place.")] = None,
    target_quality: Annotated[
        float | None, typer.Option(help="Least share of the strongest tier's quality, such as 0.95.")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Most USD per 1,000 requests.")] = None,
    delta: Annotated[float, typer.Option(help="Probability with which the certificate may be wrong.")] = 0.1,
    profile: Annotated[str, typer.Option(help="Which of the bundle's profiles to tune.")] = DEFAULT_PROFILE,
    as_json: Json = False,
) -> None:
    """Choose the decision rule on the split `train`, and certify it on the split `certify`.

    The table of out-of-fold estimates that `tierwise train fit` wrote beside the bundle is tuned on.
    """
    from training import table_file
    from training.embedding import under
    from training.fingerprint import fingerprint
    from training.records import read
    from training.table import table_of
    from training.tune import Objective, ship
    from training.tune import tune as tune_rule

    objective = Objective(target_quality=target_quality, budget=budget, delta=delta)
    settings = configuration.load(config)
    untuned = load(bundle)
    plan = plan_of(under(settings, untuned), bundle=untuned)
    records = read(data, settings.tiers)
    if untuned.facts.get("data") != fingerprint(records):
        warn(f"{bundle} was fitted on other data than {data}; the certificate would not hold if they share prompts")
    train = table_file.load(table_file.beside(bundle))
    with progress("trying the policy library") as advance:
        tuned = tune_rule(train, objective, progress=advance)
    shipped = ship(tuned, table_of(records.split("certify").labelled(), plan), train=train)
    facts = {
        "objective": objective.as_dict(),
        "family": shipped.family,
        "met_on_train": tuned.met,
        "train": {"quality": tuned.naive.quality, "cost_per_1k": usd(round(tuned.naive.cost)) * 1000},
        "rules_tried": len(tuned.candidates),
        "certificate": shipped.certificate.as_dict(),
    }
    profiles = {**untuned.profiles, profile: Profile(shipped.rule, facts)}
    target = out or bundle
    version = replace(untuned, profiles=profiles).save(target)
    if target != bundle:  # so that another profile can be tuned in the new place
        table_file.save(train, table_file.beside(target))
    say(
        {"bundle": str(target), "version": version, "profile": profile, "rule": shipped.rule.as_dict(), **facts},
        f"wrote {target} ({version[:16]}). {shipped.certificate.statement}",
        as_json=as_json,
    )
