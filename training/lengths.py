"""Fitting the expected lengths of calls, from which their expected costs are reckoned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from router.features import Floats
from router.lengths import LengthModel
from router.types import Usage
from training.records import Query

Bools = NDArray[np.bool_]

_SHRINK = 20.0


@dataclass(frozen=True)
class Lengths:
    """What n queries measured: ``chars`` (n,) of the prompt, ``read`` and ``written`` (n, K) tokens, NaN if unknown."""

    chars: Floats
    read: Floats
    written: Floats

    def take(self, rows: Bools) -> Lengths:
        """The same for some rows."""
        return Lengths(self.chars[rows], self.read[rows], self.written[rows])


def lengths_of(queries: Sequence[Query]) -> Lengths:
    """What ``queries`` measured of their calls."""
    usages = [[_usage(query, rank) for rank in range(len(query.outcomes))] for query in queries]
    return Lengths(
        chars=np.array([sum(len(message.content) for message in query.request.messages) for query in queries], float),
        read=np.array([[np.nan if u is None else u.prompt_tokens for u in row] for row in usages], float),
        written=np.array([[np.nan if u is None else u.generated_tokens for u in row] for row in usages], float),
    )


def fit_lengths(lengths: Lengths, hand: Floats) -> LengthModel:
    """Fit prompt tokens as a line in the characters, and answer tokens by ridge regression on their logarithm.

    ``hand`` (n, H). Answers of one prompt are long together: ``carry`` is the share of one tier's surprise that is
    expected of another's. Where a tier has no calls, nothing is expected of it but a token.
    """
    scaler = StandardScaler().fit(hand)
    standard = scaler.transform(hand)
    tiers = lengths.read.shape[1]
    per_char, overhead = np.zeros(tiers), np.zeros(tiers)
    weights, intercept, smear = np.zeros((hand.shape[1], tiers)), np.zeros(tiers), np.ones(tiers)
    surprise = np.full_like(lengths.written, np.nan)
    for rank in range(tiers):
        known = ~np.isnan(lengths.read[:, rank])
        if known.sum() < 2:
            continue
        per_char[rank], overhead[rank] = _line(lengths.chars[known], lengths.read[known, rank])
        logs = np.log(np.maximum(lengths.written[known, rank], 1))
        ridge = Ridge(alpha=_SHRINK).fit(standard[known], logs)
        weights[:, rank], intercept[rank] = ridge.coef_, ridge.intercept_
        surprise[known, rank] = logs - ridge.predict(standard[known])
        smear[rank] = np.exp(surprise[known, rank]).mean()
    carry, carry_smear = np.zeros((tiers, tiers)), np.tile(smear, (tiers, 1))
    for one in range(tiers):
        for other in range(tiers):
            both = ~np.isnan(surprise[:, one]) & ~np.isnan(surprise[:, other])
            x, y = surprise[both, one], surprise[both, other]
            carry[one, other] = (x @ y) / (x @ x + _SHRINK) if both.any() else 0.0
            if both.any():
                carry_smear[one, other] = np.exp(y - carry[one, other] * x).mean()
    return LengthModel(
        tokens_per_char=per_char,
        overhead=overhead,
        mean=scaler.mean_,
        scale=scaler.scale_,
        weights=weights,
        intercept=intercept,
        smear=smear,
        carry=carry,
        carry_smear=carry_smear,
    )


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    if np.ptp(x) == 0:
        return 0.0, float(y.mean())
    slope, start = np.polyfit(x, y, 1)
    return float(slope), float(start)


def _usage(query: Query, rank: int) -> Usage | None:
    outcome = query.outcomes[rank]
    return None if outcome is None else outcome.completion.usage
