"""The month before: what the policy and the cache's threshold of the simulated month are fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.month.clock import Clock
from benchmarks.month.levers import BASELINE, config_of
from benchmarks.month.models import Models
from benchmarks.month.texts import PAIRS
from benchmarks.month.traffic import month
from router.bundle import PolicyBundle, Profile
from router.cli.cache_fit import report as fit_cache
from router.embedders.naming import embedder_named
from router.planning import plan_of
from training.fit import fit
from training.records import Outcome, Query, Records
from training.splits import split_of
from training.table import table_of
from training.tune import Objective, ship, tune

TARGET = 0.97
"""The share of the strongest tier's quality that the rule is tuned and certified for."""

MAX_WRONG = 0.02
"""The most wrong hits that the semantic cache's threshold is fitted for, with 95 % confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The ``bundle``, and what its certificate and the cache's fit say."""

    bundle: PolicyBundle
    certificate: dict[str, Any]
    cache_fit: dict[str, Any]
    labels: int


def prepared(labels: int, *, seed: int, folder: Path, report: Callable[[str], None]) -> Prepared:
    """Label ``labels`` requests of another simulated month at every tier, fit and certify a bundle on them, and fit the
    semantic cache on the pairs that no question of the month is from.
    """
    config = config_of(BASELINE, folder)
    asks = [ask for ask in month(labels, seed=seed) if not ask.runaway]
    models = Models({ask.id: ask for ask in asks}, clock=Clock(), batched=lambda _: False)
    queries: dict[str, Query] = {}
    for ask in asks:
        outcomes = []
        for tier in config.tiers.tiers:
            answer = models.answer(tier, ask.request)
            outcomes.append(Outcome(answer, float(models.right[ask.id, tier.name]), source="simulated"))
        key = ask.request.prompt_hash
        queries[key] = Query(ask.id, ask.request, tuple(outcomes), split_of(key), key, task=ask.feature)
    records = Records(config.tiers.names, tuple(queries.values()), {"simulated": True})
    fitted = fit(records, config.tiers, report=report)
    objective = Objective(target_quality=TARGET)
    plan = plan_of(config, bundle=fitted.bundle)
    held = table_of(records.split("certify").labelled(), plan)
    shipped = ship(tune(fitted.table, objective), held, train=fitted.table)
    bundle = replace(fitted.bundle, profiles={"default": Profile(shipped.rule)}, version="")
    bundle.save(folder / "month.tierwise")
    report("fitting the semantic cache's threshold")
    cache = fit_cache(
        PAIRS,
        embedder_named("wordllama"),
        max_wrong=MAX_WRONG,
        confidence=0.95,
        split="fit",
        out=folder / "cache-fit.json",
        say=report,
    )
    return Prepared(
        bundle=bundle,
        certificate=shipped.certificate.as_dict(),
        cache_fit={key: cache[key] for key in ("threshold", "fit", "test", "embedder", "max_wrong", "confidence")},
        labels=len(queries),
    )
