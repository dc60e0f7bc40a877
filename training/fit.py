"""Fitting everything that a bundle holds but its rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from router.assess import Answer, Estimators, scorer_row
from router.bundle import PolicyBundle, Profile
from router.errors import InputError
from router.estimators import Calibration, DenseModel, LengthModel
from router.features import Floats, PromptFeatures, prompt_features
from router.policy import Always
from router.signals import answer_signals
from router.tiers import Ladder
from training.calibrate import fit_calibration
from training.prompt_fit import PromptPipeline, fit_logistic, fit_prompts
from training.records import Query, Records, disjoint

FEWEST = 30
"""Labelled prompts below which nothing is fitted."""

DEEPEST = 3
"""Tiers in one cascade that the scorer is fitted for; longer ones are judged by their last answer."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """What :func:`fit` made: the bundle, and the scikit-learn objects it was exported from."""

    bundle: PolicyBundle
    prompts: PromptPipeline
    prompt_calibration: Calibration


def fit(records: Records, ladder: Ladder, *, report: Report = lambda _: None) -> Fitted:
    """Fit the complexity classifier and the confidence scorer on split *fit*, calibrate them on *calibrate*.

    The scorer reads the classifier's out-of-fold logits, so that it does not learn from labels that the
    classifier has memorised. The bundle's rule is always-strong until it is tuned.

    Raises:
        InputError: too few labelled prompts, one class only, or a prompt in two splits.
    """
    train, held = records.split("fit").labelled(), records.split("calibrate").labelled()
    disjoint(train, held)
    if len(train) < FEWEST:
        raise InputError(f"{len(train)} prompts are labelled at every tier; fitting needs at least {FEWEST}")
    quality, held_quality = _quality(train), _quality(held)
    groups = [query.split_key for query in train.queries]

    report(f"reading {len(train) + len(held):,} prompts")
    features, held_features = _features(train), _features(held)
    report("fitting the complexity classifier")
    prompts, logits = fit_prompts(features, quality, groups=groups)
    held_logits = prompts.logits(held_features)
    calibration = fit_calibration(held_logits, held_quality)

    scorer: dict[int, tuple[DenseModel, Calibration]] = {}
    answers, held_answers = _answers(train), _answers(held)
    for run in _states(len(ladder)):
        names = ", ".join(ladder[rank].name for rank in run)
        report(f"fitting the confidence scorer after {names}")
        rows = _rows(features, logits, answers, run)
        model = _fit_dense(rows, quality, groups)
        held_rows = _rows(held_features, held_logits, held_answers, run)
        held_scores = np.array([model.logits(row) for row in held_rows])
        scorer[sum(1 << rank for rank in run)] = (model, fit_calibration(held_scores, held_quality))

    report("fitting the expected lengths")
    estimators = Estimators(
        prompt=prompts.export(),
        calibration=calibration,
        scorer=scorer,
        length=_fit_length(train, features),
    )
    bundle = PolicyBundle(
        tiers=ladder.names,
        models=tuple(tier.model for tier in ladder.tiers),
        estimators=estimators,
        profiles={"default": Profile(Always(why="this bundle has not been tuned, so the strongest tier is asked"))},
        best_single=ladder.names[int(np.argmax(quality.mean(axis=0)))],
        facts={"rows": {"fit": len(train), "calibrate": len(held)}, "data": fingerprint(records)},
    )
    return Fitted(bundle, prompts, calibration)


def fingerprint(records: Records) -> str:
    """A hash over the prompts, answers, labels and splits, so that a bundle names the data it came from."""
    digest = hashlib.sha256()
    for query in sorted(records.queries, key=lambda query: query.id):
        digest.update(f"{query.id}\x1f{query.split}\x1f{query.split_key}\x1f{query.qualities}\x1e".encode())
        for outcome in query.outcomes:
            digest.update(b"\x1f" if outcome is None else outcome.completion.text.encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


def _states(tiers: int) -> Iterator[tuple[int, ...]]:
    """Every set of tiers that may have answered together."""
    for size in range(1, min(tiers, DEEPEST) + 1):
        yield from combinations(range(tiers), size)


def _quality(records: Records) -> Floats:
    return np.array([query.qualities for query in records.queries])


def _features(records: Records) -> list[PromptFeatures]:
    return [prompt_features(query.request) for query in records.queries]


def _answers(records: Records) -> list[tuple[Answer, ...]]:
    return [tuple(_of_query(query)) for query in records.queries]


def _of_query(query: Query) -> Iterator[Answer]:
    for rank, outcome in enumerate(query.outcomes):
        assert outcome is not None
        yield Answer(rank, answer_signals(query.request, outcome.completion), outcome.completion.text)


def _rows(
    features: Sequence[PromptFeatures], logits: Floats, answers: Sequence[tuple[Answer, ...]], run: tuple[int, ...]
) -> Floats:
    return np.array(
        [
            scorer_row(row_logits, row.hand, [given[rank] for rank in run])
            for row, row_logits, given in zip(features, logits, answers, strict=True)
        ]
    )


def _fit_dense(rows: Floats, quality: Floats, groups: Sequence[str]) -> DenseModel:
    """Logistic heads on standardised columns, a missing value at its column's mean."""
    with np.errstate(invalid="ignore"):
        counts = (~np.isnan(rows)).sum(axis=0)
    filled = np.where(np.isnan(rows), 0.0, rows)
    mean = filled.sum(axis=0) / np.maximum(counts, 1)
    centred = np.where(np.isnan(rows), 0.0, rows - mean)
    spread = np.sqrt((centred**2).sum(axis=0) / np.maximum(counts, 1))
    scale = np.where(spread > 1e-9, spread, 1.0)
    matrix = centred / scale
    heads = [
        fit_logistic(matrix, column, groups=groups, penalties=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3))[0]
        for column in quality.T
    ]
    return DenseModel(
        mean=mean,
        scale=scale,
        weights=np.column_stack([head.coef_[0] for head in heads]),
        intercept=np.array([head.intercept_[0] for head in heads]),
    )


def _fit_length(records: Records, features: Sequence[PromptFeatures]) -> LengthModel:
    """Prompt tokens as a line in the characters, answer tokens by ridge regression on their logarithm."""
    chars = np.array([len(query.request.text) for query in records.queries], float)
    hand = np.array([row.hand for row in features])
    scaler = StandardScaler().fit(hand)
    standard = scaler.transform(hand)
    per_char, overhead, weights, intercept, smear = [], [], [], [], []
    for rank in range(len(records.tiers)):
        usages = [_usage(query, rank) for query in records.queries]
        slope, line = np.polyfit(chars, [usage.prompt_tokens for usage in usages], 1)
        logs = np.log(np.maximum([usage.generated_tokens for usage in usages], 1))
        ridge: Any = Ridge(alpha=20.0).fit(standard, logs)
        per_char.append(slope)
        overhead.append(line)
        weights.append(ridge.coef_)
        intercept.append(ridge.intercept_)
        smear.append(np.exp(logs - ridge.predict(standard)).mean())
    return LengthModel(
        tokens_per_char=np.array(per_char),
        overhead=np.array(overhead),
        mean=scaler.mean_,
        scale=scaler.scale_,
        weights=np.column_stack(weights),
        intercept=np.array(intercept),
        smear=np.array(smear),
    )


def _usage(query: Query, rank: int) -> Any:
    outcome = query.outcomes[rank]
    assert outcome is not None
    assert outcome.completion.usage is not None
    return outcome.completion.usage
