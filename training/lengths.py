"""Fitting the expected lengths of calls, from which their expected costs are reckoned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from router.features import Floats
from router.lengths import LengthModel, TokenModel, chars_of
from router.types import Usage
from training.records import Query

Bools = NDArray[np.bool_]

PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""Ridge penalties on standardised columns, of which the one with the least leave-one-out error is taken."""

_SHRINK = 20.0  # rows' worth of doubt that one tier's surprise says anything of another's


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
        chars=np.array([chars_of(query.request) for query in queries], float),
        read=np.array([[np.nan if u is None else u.prompt_tokens for u in row] for row in usages], float),
        written=np.array([[np.nan if u is None else u.generated_tokens for u in row] for row in usages], float),
    )


def fit_lengths(lengths: Lengths, hand: Floats) -> LengthModel:
    """Fit prompt tokens as a multiple of a line in the characters, and answer tokens as they are.

    ``hand`` (n, H). A tokeniser alone makes a line; what else a call may hold (a template, examples, a check of the
    answer) goes by the kind of prompt, so that the multiple is what counts then. Answers of one prompt are long
    together: ``carry`` is the share of one tier's surprise that is expected of another's. Where a tier has no calls,
    nothing is expected of it but a token.
    """
    rows = np.column_stack([hand, np.log1p(lengths.chars)])
    scaler = StandardScaler().fit(rows)
    tiers = lengths.read.shape[1]
    constant = TokenModel(
        tokens_per_char=np.zeros(tiers),
        overhead=np.ones(tiers),
        fewest=np.zeros(tiers),
        mean=scaler.mean_,
        scale=scaler.scale_,
        weights=np.zeros((rows.shape[1], tiers)),
        intercept=np.zeros(tiers),
        least=np.zeros(tiers),
        most=np.zeros(tiers),
        smear=np.ones(tiers),
        carry=np.zeros((tiers, tiers)),
        carry_smear=np.ones((tiers, tiers)),
    )
    line = replace(constant, **_lines(lengths.chars, lengths.read))
    standard = scaler.transform(rows)
    return LengthModel(
        prompt=_fit(line, standard, lengths.chars, lengths.read),
        answer=_fit(constant, standard, lengths.chars, lengths.written),
    )


def _lines(chars: Floats, read: Floats) -> dict[str, Floats]:
    """Per tier a line of no negative coefficient, by least squares of the relative error, and its least slope."""
    tiers = read.shape[1]
    per_char, overhead, fewest = np.zeros(tiers), np.ones(tiers), np.zeros(tiers)
    for rank, column in enumerate(read.T):
        known = ~np.isnan(column)
        if known.sum() < 2:
            continue
        x, y = np.maximum(chars[known], 1), np.maximum(column[known], 1)
        (overhead[rank], per_char[rank]), _ = nnls(np.column_stack([1 / y, x / y]), np.ones(len(y)))
        fewest[rank] = float((y / x).min())
    return {"tokens_per_char": per_char, "overhead": overhead, "fewest": fewest}


def _fit(base: TokenModel, standard: Floats, chars: Floats, tokens: Floats) -> TokenModel:
    """``base`` with multiples of its line fitted to ``tokens`` (n, K); ``standard`` (n, F) are its rows."""
    tiers = tokens.shape[1]
    lines = np.array([base.line(count) for count in chars])
    logs = np.log(np.maximum(tokens, 1)) - np.log(np.maximum(lines, 1e-9))
    weights, intercept = np.zeros((standard.shape[1], tiers)), np.zeros(tiers)
    least, most, smear = np.zeros(tiers), np.zeros(tiers), np.ones(tiers)
    surprise = np.full_like(tokens, np.nan)
    for rank in range(tiers):
        known = ~np.isnan(tokens[:, rank])
        if known.sum() < 2:
            continue
        target = logs[known, rank]
        ridge = RidgeCV(PENALTIES).fit(standard[known], target)
        weights[:, rank], intercept[rank] = ridge.coef_, ridge.intercept_
        least[rank], most[rank] = target.min(), target.max()
        surprise[known, rank] = target - np.clip(ridge.predict(standard[known]), least[rank], most[rank])
        smear[rank] = np.exp(surprise[known, rank]).mean()
    carry, carry_smear = np.zeros((tiers, tiers)), np.tile(smear, (tiers, 1))
    for one in range(tiers):
        for other in range(tiers):
            both = ~np.isnan(surprise[:, one]) & ~np.isnan(surprise[:, other])
            if not both.any():
                continue
            x, y = surprise[both, one], surprise[both, other]
            carry[one, other] = (x @ y) / (x @ x + _SHRINK * x.var()) if x.any() else 0.0
            carry_smear[one, other] = np.exp(y - carry[one, other] * x).mean()
    return replace(
        base,
        weights=weights,
        intercept=intercept,
        least=least,
        most=most,
        smear=smear,
        carry=carry,
        carry_smear=carry_smear,
    )


def _usage(query: Query, rank: int) -> Usage | None:
    outcome = query.outcomes[rank]
    return None if outcome is None else outcome.completion.usage
