"""The stages of the training job: from a log to a registered challenger."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from router.bundle import PolicyBundle, Profile, load
from router.errors import BundleError
from router.planning import misfit
from router.profiles import DEFAULT_PROFILE
from training import table_file
from training.alternatives import aim_of, alternatives
from training.candidate_file import point, read_back, written
from training.drift_check import FACT
from training.embedding import under
from training.errors import NotEnoughLabels
from training.evaluate import Training, evaluate
from training.fit import fit
from training.ingest import ingest
from training.job import BUNDLE, Job, Session, evaluation_file, read_json, write_json
from training.library import Candidate
from training.long_format import write_records
from training.promote import weigh
from training.provenance import environment, provenance
from training.recording import record_of
from training.reference import reference_of
from training.replay import with_rule
from training.report import ReportContext, render
from training.run import Context, Stage, peak_mib
from training.table import Table, table_of
from training.tracking import Registry, log_run
from training.tune import Objective, Tuned, ship, told, tune
from training.window import window_of_records


def stages() -> tuple[Stage, ...]:
    """All of them, in order; their context's ``work`` is a :class:`Session`."""
    return (
        Stage("ingest", _ingest),
        Stage("fit", _fit),
        Stage("tune", _tune),
        Stage("certify", _certify),
        Stage("evaluate", _evaluate),
        Stage("report", _report),
        Stage("log", _log),
        Stage("register", _register),
    )


def _ingest(context: Context) -> dict[str, Any]:
    job: Job = context.work.job
    options = replace(job.options, rejects=context.out / "rejects.jsonl")
    done = ingest(job.source, job.config.tiers, options)
    write_records(done.records, context.out / "labels.parquet")
    for line in done.summary.sentences():
        context.say(line)
    if done.rejects_path is not None:
        context.say(f"refused rows: {context.path('ingest', done.rejects_path.name)}")
    facts = {**done.records.facts, **done.facts}
    return {"facts": facts, "rows": done.summary.rows, "rejected": done.summary.rejected}


def _fit(context: Context) -> dict[str, Any]:
    session: Session = context.work
    records, ladder = session.records, session.job.config.tiers
    fitted = fit(records, ladder, embedder=session.embedder, report=context.say)
    bound = provenance(ladder, data=fitted.bundle.facts["data"])
    kept = {name: records.facts[name] for name in ("use", "simulated", "kind") if name in records.facts}
    bundle = replace(fitted.bundle, facts={**fitted.bundle.facts, **kept, "provenance": bound})
    bundle.save(context.out / BUNDLE)
    table_file.save(fitted.table, context.out / "table.npz")
    return {
        "rung": fitted.rung.name,
        "labelled": bundle.facts["labelled"],
        "rungs": [
            {
                "rung": tried.rung.name,
                "labels": tried.rung.labels,
                "area": tried.area,
                "picked": tried.rung == fitted.rung,
                "why": tried.rung.why,
            }
            for tried in fitted.tried
        ],
    }


def _tune(context: Context) -> dict[str, Any]:
    session: Session = context.work
    tried: tuple[Candidate, ...] | None = None
    profiles: dict[str, Any] = {}
    for name, goal in session.job.goals.items():
        context.say(f"tuning {name!r} for {goal.words()}")
        tuned = tune(session.table, goal, tried=tried)
        tried = tuned.candidates
        profiles[name] = {
            "objective": goal.as_dict(),
            "words": goal.words(),
            "met": tuned.met,
            "vertices": list(map(written, tuned.vertices)),
            "path": list(map(written, tuned.path)),
        }
    write_json(context.out / "tuned.json", {"tried": list(map(written, tried or ())), "profiles": profiles})
    return {
        "tried": len(tried or ()),
        "profiles": {
            name: {
                "met": found["met"],
                "naive": {**point(found["path"][-1]), "rule": told(read_back(found["path"][-1]).rule)},
            }
            for name, found in profiles.items()
        },
    }


def _certify(context: Context) -> dict[str, Any]:
    session: Session = context.work
    job = session.job
    untuned = load(context.path("fit", BUNDLE))
    if not any(query.split == "certify" for query in session.records.queries):
        raise NotEnoughLabels("no row is left for the certificate (split 'certify'); label more, or split anew")
    held = session.records.split("certify").labelled()
    if not len(held):
        raise NotEnoughLabels("no row of split 'certify' has a label at every tier, so nothing can be certified")
    context.say(f"certifying on {len(held):,} held-out prompts")
    plan = session.plan(untuned)
    table = table_of(held, plan)
    tuned_file = read_json(context.path("tune", "tuned.json"))
    tried = tuple(map(read_back, tuned_file["tried"]))
    profiles: dict[str, Profile] = {}
    certified: dict[str, dict[str, Any]] = {}
    for name, goal in job.goals.items():
        found = tuned_file["profiles"][name]
        tuned = Tuned(
            objective=goal,
            candidates=tried,
            vertices=tuple(map(read_back, found["vertices"])),
            path=tuple(map(read_back, found["path"])),
            met=found["met"],
        )
        shipped = ship(tuned, table, train=session.table, seed=job.seed)
        certificate = shipped.certificate.as_dict()
        certified[name] = {"family": shipped.family, "certificate": certificate}
        # All rows: those that are labelled at every tier may have been chosen, near the threshold say.
        reference = reference_of(
            window_of_records(session.records.split("certify"), plan, shipped.rule),
            target=_to_hold(goal, table),
            seed=job.seed,
        ).as_dict()
        facts = {"objective": goal.as_dict(), "family": shipped.family, "certificate": certificate, FACT: reference}
        profiles[name] = Profile(shipped.rule, facts)
    short = {key: value for key, value in certified[DEFAULT_PROFILE]["certificate"].items() if key != "tested"}
    bundle = replace(untuned, profiles=profiles, facts={**untuned.facts, "certificate": short}, version="")
    version = bundle.save(context.out / BUNDLE)
    return {"version": version, "profiles": certified, "certificate": certified[DEFAULT_PROFILE]["certificate"]}


def _evaluate(context: Context) -> dict[str, Any]:
    session: Session = context.work
    job = session.job
    bundle = load(context.path("certify", BUNDLE))
    test = session.records.split("test")
    known = _training(context)
    for name, goal in job.goals.items():
        context.say(f"judging {name!r} on held-out prompts")
        plan = with_rule(session.plan(bundle), bundle.profiles[name].rule)
        aim = aim_of(goal)
        training = replace(known, aim=aim, alternatives=alternatives(known.candidates, aim, session.table))
        certificate = context.facts["certify"]["profiles"][name]["certificate"]
        result = evaluate(test, plan, split="test", profile=name, training=training, certificate=certificate)
        write_json(context.out / evaluation_file(name), result)
    champion = _champion(job, bundle)
    if champion is not None:
        write_json(context.out / "champion.json", evaluate(test, session.plan(champion), split="test"))
        verdict = weigh(bundle, champion, test, job.config)
        write_json(context.out / "verdict.json", verdict.as_dict())
    policy = read_json(context.out / evaluation_file(DEFAULT_PROFILE))["policy"]
    return {"policy": policy, "champion": None if champion is None else champion.version}


def _report(context: Context) -> dict[str, Any]:
    job: Job = context.work.job
    result = read_json(context.path("evaluate", evaluation_file(DEFAULT_PROFILE)))
    champion = context.path("evaluate", "champion.json")
    goal = job.goals[DEFAULT_PROFILE]
    data = context.facts["ingest"]["facts"]
    page = ReportContext(
        title=f"Policy report: {job.source_name}",
        run_id=context.key,
        created=job.began,
        target_quality=goal.target_quality if goal.target_quality is not None else goal.quality,
        target_kind="share" if goal.quality is None else "absolute",
        budget=goal.budget,
        profiles=_profiles(context),
        data={
            "source": job.source_name,
            "hash": data["data"],
            "rows": context.facts["ingest"]["rows"],
            "queries": data["queries"],
            "splits": data["splits"],
            "labels": data["labels"],
            "tokens": data["tokens"],
            "estimated_tokens": data["tokens"] != "logged",
            "cannot": data["cannot"],
        },
        rungs=context.facts["fit"]["rungs"],
        certificate=context.facts["certify"]["certificate"],
        versions=environment(),
        champion=read_json(champion) if champion.is_file() else None,
        comparison=_differences(context),
        wall_seconds=time.time() - job.began,
        peak_mib=peak_mib(),
        simulated=bool(data.get("simulated")),
    )
    done = render(result, context=page, out=context.out)
    return {"html": done.html.name, "markdown": done.markdown.name, "plots": [plot.name for plot in done.plots]}


def _log(context: Context) -> dict[str, Any]:
    job: Job = context.work.job
    context.say(f"logging to {job.store.place}")
    run_id = log_run(job.store, record_of(context))
    return {"run_id": run_id, "store": job.store.place}


def _register(context: Context) -> dict[str, Any]:
    job: Job = context.work.job
    certificate = context.facts["certify"]["certificate"]
    if not certificate["certified"]:
        needed = certificate["labels_needed"]
        status = "kept" if needed is None else "not_enough_labels"
        return {"status": status, "sentence": certificate["statement"], "version": None}
    registry = Registry(job.store, job.model)
    tags = {"tierwise.certified": "true", "tierwise.data": context.facts["ingest"]["facts"]["data"]}
    version = registry.register(
        context.path("certify", BUNDLE),
        run_id=context.facts["log"]["run_id"],
        tags=tags,
        description=certificate["statement"],
    )
    return {
        "status": "registered",
        "sentence": f"version {version.number} of {job.model!r} is the challenger; next: tierwise train promote",
        "version": version.number,
    }


def _differences(context: Context) -> dict[str, dict[str, Any]]:
    """Challenger minus champion on the same rows, as the gate reckons it; empty where there is no champion."""
    path = context.path("evaluate", "verdict.json")
    figures = read_json(path)["figures"] if path.is_file() else {}
    named = {"quality": ("quality_difference", ""), "cost_per_1k": ("cost_difference", "_per_1k")}
    return {
        name: {"difference": figures[stem + unit], "interval": figures[f"{stem}_interval{unit}"]}
        for name, (stem, unit) in named.items()
        if stem + unit in figures
    }


def _profiles(context: Context) -> dict[str, dict[str, Any]]:
    found = {}
    for name, goal in context.work.job.goals.items():
        policy = read_json(context.path("evaluate", evaluation_file(name)))["policy"]
        certificate = context.facts["certify"]["profiles"][name]["certificate"]
        found[name] = {
            "target_quality": goal.target_quality,
            "budget": goal.budget,
            "rule": certificate["rule"],
            "quality": policy["quality"],
            "cost_per_1k": policy["cost_per_1k"],
            "certified": certificate["certified"],
        }
    return found


def _training(context: Context) -> Training:
    session: Session = context.work
    tried = read_json(context.path("tune", "tuned.json"))["tried"]
    return Training(
        records=session.records.split("train"), table=session.table, candidates=tuple(map(read_back, tried))
    )


def _to_hold(goal: Objective, table: Table) -> float | None:
    """The mean quality that audits are to hold the policy to; None where the goal names none below 1."""
    least = goal.least_quality(table)
    return least if least is not None and 0 < least < 1 else None


def _champion(job: Job, challenger: PolicyBundle) -> PolicyBundle | None:
    """The bundle that serves now, where there is one for these tiers; it is only compared with."""
    if job.champion is None or not job.champion.is_file():
        return None
    try:
        champion = load(job.champion)
    except BundleError:
        return None
    wrong = misfit(champion, under(job.config, champion))
    return None if wrong or champion.version == challenger.version else champion
