"""The confidence scorer on its own: what one tier's answer says of every tier, for cascades of one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from router.assess import Answer, scorer_row
from router.errors import InputError
from router.estimators import Calibration, DenseModel, sigmoid
from router.features import Floats, prompt_features
from router.signals import answer_signals
from router.trees import Blend
from router.types import Completion, Request
from training.answers import read_answers
from training.calibrate import calibrated_already
from training.heads import folds_of
from training.prompt_fit import PromptFit, fit_prompts
from training.records import Query
from training.rungs import Rung
from training.scorer_fit import fit_state


@dataclass(frozen=True)
class Scored:
    """Of m answers, ``chances`` (m, K) that each tier suffices, calibrated, and ``raw`` (m, K), as they were before.

    A forest's chances are kept off 0 and 1, which makes equal what it tells apart there: the raw ones rank it too.
    ``prompt`` (m, K): the calibrated chances before the answer.
    """

    chances: Floats
    raw: Floats
    prompt: Floats


@dataclass(frozen=True)
class Scorer:
    """What reads the prompt and the answer of the tier ``rank``."""

    rank: int
    prompts: PromptFit
    prompt_calibration: Calibration
    model: DenseModel | Blend
    calibration: Calibration

    def score(self, requests: Sequence[Request], completions: Sequence[Completion]) -> Scored:
        """Score each answer to its request, by the runtime's own arithmetic."""
        chances, raw, before = [], [], []
        for request, completion in zip(requests, completions, strict=True):
            features = prompt_features(request)
            first = self.prompts.of(features)
            answer = Answer(self.rank, answer_signals(request, completion), completion.text)
            logits = self.model.logits(scorer_row(first, features.hand, (answer,)))
            before.append(self.prompt_calibration.apply(first))
            chances.append(self.calibration.apply(logits))
            raw.append(sigmoid(logits))
        return Scored(np.array(chances), np.array(raw), np.array(before))


def fit_scorer(queries: Sequence[Query], rung: Rung, *, rank: int = 0) -> Scorer:
    """Fit the classifier and the scorer of the tier ``rank`` as :func:`training.fit.fit` does on ``rung``.

    Every query has that tier's answer; every label counts the same.

    Raises:
        InputError: a query lacks the answer, or the rung reads no words.
    """
    if not rung.words:
        raise InputError(f"the rung {rung.name!r} reads no prompt; take one that does")
    missing = [query.id for query in queries if query.outcomes[rank] is None]
    if missing:
        raise InputError(f"{len(missing)} queries lack the answer of tier {rank}, {missing[0]!r} among them")
    quality = np.array([query.qualities for query in queries])
    weights, fold = np.ones_like(quality), folds_of([query.split_key for query in queries])
    answers, run = read_answers(queries), (rank,)
    with threadpool_limits(1):
        prompts = fit_prompts(answers.features, quality, weight=weights, fold=fold)
        before = calibrated_already(prompts.logits)
        rows = answers.rows(prompts.logits, run)
        views = {number: answers.rows(held, run) for number, held in prompts.nested.items()}
        found = fit_state(rows, views, rung, run, quality=quality, weights=weights, fold=fold)
    return Scorer(rank, prompts, before.final, found.model, found.calibrated.final)
