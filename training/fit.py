"""Fitting everything that a bundle holds but its rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from router.assess import Estimators, expected_costs
from router.bundle import PolicyBundle, Profile
from router.embed import Embedder, imprint_of
from router.errors import InputError
from router.estimators import Calibration, DenseModel, sigmoid
from router.features import Floats
from router.opening import drawn
from router.policy import Always
from router.tiers import Ladder
from router.trees import Blend
from training.calibrate import Calibrated, calibrated_already
from training.errors import NotEnoughLabels
from training.fingerprint import fingerprint
from training.lengths import fit_lengths
from training.picking import curve_of, pick
from training.prompt_fit import PromptFit, PromptPipeline, fit_base_rates, fit_prompts
from training.records import Records, apart, row_weight
from training.rungs import RUNGS, Rung, affordable
from training.scorer_fit import fit_state
from training.table import Table, states
from training.training_rows import TrainingRows, embedded, labels_everywhere, read_rows, two_classes

Report = Callable[[str], None]


@dataclass(frozen=True)
class Tried:
    """A rung and its cross-validated policy area in [0, 1] (the mean quality over costs up to the strongest tier's).

    ``behind`` is by how much the squared error of its chances is above the best rung's, and ``error`` the standard
    error of the difference.
    """

    rung: Rung
    area: float
    behind: float
    error: float


@dataclass(frozen=True)
class Fitted:
    """What :func:`fit` made.

    ``table`` holds the training rows that have every label, seen through out-of-fold estimates: what rules are tuned
    on. ``raw`` are, per mask, the uncalibrated out-of-fold chances (n, K) of the same rows. ``tried`` are the rungs.
    """

    bundle: PolicyBundle
    table: Table
    raw: Mapping[int, Floats]
    rung: Rung
    tried: tuple[Tried, ...]
    prompts: PromptPipeline | None
    prompt_calibration: Calibration


@dataclass(frozen=True)
class _Read:
    """The complexity classifier, which the rungs share that read as much of the prompt."""

    prompt: PromptFit
    calibrated: Calibrated


@dataclass(frozen=True)
class _Candidate:
    """One rung's estimators and out-of-fold chances per mask, raw and calibrated."""

    prompt: Any
    calibration: Calibration
    scorer: dict[int, tuple[DenseModel | Blend, Calibration]]
    chances: dict[int, Floats]
    raw: dict[int, Floats]


def fit(
    records: Records,
    ladder: Ladder,
    *,
    rungs: Sequence[str] | None = None,
    embedder: Embedder | None = None,
    report: Report = lambda _: None,
) -> Fitted:
    """Fit the complexity classifier and the confidence scorer on split *train*.

    Whatever is fitted on an estimate is fitted on out-of-fold ones: the scorer on the classifier's, the calibration
    on both, and later the rule on calibrated ones. How much the estimators may read is chosen by the cross-validated
    squared error of their chances, among the rungs that the labels allow (or among ``rungs``): it is the simplest one
    that is within half a standard error of the best. The bundle's rule is always-strong until it is tuned. With an
    ``embedder`` the classifier reads the prompts' embeddings too, on the rungs on which it reads them.

    Raises:
        EmbedderError: the embedder failed.
        NotEnoughLabels: fewer prompts have every tier's label than the lowest rung needs.
        InputError: one class only, a prompt in two splits, a log without propensities, or there is no such rung.
    """
    with threadpool_limits(1):  # on matrices this small, threads that wait for each other cost tenfold
        return _fit(records, ladder, rungs=rungs, embedder=embedder, report=report)


def _fit(
    records: Records, ladder: Ladder, *, rungs: Sequence[str] | None, embedder: Embedder | None, report: Report
) -> Fitted:
    apart(records)
    data = read_rows(records.split("train"), ladder)
    count = len({query.split_key for query, full in zip(data.records.queries, data.full, strict=True) if full})
    labels_everywhere(data)
    steps = _rungs(count, rungs)
    two_classes(data)
    if embedder is not None:
        data = embedded(data, embedder, report)
    costs = _expected(data)
    fits: list[tuple[_Candidate, Table]] = []
    reading: dict[bool, _Read] = {}
    for step in steps:
        report(f"fitting the rung {step.name!r} on {count:,} labelled prompts")
        if step.words not in reading:
            reading[step.words] = _fit_words(data, fit_prompts if step.words else fit_base_rates)
        candidate = _fit_rung(data, step, reading[step.words])
        fits.append((candidate, _table(data, candidate, costs)))
    table = fits[0][1]
    picked = pick([curve_of(found) for _, found in fits], weight=table.weight, keys=table.keys)
    tried = tuple(map(Tried, steps, picked.areas, picked.behind, picked.error))
    rung, (chosen, table) = steps[picked.chosen], fits[picked.chosen]
    full = data.full
    single = np.average(table.quality, axis=0, weights=table.weight)
    bundle = PolicyBundle(
        tiers=ladder.names,
        models=tuple(tier.model for tier in ladder.tiers),
        estimators=Estimators(
            prompt=chosen.prompt.model,
            calibration=chosen.calibration,
            scorer=chosen.scorer,
            length=fit_lengths(data.lengths, data.answers.hand),
            dense=chosen.prompt.dense,
            trees=chosen.prompt.trees,
        ),
        profiles={"default": Profile(Always(why="this bundle has not been tuned, so the strongest tier is asked"))},
        best_single=ladder.names[int(np.argmax(single))],
        facts={
            "data": fingerprint(records),
            "rows": {
                name: sum(query.split == name for query in records.queries) for name in ("train", "certify", "test")
            },
            "labelled": count,
            "rung": rung.name,
            "areas": {item.rung.name: item.area for item in tried},
        },
        embedder=None if embedder is None or chosen.prompt.dense is None else imprint_of(embedder),
    )
    return Fitted(
        bundle=bundle,
        table=table,
        raw={mask: found[full] for mask, found in chosen.raw.items()},
        rung=rung,
        tried=tried,
        prompts=chosen.prompt.pipeline,
        prompt_calibration=chosen.calibration,
    )


def _rungs(count: int, names: Sequence[str] | None) -> list[Rung]:
    wanted = [rung.name for rung in RUNGS] if names is None else names
    for name in wanted:
        if name not in {rung.name for rung in RUNGS}:
            raise InputError(f"there is no rung {name!r}; there are {', '.join(rung.name for rung in RUNGS)}")
    rungs = [rung for rung in affordable(count) if rung.name in wanted]
    if not rungs:
        least = min(rung.labels for rung in RUNGS if rung.name in wanted)
        raise NotEnoughLabels(
            f"{count} prompts are labelled at every tier; fitting needs at least {least}", needed=least
        )
    return rungs


def _fit_words(data: TrainingRows, fitted_by: Callable[..., PromptFit]) -> _Read:
    weights = np.column_stack([data.weight((), rank) for rank in range(len(data.ladder))])
    prompt = fitted_by(data.answers.features, data.quality, weight=weights, fold=data.fold)
    return _Read(prompt, calibrated_already(prompt.logits))


def _fit_rung(data: TrainingRows, rung: Rung, read: _Read) -> _Candidate:
    answers, tiers = data.answers, len(data.ladder)
    prompt, calibrated = read.prompt, read.calibrated
    chances, raw = {0: calibrated.chances}, {0: sigmoid(prompt.logits)}
    scorer: dict[int, tuple[DenseModel | Blend, Calibration]] = {}
    for run in states(tiers):
        mask = sum(1 << rank for rank in run)
        rows = answers.rows(prompt.logits, run)
        weights = np.column_stack([data.weight(run, rank) for rank in range(tiers)])
        views = {number: answers.rows(held, run) for number, held in prompt.nested.items()}
        found = fit_state(rows, views, rung, run, quality=data.quality, weights=weights, fold=data.fold)
        chances[mask] = _refused(data, run, found.calibrated.chances)
        raw[mask] = sigmoid(found.logits)
        scorer[mask] = (found.model, found.calibrated.final)
    return _Candidate(prompt, calibrated.final, scorer, chances, raw)


def _refused(data: TrainingRows, run: tuple[int, ...], chances: Floats) -> Floats:
    """As the runtime has it: when the last answer of ``run`` is a refusal, there is no chance that it is acceptable."""
    rank = run[-1]
    stops = [None if (o := query.outcomes[rank]) is None else o.completion.stop for query in data.records.queries]
    chances[np.array([stop == "refusal" for stop in stops]), rank] = 0.0
    return chances


def _expected(data: TrainingRows) -> dict[int, Floats]:
    """Expected nano-dollars per mask, (n, K): each fold's by the lengths of the others."""
    queries, tiers = data.records.queries, len(data.ladder)
    runs = [(), *states(tiers)]
    found = {sum(1 << rank for rank in run): np.full((len(queries), tiers), np.nan) for run in runs}
    for number in np.unique(data.fold):
        inside = data.fold != number
        model = fit_lengths(data.lengths.take(inside), data.answers.hand[inside])
        for row in np.flatnonzero(data.fold == number):
            query, features = queries[row], data.answers.features[row]
            chars = int(data.lengths.chars[row])
            for run in runs:
                if not run:
                    tokens = model.expected(features, chars)
                elif math.isnan(written := data.lengths.written[row, run[-1]]):
                    continue
                else:
                    read = int(data.lengths.read[row, run[-1]])
                    tokens = model.after(features, chars, rank=run[-1], read=read, written=int(written))
                found[sum(1 << rank for rank in run)][row] = expected_costs(data.ladder.tiers, query.request, tokens)
    return found


def _table(data: TrainingRows, candidate: _Candidate, costs: Mapping[int, Floats]) -> Table:
    full = data.full
    queries = [query for query, whole in zip(data.records.queries, full, strict=True) if whole]
    return Table(
        quality=data.quality[full],
        cost=np.array([_cost(data.ladder, query) for query in queries]),
        chances={mask: found[full] for mask, found in candidate.chances.items()},
        expected={mask: found[full] for mask, found in costs.items()},
        draw=np.array([drawn(query.request.prompt_hash) for query in queries]),
        weight=np.array(list(map(row_weight, queries))),
        keys=tuple(query.split_key for query in queries),
    )


def _cost(ladder: Ladder, query: Any) -> list[float]:
    return [
        float(tier.cost(outcome.completion.usage)) for tier, outcome in zip(ladder.tiers, query.outcomes, strict=True)
    ]
