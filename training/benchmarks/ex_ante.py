"""Routing by the prompt alone between two tiers: runs of the complexity classifier, and what they come to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.embedders.naming import embedder_named
from router.features import Floats
from training.benchmarks.overlap import apart
from training.benchmarks.pairs import STRONG, WEAK, Pairs, joined, read
from training.benchmarks.priced_gain import even_price
from training.benchmarks.result import Report
from training.benchmarks.text_neighbours import neighbours
from training.classifier import fit_features
from training.heads import folds_of

WORKERS = 2
"""Processes that fit at the same time, where there are as many cores."""

EMBEDDER: str | None = "wordllama"
"""What embeds the prompts, by the name that a configuration has for it; None: words and hand-made features alone.

Chosen where it ranked better than none on RouteLLM's MMLU: inside the training rows of seeds from 100 up, and fitted
on those and scored on MMLU's other questions (docs/decisions/0016 and 0017). So the choice has seen labels of rows that
benchmarks judge; no judged fit has."""

EMBEDDED = f"Embedder: {EMBEDDER or 'none'}. "


@dataclass(frozen=True, kw_only=True)
class Job:
    """Rows to learn from, and rows to judge on."""

    train: Pairs
    test: Pairs


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Of m prompts the calibrated ``chances`` (m, 2) that each tier suffices, and ``knn`` (m,), the mean gain of each
    prompt's 100 nearest training prompts.
    """

    chances: Floats
    knn: Floats


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was predicted of the rows of ``test``.

    ``price`` is :func:`training.benchmarks.priced_gain.even_price` of the training rows, None where they have no costs;
    ``n_train`` how many they were, the mean over folds.
    """

    test: Pairs
    predicted: Predicted
    price: float | None
    n_train: int

    @property
    def gain(self) -> Floats:
        """What prompts are ranked by: the chance that the strong tier suffices less the weak one's, (m,)."""
        found: Floats = self.predicted.chances[:, STRONG] - self.predicted.chances[:, WEAK]
        return found


def predict(job: Job) -> Predicted:
    """Fit on one side, and look at the prompts of the other.

    Raises:
        InputError: a row to learn from is also judged.
    """
    train, test = job.train, job.test
    apart(train, test)
    train, test = (side if side.features else read(side) for side in (train, test))
    classifier = fit_features(train.features, train.quality, keys=train.keys)
    return Predicted(
        chances=classifier.chances_of(test.features), knn=neighbours(train.texts, train.strong - train.weak, test.texts)
    )


def features_of(pairs: Pairs, *, report: Report) -> Pairs:
    """The rows with their prompts read, once for all fits, by :data:`EMBEDDER` too where there is one.

    Raises:
        InputError: the embedder's package is not installed.
        EmbedderError: it failed.
    """
    report(f"reading {len(pairs):,} prompts")
    return read(pairs, embedder=None if EMBEDDER is None else embedder_named(EMBEDDER), report=report)


def routed(jobs: Sequence[Job], *, report: Report, what: str) -> list[Run]:
    """The run of every job, in order, a few at the same time.

    Raises:
        InputError: a row to learn from is also judged.
    """
    workers = min(WORKERS, os.cpu_count() or 1, len(jobs))
    predicted: list[Predicted] = []
    if workers == 1:
        for job in jobs:
            report(f"{what}: fit {len(predicted) + 1} of {len(jobs)}")
            predicted.append(predict(job))
    else:
        from joblib import Parallel, delayed

        report(f"{what}: {len(jobs)} fits, {workers} at the same time")
        for done in Parallel(n_jobs=workers, return_as="generator")(delayed(predict)(job) for job in jobs):
            predicted.append(done)
            report(f"{what}: {len(predicted)} of {len(jobs)} fits done")
    return [
        Run(test=job.test, predicted=done, price=_price(job.train), n_train=len(job.train))
        for job, done in zip(jobs, predicted, strict=True)
    ]


def folded(pairs: Pairs, *, folds: int, seed: int) -> list[Job]:
    """A job for each fold; rows of one question are in one fold."""
    fold = folds_of(pairs.keys, folds=folds, seed=seed)
    return [Job(train=pairs.take(fold != number), test=pairs.take(fold == number)) for number in range(folds)]


def pooled(runs: Sequence[Run]) -> Run:
    """The runs of all folds as one, so that their prompts are ranked together."""
    prices = [run.price for run in runs if run.price is not None]
    return Run(
        test=joined([run.test for run in runs]),
        predicted=Predicted(
            chances=np.concatenate([run.predicted.chances for run in runs]),
            knn=np.concatenate([run.predicted.knn for run in runs]),
        ),
        price=float(np.mean(prices)) if len(prices) == len(runs) else None,
        n_train=round(float(np.mean([run.n_train for run in runs]))),
    )


def _price(train: Pairs) -> float | None:
    if train.cost is None:
        return None
    weak, strong = train.cost.T
    return even_price(weak=train.weak, strong=train.strong, weak_cost=weak, strong_cost=strong)
