"""What of a training job goes to MLflow."""

from __future__ import annotations

import time
from pathlib import Path

from router.bundle import load
from router.profiles import DEFAULT_PROFILE
from training.candidate_file import point
from training.job import BUNDLE, Job, evaluation_file, read_json
from training.provenance import environment
from training.run import Context, peak_mib
from training.tracking import Child, Dataset, RunRecord, metrics_of


def record_of(context: Context) -> RunRecord:
    """The run of a job whose report is written: parameters, metrics, tags, data set, nested runs and files."""
    job: Job = context.work.job
    facts = context.facts
    result = read_json(context.path("evaluate", evaluation_file(DEFAULT_PROFILE)))
    data = facts["ingest"]["facts"]
    bundle = load(context.path("certify", BUNDLE))
    bound = bundle.facts["provenance"]
    goal = job.goals[DEFAULT_PROFILE]
    certificate = facts["certify"]["certificate"]
    params = {
        **{f"goal.{name}": value for name, value in goal.as_dict().items()},
        **{f"profile.{name}": other.words() for name, other in job.goals.items() if name != DEFAULT_PROFILE},
        "rung": facts["fit"]["rung"],
        "family": facts["certify"]["profiles"][DEFAULT_PROFILE]["family"],
        "rule": certificate["rule"] or bundle.rule.as_dict()["kind"],
        "tiers": " < ".join(bundle.tiers),
        "models": " < ".join(bundle.models),
        "labelled": facts["fit"]["labelled"],
        "seed": job.seed,
        "embedder": "none" if bundle.embedder is None else f"{bundle.embedder.name} {bundle.embedder.fingerprint}",
        **{f"env.{name}": version for name, version in environment().items()},
    }
    metrics = metrics_of(result)
    for name in job.goals:
        if name != DEFAULT_PROFILE:
            other = metrics_of(read_json(context.path("evaluate", evaluation_file(name))))
            metrics |= {
                f"profiles/{name}/{metric.removeprefix('policy/')}": value
                for metric, value in other.items()
                if metric.startswith(("policy/", "certificate/"))
            }
    metrics |= {"job/seconds": time.time() - job.began, "job/peak_mib": peak_mib()}
    code = bound["code"]
    return RunRecord(
        key=context.key,
        name=f"{bundle.version[:8]}: {goal.words()}",
        description=f"{certificate['statement']}\n\n{result['protocol']}.",
        params=params,
        metrics=metrics,
        tags={
            "tierwise.profile": ", ".join(job.goals),
            "tierwise.bundle": bundle.version,
            "tierwise.data": data["data"],
            "tierwise.commit": code["commit"] or "none",
            "tierwise.source": code["source"],
            "tierwise.prices": bound["prices_hash"],
            "tierwise.simulated": str(bool(data.get("simulated"))).lower(),
            "tierwise.certified": str(certificate["certified"]).lower(),
            "mlflow.source.name": "tierwise train run",
            "mlflow.source.type": "JOB",
            **({"mlflow.source.git.commit": code["commit"].partition("+")[0]} if code["commit"] else {}),
        },
        dataset=Dataset(
            name=Path(job.source_name).stem,
            digest=data["data"],
            source=job.source_name,
            rows=data["splits"],
            facts={"labels": data["labels"], "kind": data["kind"]},
        ),
        began=job.began,
        children=tuple(_children(context)),
        artifacts=_artifacts(context),
    )


def _artifacts(context: Context) -> tuple[tuple[str, Path], ...]:
    """What a run keeps; not the labelled rows, which hold people's prompts."""
    evaluations = sorted(context.path("evaluate", "x").parent.glob("evaluation*.json"))
    return (
        ("report", context.path("report", "report.html")),
        ("report", context.path("report", "report.md")),
        ("report/plots", context.path("report", "plots")),
        ("bundle", context.path("certify", BUNDLE)),
        *(("", path) for path in evaluations),
        ("", context.path("tune", "tuned.json")),
    )


def _children(context: Context) -> list[Child]:
    """A nested run per rung, and per policy family with its points from cheap to dear."""
    rungs = [
        Child(
            name=f"rung: {rung['rung']}",
            kind="rung",
            params={"picked": rung["picked"], "from_labels": rung["labels"], "why": rung["why"]},
            metrics={"rung/area": rung["area"]},
        )
        for rung in context.facts["fit"]["rungs"]
    ]
    tried = read_json(context.path("tune", "tuned.json"))["tried"]
    chosen = context.facts["certify"]["profiles"][DEFAULT_PROFILE]["family"]
    families = []
    for family in dict.fromkeys(found["family"] for found in tried):
        points = sorted((point(found) for found in tried if found["family"] == family), key=lambda p: p["cost_per_1k"])
        families.append(
            Child(
                name=f"family: {family}",
                kind="family",
                params={"shipped": family == chosen, "rules": len(points), "figures": "training rows, out of fold"},
                metrics={"family/best_quality": max(point["quality"] for point in points)},
                steps=[{f"family/{name}": value for name, value in point.items()} for point in points],
            )
        )
    return rungs + families
