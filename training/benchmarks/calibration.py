"""How far a confidence is from the truth, before and after calibration, by the number of labels."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.estimators import sigmoid
from router.features import Floats
from router.signals import NAMES
from training.answers import read_answers
from training.benchmarks.pools import POOLS, pool
from training.benchmarks.result import BenchmarkResult, Report, benchmark_result
from training.estimators import (
    IsotonicCalibrator,
    PlattCalibrator,
    QualityClassifier,
    VennAbersCalibrator,
    calibrator_for,
    cross_calibrate,
    soft_rows,
)
from training.estimators.threads import one_thread
from training.heads import ACCEPTABLE, folds_of
from training.metrics import auroc, debiased_ece, ece

TRIALS = 10
SIZES = (300, 1000, 3000)
CALIBRATORS: dict[str, Any] = {
    "platt": PlattCalibrator(),
    "isotonic": IsotonicCalibrator(),
    "venn_abers": VennAbersCalibrator(),
}
DRAWS = 2000

PROTOCOL = (
    "Zellinger-Thomson logs, 5,233 queries (MMLU, MedMCQA, TriviaQA, TruthfulQA). Pools: llama3 = Llama 3.1 "
    "8B/70B/405B, gpt4o = gpt-4o-mini/Qwen2.5-72B/gpt-4o. Per split, 300, 1,000 or 3,000 queries drawn by prompt are "
    "labelled, and all others tested, tier by tier. confidence: the answer's own log-probability as a probability, raw "
    "and then through each calibrator, fitted on the labelled rows. scorer: a logistic head over the answer's signals "
    "and the prompt's features, its raw chances and those of the calibrator that the number of labels chooses, fitted "
    "on its out-of-fold logits. 'chosen' is that calibrator. ECE over 15 bins of equal mass, and ECE less its "
    "jackknife estimate of bias, since 2,200 test rows put a perfect confidence about 0.02 off. Means over tiers and "
    "splits; intervals: 95 %, bootstrap over splits."
)

_EDGE = 1e-6

Figures = dict[str, float]
Kinds = dict[str, Figures]
Bools = NDArray[np.bool_]


def run(*, report: Report = lambda _: None, trials: int = TRIALS) -> BenchmarkResult:
    """Measure every calibrator on every split, ``trials`` of them for each pool and size.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name in POOLS:
        report(f"reading {name}")
        records, _ = pool(name)
        answers = read_answers(records.queries)
        quality = np.array([query.qualities for query in records.queries])
        keys = [query.split_key for query in records.queries]
        for size in SIZES:
            found: list[Mapping[str, Figures]] = []
            for trial in range(trials):
                report(f"{name}, {size:,} labels, split {trial + 1} of {trials}")
                labelled = _drawn(keys, size, seed=trial)
                tiers = [
                    _measured(answers.signals[rank], answers.hand, quality[:, rank], labelled, keys)
                    for rank in range(quality.shape[1])
                ]
                found.append(_averaged(tiers))
            at = f"at_{size}"
            metrics.setdefault(name, {})[at] = _averaged(found)
            intervals.setdefault(name, {})[at] = {
                kind: {figure: _interval([each[kind][figure] for each in found]) for figure in figures}
                for kind, figures in found[0].items()
            }
    return benchmark_result(
        "calibration", protocol=PROTOCOL, seeds=range(trials), metrics=metrics, intervals=intervals, started=started
    )


def _drawn(keys: Sequence[str], size: int, *, seed: int) -> Bools:
    """Which rows are labelled: whole prompts in a random order, until there are ``size`` rows."""
    _, code = np.unique(np.array(keys), return_inverse=True)
    place = np.random.default_rng(seed).permutation(int(code.max()) + 1)[code]
    last = np.sort(place)[size - 1]
    out: Bools = place <= last
    return out


@one_thread()
def _measured(
    signals: Floats, hand: Floats, quality: Floats, labelled: Bools, keys: Sequence[str]
) -> dict[str, Figures]:
    """One tier's figures: raw and calibrated, of its own confidence and of the scorer."""
    truth = quality[~labelled]
    raw = np.exp(signals[:, NAMES.index("logprob_mean")])
    raw = np.clip(np.where(np.isnan(raw), np.nanmean(raw), raw), _EDGE, 1 - _EDGE)
    logit = np.log(raw / (1 - raw))[:, None]
    rows = soft_rows(logit[labelled], quality[labelled])
    chosen = calibrator_for(int(labelled.sum()))
    told = {"confidence_raw": _figures(raw[~labelled], truth)}
    for name, kind in {**CALIBRATORS, "chosen": chosen}.items():
        fitted: Any = kind.fit(rows.X, rows.y, sample_weight=rows.weight)
        told[f"confidence_{name}"] = _figures(fitted.predict_proba(logit[~labelled])[:, 1], truth)
    matrix = np.column_stack((signals, hand))
    folds = folds_of([key for key, own in zip(keys, labelled, strict=True) if own])
    soft = soft_rows(matrix[labelled], quality[labelled])
    head: Any = QualityClassifier().fit(soft.X, soft.y, sample_weight=soft.weight, folds=folds[soft.source])
    held = np.full(int(labelled.sum()), np.nan)
    held[soft.source] = head.oof_logits_
    logits = head.decision_function(matrix[~labelled])
    map_: Any = cross_calibrate(held, quality=quality[labelled], folds=folds).final
    told["scorer_raw"] = _figures(sigmoid(logits), truth)
    told["scorer_chosen"] = _figures(map_.predict_proba(logits[:, None])[:, 1], truth)
    return told


def _figures(confidence: Floats, truth: Floats) -> Figures:
    return {
        "ece": ece(confidence, truth),
        "debiased_ece": debiased_ece(confidence, truth),
        "auroc": auroc(confidence, (truth >= ACCEPTABLE).astype(float)),
    }


def _averaged(found: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    return {
        kind: {figure: float(np.mean([each[kind][figure] for each in found])) for figure in figures}
        for kind, figures in found[0].items()
    }


def _interval(values: Sequence[float]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = rng.choice(np.array(values), (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)
