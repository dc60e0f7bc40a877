"""The metrics by the field's names, and how good classifier and scorer are."""

from __future__ import annotations

from collections.abc import Callable

from router.report.section import Section
from router.report.table import Table
from router.report.wording import change, dollars, fixed, plain, share
from training.report.names import tiers_of
from training.report.reading import Reading

Write = Callable[[float | None], str]

METRICS: dict[str, tuple[str, Write]] = {
    "apgr_calls": ("APGR, by calls", fixed),
    "apgr_cost": ("APGR, by cost", fixed),
    "cpt50": ("CPT(50%), calls to the strongest", share),
    "cpt80": ("CPT(80%), calls to the strongest", share),
    "cost_cpt50": ("CPT(50%), USD per 1,000", dollars),
    "cost_cpt80": ("CPT(80%), USD per 1,000", dollars),
    "aiq": ("AIQ", fixed),
    "cost_save": ("saving at the strongest's quality", share),
    "perf_gain": ("best quality against the best single tier", change),
    "regret": ("regret to the oracle", plain),
}
GRADES: dict[str, str] = {
    "auroc": "AUROC",
    "ece": "ECE",
    "debiased_ece": "debiased ECE",
    "brier": "Brier",
    "aurc": "AURC",
    "log_loss": "log loss",
}


def metrics(read: Reading) -> Section:
    """Every metric of the evaluation; what is out of reach says so."""
    title = "Metrics by the field’s names"
    found = read.part("metrics")
    if not found:
        return Section("metrics", title, "The evaluation has no such metrics.")
    rows = []
    for key in found.names():
        if isinstance(found.get(key), dict | list | tuple):
            continue
        name, write = METRICS.get(key, (key.replace("_", " "), plain))
        value = found.number(key)
        rows.append((name, "not reached" if value is None else write(value)))
    tables = [Table("Metrics", ("metric", "value"), tuple(rows))] if rows else []
    matched = found.part("cost_at")
    if matched:
        levels = sorted(matched.names(), key=lambda name: (len(name), name))
        costs = tuple((_level(name), _reached(matched.number(name))) for name in levels)
        tables.append(
            Table("Least cost for a share of the strongest's quality", ("quality", "cost, of the strongest's"), costs)
        )
    notes = read.part("metrics_notes")
    if notes:
        said = tuple((name.replace("_", " "), notes.text(name)) for name in notes.names())
        tables.append(Table("How they are computed", ("metric", "note"), said, words=(1,)))
    reached = [(name, matched.number(name)) for name in matched.names() if matched.number(name) is not None]
    told = "For comparison with published work."
    if reached:
        name, value = max(reached, key=lambda each: each[0])
        told = f"{_level(name)} of the strongest tier’s quality is within reach for {share(value)} of its cost."
    return Section("metrics", title, told, tables=tuple(tables))


def estimators(read: Reading) -> Section:
    """How well suitability is told from the prompt and from the answer, per tier."""
    title = "How well it tells good answers from bad"
    tables, ranked, first = [], {}, ""
    for key, name in (("classifier", "From the prompt alone"), ("scorer", "From the answer")):
        found = read.part(key)
        shown = [grade for grade in GRADES if any(found.number(tier, grade) is not None for tier in found.names())]
        names = [tier for tier in tiers_of(read) if tier in found.names()] or found.names()
        rows = tuple((tier, *(fixed(found.number(tier, grade)) for grade in shown)) for tier in names)
        if shown:
            tables.append(Table(name, ("tier", *(GRADES[grade] for grade in shown)), rows))
            ranked[key] = found.number(names[0], "auroc")
            first = names[0]
    if not tables:
        return Section("estimators", title, "The evaluation has no figures of the classifier and the scorer.")
    told = "AUROC is the chance that a good answer is ranked above a bad one: 0.5 is a coin, 1 is always."
    before, after = ranked.get("classifier"), ranked.get("scorer")
    if before is not None and after is not None:
        told = f"For {first}: {fixed(before)} from the prompt, {fixed(after)} once its answer is there. {told}"
    return Section("estimators", title, told, tables=tuple(tables))


def _level(name: str) -> str:
    try:
        return f"{float(name):.0%}"
    except ValueError:
        return name


def _reached(value: float | None) -> str:
    return "not reached" if value is None else share(value)
