"""The rows that estimators are fitted on, as arrays: labels, what each counts, and how probably it was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from router.embed import Embedder
from router.errors import InputError
from router.features import Floats
from router.tiers import Ladder
from training.answers import Answers, read_answers
from training.embedding import with_embeddings
from training.errors import NotEnoughLabels
from training.heads import Bools, Ints, folds_of
from training.lengths import Lengths, lengths_of
from training.records import Records
from training.rungs import RUNGS

Report = Callable[[str], None]


@dataclass(frozen=True)
class TrainingRows:
    """The training rows as arrays; (n, K) each: ``quality``, the probability ``chance`` with which an answer was
    observed, and what each label counts, ``count``.
    """

    records: Records
    ladder: Ladder
    answers: Answers
    quality: Floats
    chance: Floats
    count: Floats
    fold: Ints
    lengths: Lengths
    full: Bools
    """Which rows have every tier's answer and label, each observed with a known probability."""

    def weight(self, run: tuple[int, ...], rank: int) -> Floats:
        """Each row's weight in learning tier ``rank``'s quality from the answers of ``run``: 0 where one is missing, or
        was observed with a probability that nobody knows.
        """
        seen = self.answers.answered(run) if run else np.ones(len(self.quality), bool)
        least = self.chance[:, [*run, rank]].min(axis=1)
        held = seen & ~np.isnan(self.quality[:, rank]) & (least > 0)
        return np.where(held, self.count[:, rank] / np.where(held, least, 1.0), 0.0)


def read_rows(train: Records, ladder: Ladder) -> TrainingRows:
    """Read the labelled answers of ``train`` to the tiers of ``ladder``.

    Raises:
        InputError: the log does not say with which probability each answer was observed.
    """
    queries = train.queries
    if any(query.inclusion is None for query in queries):
        raise InputError(
            "the log does not say with which probability each answer was observed, so nothing unbiased can be fitted "
            "on it; log propensities (tierwise's ledger does), or label every tier of a sample"
        )
    quality = np.array([query.qualities for query in queries])
    chance = np.array([query.inclusion or (1.0,) * len(ladder) for query in queries], float)
    answers = read_answers(queries)
    return TrainingRows(
        records=train,
        ladder=ladder,
        answers=answers,
        quality=quality,
        chance=chance,
        count=np.array([[1.0 if one is None else one.weight for one in query.outcomes] for query in queries]),
        fold=folds_of([query.split_key for query in queries]),
        lengths=lengths_of(queries),
        full=~np.isnan(quality).any(axis=1) & answers.given.all(axis=1) & (chance > 0).all(axis=1),
    )


def embedded(data: TrainingRows, embedder: Embedder, report: Report) -> TrainingRows:
    """``data`` with an embedding of each prompt.

    Raises:
        EmbedderError: the embedder failed.
    """
    requests = [query.request for query in data.records.queries]
    report(f"embedding {len(requests):,} prompts with {embedder.name!r}")
    features = with_embeddings(data.answers.features, requests, embedder, report=report)
    return replace(data, answers=replace(data.answers, features=features))


def labels_everywhere(data: TrainingRows) -> None:
    """Refuse a tier that nobody labelled, by its name: a count of whole rows would not tell which one it is."""
    for rank, tier in enumerate(data.ladder.names):
        if np.isnan(data.quality[:, rank]).all():
            raise NotEnoughLabels(
                f"no answer of tier {tier!r} among the training rows has a label; label some, or take the tier out of "
                "the configuration",
                needed=min(rung.labels for rung in RUNGS),
            )


def two_classes(data: TrainingRows) -> None:
    """Refuse labels that are all of one class at every tier: there would be nothing to learn."""
    known = data.quality[~np.isnan(data.quality)]
    for kind, one_class in (("acceptable", known.min() >= 1), ("unacceptable", known.max() <= 0)):
        if one_class:
            raise InputError(f"every label is {kind}: there is nothing to learn from one class")
