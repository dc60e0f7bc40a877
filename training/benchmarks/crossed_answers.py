"""A weak model's answers read, each by scorers that were fitted on other questions, between two tiers."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from router.features import Floats
from router.types import Completion
from training.benchmarks import priced_gain, ranking
from training.benchmarks.answer_scorer import Scored, fit_scorer
from training.benchmarks.overlap import apart
from training.benchmarks.pairs import STRONG, WEAK, Pairs
from training.benchmarks.result import Report
from training.benchmarks.text_neighbours import neighbours
from training.heads import Bools, folds_of
from training.records import Query
from training.rungs import Rung

WORKERS = 2
"""Processes that fit at the same time, where there are as many cores."""

FEW = 500
"""Questions up to which they are not worth starting."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """n questions: ``queries`` with both models' answers, and ``pairs``, the same rows as numbers."""

    queries: tuple[Query, ...]
    pairs: Pairs

    def take(self, places: Bools) -> Answered:
        """The rows where ``places`` (n,) is true."""
        chosen = tuple(query for query, one in zip(self.queries, places, strict=True) if one)
        return Answered(queries=chosen, pairs=self.pairs.take(places))


@dataclass(frozen=True, kw_only=True)
class Held:
    """What was made of all n questions, each by fits on other folds: ``scored``, ``knn`` (n,), the gain of the nearest
    training prompts, and ``price``, at which the training rows make both models worth the same, in quality per
    nano-dollar.
    """

    scored: Scored
    knn: Floats
    price: float

    @property
    def gain(self) -> Floats:
        """What answers are ranked by, (n,)."""
        found: Floats = self.scored.raw[:, STRONG] - self.scored.raw[:, WEAK]
        return found


def crossed(data: Answered, rung: Rung, *, folds: int, seed: int, report: Report) -> Held:
    """Score every answer by a scorer that was fitted on the other folds.

    Raises:
        InputError: a question stands on both sides.
    """
    fold = folds_of(data.pairs.keys, folds=folds, seed=seed)
    jobs = [(data.take(fold != number), data.take(fold == number)) for number in range(folds)]
    what = f"rung {rung.name}, seed {seed}"
    workers = min(WORKERS, os.cpu_count() or 1) if len(data.pairs) > FEW else 1
    found: list[Held] = []
    if workers == 1:
        for train, test in jobs:
            report(f"{what}: fold {len(found) + 1} of {folds}")
            found.append(_scored(train, test, rung))
    else:
        from joblib import Parallel, delayed

        report(f"{what}: {folds} folds, {workers} at the same time")
        for held in Parallel(n_jobs=workers, return_as="generator")(
            delayed(_scored)(train, test, rung) for train, test in jobs
        ):
            found.append(held)
            report(f"{what}: {len(found)} of {folds} folds done")
    back = np.argsort(np.concatenate([np.flatnonzero(fold == number) for number in range(folds)]))
    return Held(
        scored=Scored(
            *(
                np.concatenate([getattr(held.scored, name) for held in found])[back]
                for name in ("chances", "raw", "prompt")
            )
        ),
        knn=np.concatenate([held.knn for held in found])[back],
        price=float(np.mean([held.price for held in found])),
    )


def _scored(train: Answered, test: Answered, rung: Rung) -> Held:
    apart(train.pairs, test.pairs)
    scorer = fit_scorer(train.queries, rung)
    side = side_of(train.pairs)
    assert side.weak_cost is not None
    assert side.strong_cost is not None
    return Held(
        scored=scorer.score([query.request for query in test.queries], [weak_answer(query) for query in test.queries]),
        knn=neighbours(side.texts, side.strong - side.weak, test.pairs.texts),
        price=priced_gain.even_price(
            weak=side.weak, strong=side.strong, weak_cost=side.weak_cost, strong_cost=side.strong_cost
        ),
    )


def weak_answer(query: Query) -> Completion:
    """What the weak model said."""
    outcome = query.outcomes[WEAK]
    assert outcome is not None  # fit_scorer has refused it otherwise
    return outcome.completion


def side_of(pairs: Pairs) -> ranking.Pair:
    """The same rows as two tiers to be ranked; they have costs."""
    assert pairs.cost is not None
    made = ranking.Pair(ids=pairs.ids, texts=pairs.texts, weak=pairs.weak, strong=pairs.strong)
    return replace(made, weak_cost=pairs.cost[:, WEAK], strong_cost=pairs.cost[:, STRONG])
