"""From a prompt and the answers so far to what the decision rule sees: expected quality and cost per tier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from router.estimators import Calibration, DenseModel, EmbeddingModel, TextModel
from router.features import Floats, PromptFeatures, prompt_features
from router.lengths import LengthModel, Tokens, chars_of
from router.signals import agreement, answer_signals
from router.tiers import Ladder, Tier
from router.trees import Blend, TreeModel
from router.types import Completion, Request, Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """One tier's answer as the scorer reads it: its ``signals`` and its text."""

    rank: int
    signals: Floats
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a request so far, and what the estimators make of it.

    ``quality`` and ``cost`` are per rank, as in :class:`router.policy.State`. ``features`` and ``logits`` are
    None when nothing was trained.
    """

    request: Request
    quality: tuple[float, ...]
    cost: tuple[float, ...]
    features: PromptFeatures | None = None
    logits: Floats | None = None
    answers: tuple[Answer, ...] = ()


class Assessor(Protocol):
    """Judges prompts and answers; pure, so that a replay judges as live traffic did."""

    def begin(self, request: Request, *, embedding: Floats | None = None) -> Evidence:
        """What the prompt alone says, and its vector (d,) where there is an embedder: the complexity classifier."""
        ...

    def observe(self, evidence: Evidence, rank: int, completion: Completion) -> Evidence:
        """What it says together with one more answer: the confidence scorer."""
        ...


@dataclass(frozen=True, slots=True)
class Untrained:
    """Knows nothing of quality: every chance is NaN, and costs are reckoned from the prompt's length."""

    ladder: Ladder

    def begin(self, request: Request, *, embedding: Floats | None = None) -> Evidence:  # noqa: ARG002
        """Costs at four characters a token and the longest answer allowed."""
        chars = chars_of(request)
        costs = tuple(
            float(tier.cost(Usage(input_tokens=chars // 4, output_tokens=request.max_tokens or tier.max_tokens)))
            for tier in self.ladder.tiers
        )
        return Evidence(request=request, quality=(math.nan,) * len(self.ladder), cost=costs)

    def observe(self, evidence: Evidence, rank: int, completion: Completion) -> Evidence:
        """The same, with the answer noted."""
        answer = Answer(rank, answer_signals(evidence.request, completion), completion.text)
        return replace(evidence, answers=(*evidence.answers, answer))


@dataclass(frozen=True, slots=True)
class Estimators:
    """Everything that was fitted: the complexity classifier (``prompt``, ``dense`` where it reads embeddings too,
    ``trees`` where they add to it, and its ``calibration``), the confidence scorer (per set of tiers that have
    answered, as a bit mask: a model and its calibration), and the expected lengths of calls.
    """

    prompt: TextModel
    calibration: Calibration
    scorer: Mapping[int, tuple[DenseModel | Blend, Calibration]]
    length: LengthModel
    dense: EmbeddingModel | None = None
    trees: TreeModel | None = None

    def prompt_logits(self, features: PromptFeatures) -> Floats:
        """The classifier's logits (K,), before calibration.

        Raises:
            ValueError: it reads an embedding, and the features have none.
        """
        return prompt_logits(features, text=self.prompt, dense=self.dense, trees=self.trees)


UNEMBEDDED: Floats = np.array([math.nan])
"""Stands for an embedding that could not be had: the classifier takes the training mean for it."""


def prompt_logits(
    features: PromptFeatures, *, text: TextModel, dense: EmbeddingModel | None, trees: TreeModel | None
) -> Floats:
    """The logits (K,) of a classifier that reads the prompt's words and, with ``dense``, its embedding. What ``trees``
    say of its hand-made features, topics and embedding is added before the predictions become logits.

    Raises:
        ValueError: there is no embedding to read.
    """
    values, topics = text.read(features)
    row = [features.hand, topics]
    if dense is not None:
        if features.embedding is None:
            raise ValueError("this classifier reads an embedding of the prompt, and was given none")
        values = values + dense.values(features.embedding)
        row.append(dense.along(features.embedding))
    if trees is not None:
        values = values + trees.logits(np.concatenate(row))
    return text.logits(values)


@dataclass(frozen=True, slots=True)
class Trained:
    """Judges with a bundle's estimators, at the prices of ``ladder``."""

    ladder: Ladder
    estimators: Estimators

    def begin(self, request: Request, *, embedding: Floats | None = None) -> Evidence:
        """Chances to suffice from the prompt alone, and expected costs.

        ``embedding`` (d,) is needed where the classifier reads one; :data:`UNEMBEDDED` stands for one that is lost.
        """
        features = prompt_features(request, embedding=embedding)
        estimators = self.estimators
        logits = estimators.prompt_logits(features)
        tokens = estimators.length.expected(features, chars_of(request))
        cost = expected_costs(self.ladder.tiers, request, tokens)
        return Evidence(
            request=request,
            quality=tuple(estimators.calibration.apply(logits).tolist()),
            cost=cost,
            features=features,
            logits=logits,
        )

    def observe(self, evidence: Evidence, rank: int, completion: Completion) -> Evidence:
        """Chances after one more answer, and what its length says of the others' costs.

        A refusal has no chance; a set of tiers that was never trained on together is judged by its last answer alone.
        """
        answer = Answer(rank, answer_signals(evidence.request, completion), completion.text)
        answers = (*evidence.answers, answer)
        mask = sum(1 << seen.rank for seen in answers)
        read = answers
        if mask not in self.estimators.scorer:
            mask, read = 1 << rank, (answer,)
        model, calibration = self.estimators.scorer[mask]
        assert evidence.logits is not None
        assert evidence.features is not None
        chances = calibration.apply(model.logits(scorer_row(evidence.logits, evidence.features.hand, read))).tolist()
        if completion.stop == "refusal":
            chances[rank] = 0.0
        cost = evidence.cost
        if completion.usage is not None:
            tokens = self.estimators.length.after(
                evidence.features,
                chars_of(evidence.request),
                rank=rank,
                read=completion.usage.prompt_tokens,
                written=completion.usage.generated_tokens,
            )
            cost = expected_costs(self.ladder.tiers, evidence.request, tokens)
        return replace(evidence, quality=tuple(chances), cost=cost, answers=answers)


def scorer_row(logits: Floats, hand: Floats, answers: Sequence[Answer]) -> Floats:
    """The scorer's input: the classifier's logits, the hand-made features, each answer's signals by rank, and how
    far each pair of answers agrees.
    """
    ordered = sorted(answers, key=lambda answer: answer.rank)
    agreements = [
        share
        for place, one in enumerate(ordered)
        for other in ordered[place + 1 :]
        for share in agreement(one.text, other.text)
    ]
    return np.concatenate((logits, hand, *(answer.signals for answer in ordered), np.array(agreements)))


def expected_costs(tiers: Sequence[Tier], request: Request, tokens: Tokens) -> tuple[float, ...]:
    """Nano-dollars that a call is expected to cost at each tier; the answer no longer than it may be."""
    costs = []
    for tier, read, written in zip(tiers, tokens.prompt.tolist(), tokens.answer.tolist(), strict=True):
        rates = tier.price.rates_for(round(read))
        limit = request.max_tokens or tier.max_tokens
        costs.append((max(read, 0.0) * rates.input + min(max(written, 1.0), limit) * rates.output) / 1000)
    return tuple(costs)
