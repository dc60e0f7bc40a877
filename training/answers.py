"""The answers of many queries as the confidence scorer reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from router.features import HAND, Floats, PromptFeatures, prompt_features
from router.signals import NAMES, agreement, answer_signals
from training.records import Query

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """What was read off n queries' prompts and answers.

    ``features``: each prompt's; ``hand`` (n, H) their hand-made part. ``signals[k]`` (n, S): tier k's answers, NaN
    where it gave none. ``agreements[j, k]`` (n, 2): how far two tiers agree. ``given`` (n, K): who answered.
    """

    features: tuple[PromptFeatures, ...]
    hand: Floats
    signals: tuple[Floats, ...]
    agreements: Mapping[tuple[int, int], Floats]
    given: Bools

    def rows(self, logits: Floats, run: Sequence[int]) -> Floats:
        """The scorer's input when the tiers of ``run`` have answered, laid out as :func:`router.assess.scorer_row`."""
        parts = [logits, self.hand, *(self.signals[rank] for rank in run)]
        parts += [self.agreements[pair] for pair in combinations(run, 2)]
        return np.column_stack(parts)

    def answered(self, run: Sequence[int]) -> Bools:
        """Whether all tiers of ``run`` have answered, per query, (n,)."""
        return np.asarray(self.given[:, list(run)].all(axis=1))


def read_answers(queries: Sequence[Query]) -> Answers:
    """Read everything off ``queries`` that the scorer will need."""
    tiers = len(queries[0].outcomes)
    features = tuple(prompt_features(query.request) for query in queries)
    signals = [np.full((len(queries), len(NAMES)), np.nan) for _ in range(tiers)]
    agreements = {pair: np.full((len(queries), 2), np.nan) for pair in combinations(range(tiers), 2)}
    given = np.zeros((len(queries), tiers), bool)
    for row, query in enumerate(queries):
        for rank, outcome in enumerate(query.outcomes):
            if outcome is not None:
                given[row, rank] = True
                signals[rank][row] = answer_signals(query.request, outcome.completion)
        for (one, other), found in agreements.items():
            first, second = query.outcomes[one], query.outcomes[other]
            if first is not None and second is not None:
                found[row] = agreement(first.completion.text, second.completion.text)
    hand = np.array([item.hand for item in features])
    return Answers(features, hand, tuple(signals), agreements, given)


def columns(tiers: Sequence[str], run: Sequence[int]) -> list[str]:
    """A name for each column of :meth:`Answers.rows`."""
    names = [f"chance of {tier}" for tier in tiers]
    names += [f"prompt: {name}" for name in HAND]
    names += [f"{tiers[rank]}: {name}" for rank in run for name in NAMES]
    for one, other in combinations(run, 2):
        names += [f"{tiers[one]} = {tiers[other]}: same", f"{tiers[one]} = {tiers[other]}: shared words"]
    return names
