"""How many labels a new tier needs: a Rasch head over the known tiers against a head of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.estimators import logit, sigmoid
from router.features import Floats, PromptFeatures, prompt_features
from training.benchmarks.pools import POOLS, pool
from training.benchmarks.result import BenchmarkResult, Report, benchmark_result
from training.estimators import RaschHead, soft_rows
from training.estimators.threads import one_thread
from training.heads import ACCEPTABLE, folds_of
from training.kernel_heads import fit_heads, whitening_of
from training.metrics import auroc, log_loss
from training.prompt_fit import fit_prompts

TRIALS = 5
KNOWN = 2000
SIZES = (15, 30, 120, 300)
DRAWS_OF_LABELS = 3
DRAWS = 2000

PROTOCOL = (
    "Zellinger-Thomson logs, 5,233 queries, the complexity classifier (from the prompt alone). Pools: llama3 = Llama "
    "3.1 8B/70B/405B, gpt4o = gpt-4o-mini/Qwen2.5-72B/gpt-4o. Per split, two tiers' heads are fitted on 2,000 queries "
    "drawn by prompt; the third tier, each in turn, is new and has labels for 15, 30, 120 or 300 of them, three draws "
    "each. rasch: sigmoid(mean of the known heads' out-of-fold logits + b), richer where cross-validation says so. "
    "fresh: a head of its own on the same kernel of the 2,000 prompts, fitted to the new labels alone, its penalty by "
    "cross-validation. base_rate: the share of good answers among the labels, with one pseudo-count each way. Judged "
    "on all other queries. all_labels: the new tier's own head fitted on all 2,000. Means over tiers, splits and "
    "draws; intervals: 95 %, bootstrap over splits."
)

Figures = dict[str, float]
Kinds = dict[str, dict[str, Figures]]


def run(*, report: Report = lambda _: None, trials: int = TRIALS) -> BenchmarkResult:
    """Measure both heads on every split, ``trials`` of them for each pool.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    found: dict[str, list[dict[str, dict[str, Figures]]]] = {}
    for name in POOLS:
        records, _ = pool(name)
        features = [prompt_features(query.request) for query in records.queries]
        quality = np.array([query.qualities for query in records.queries])
        keys = np.array([query.split_key for query in records.queries])
        for trial in range(trials):
            report(f"{name}, split {trial + 1} of {trials}")
            found.setdefault(name, []).append(_split(features, quality, keys, seed=trial))
    found["both"] = [_mean([one, other]) for one, other in zip(*(found[name] for name in POOLS), strict=True)]
    metrics = {name: _mean(splits) for name, splits in found.items()}
    intervals = {
        name: {
            at: {
                kind: {figure: _interval([split[at][kind][figure] for split in splits]) for figure in figures}
                for kind, figures in kinds.items()
            }
            for at, kinds in splits[0].items()
        }
        for name, splits in found.items()
    }
    return benchmark_result(
        "new-tier", protocol=PROTOCOL, seeds=range(trials), metrics=metrics, intervals=intervals, started=started
    )


@one_thread()
def _split(
    features: Sequence[PromptFeatures], quality: Floats, keys: NDArray[np.str_], *, seed: int
) -> dict[str, dict[str, Figures]]:
    """One split's figures by number of labels and head, averaged over which tier is new and which labels it has."""
    _, code = np.unique(keys, return_inverse=True)
    rng = np.random.default_rng(seed)
    place = rng.permutation(int(code.max()) + 1)[code]
    known = place <= np.sort(place)[KNOWN - 1]
    rows, test = np.flatnonzero(known), np.flatnonzero(~known)
    fold = folds_of(keys[rows].tolist())
    fitted = fit_prompts(
        _taken(features, rows), quality[rows], weight=np.ones((len(rows), quality.shape[1])), fold=fold
    )
    pipeline = fitted.pipeline
    assert pipeline is not None
    kernel = pipeline.kernel
    whitening = whitening_of(kernel(kernel.landmarks))
    columns, test_columns = (whitening.columns(kernel(_taken(features, part))) for part in (rows, test))
    logits = pipeline.logits(_taken(features, test))
    told: dict[str, list[dict[str, Figures]]] = {}
    for new in range(quality.shape[1]):
        others = [rank for rank in range(quality.shape[1]) if rank != new]
        truth = quality[test, new]
        ceiling = _figures(logits[:, new], truth)
        for size in SIZES:
            for _ in range(DRAWS_OF_LABELS):
                chosen = rng.choice(len(rows), size, replace=False)
                labels = quality[rows[chosen], new]
                soft = soft_rows(fitted.logits[chosen][:, others], labels)
                groups = keys[rows[chosen]][soft.source]
                rasch: Any = RaschHead().fit(soft.X, soft.y, sample_weight=soft.weight, groups=groups)
                own = fit_heads(
                    columns[chosen],
                    labels[:, None],
                    weight=np.ones((size, 1)),
                    fold=folds_of(keys[rows[chosen]].tolist(), folds=min(5, size)),
                ).line
                rate = np.log((labels.sum() + 1) / ((1 - labels).sum() + 1))
                told.setdefault(f"at_{size}", []).append(
                    {
                        "rasch": _figures(rasch.decision_function(logits[:, others]), truth),
                        "fresh": _figures(logit(test_columns @ own.weights[:, 0] + own.intercept[0]), truth),
                        "base_rate": _figures(np.full(len(test), rate), truth),
                        "all_labels": ceiling,
                    }
                )
    return {at: _averaged(found) for at, found in told.items()}


def _taken(features: Sequence[PromptFeatures], rows: NDArray[np.intp]) -> list[PromptFeatures]:
    return [features[row] for row in rows.tolist()]


def _figures(logits: Floats, truth: Floats) -> Figures:
    return {"auroc": auroc(logits, (truth >= ACCEPTABLE).astype(float)), "log_loss": log_loss(sigmoid(logits), truth)}


def _averaged(found: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    return {
        kind: {figure: float(np.mean([each[kind][figure] for each in found])) for figure in figures}
        for kind, figures in found[0].items()
    }


def _mean(splits: Sequence[Mapping[str, Mapping[str, Figures]]]) -> dict[str, dict[str, Figures]]:
    return {at: _averaged([split[at] for split in splits]) for at in splits[0]}


def _interval(values: Sequence[float]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = rng.choice(np.array(values), (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)
