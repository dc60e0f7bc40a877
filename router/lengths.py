"""Expected lengths of calls, from which their expected costs are reckoned: plain arrays, evaluated by numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from router.features import Floats, PromptFeatures
from router.types import Request

_LONGEST = 12.0  # e^12 tokens is longer than any answer


@dataclass(frozen=True, slots=True)
class TokenModel:
    """Expected tokens at each of K tiers, as a multiple of a line in the prompt's characters.

    The line is ``overhead + tokens_per_char * characters`` (K,), and no less than ``fewest * characters``. The multiple
    is ``exp(standardised row @ weights + intercept) * smear``, its logarithm kept between ``least`` and ``most``, the
    bounds of what was seen; ``smear`` (K,) is Duan's correction for exponentiating a regression on logarithms (Duan
    1983). A row is the hand-made features and the logarithm of the characters: ``mean``, ``scale`` (H + 1,),
    ``weights`` (H + 1, K). Once tier j was measured, and the logarithm was off by d, ``carry[j, k] * d`` is added to
    tier k's, with ``carry_smear[j, k]`` for its correction.
    """

    tokens_per_char: Floats
    overhead: Floats
    fewest: Floats
    mean: Floats
    scale: Floats
    weights: Floats
    intercept: Floats
    least: Floats
    most: Floats
    smear: Floats
    carry: Floats
    carry_smear: Floats

    def line(self, chars: float) -> Floats:
        """The line (K,) at so many characters."""
        found: Floats = np.maximum(self.overhead + self.tokens_per_char * chars, self.fewest * chars)
        return found

    def expected(self, row: Floats, chars: float) -> Floats:
        """Expected tokens (K,) of a prompt with the ``row`` (H + 1,)."""
        found: Floats = self.line(chars) * np.exp(self._logs(row)) * self.smear
        return found

    def after(self, row: Floats, chars: float, *, rank: int, tokens: int) -> Floats:
        """Expected tokens (K,) once those of tier ``rank`` were measured."""
        line, logs = self.line(chars), self._logs(row)
        surprise = math.log(max(tokens, 1)) - math.log(max(float(line[rank]), 1e-9)) - float(logs[rank])
        moved = np.minimum(logs + self.carry[rank] * surprise, _LONGEST)
        found: Floats = line * np.exp(moved) * self.carry_smear[rank]
        return found

    def _logs(self, row: Floats) -> Floats:
        logs: Floats = self.intercept + ((row - self.mean) / self.scale) @ self.weights
        return np.minimum(np.maximum(logs, self.least), np.minimum(self.most, _LONGEST))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Expected tokens of a call at each tier, (K,) each: of the prompt and of the answer."""

    prompt: Floats
    answer: Floats


@dataclass(frozen=True, slots=True)
class LengthModel:
    """Expected tokens of calls: those that are read, and those that are written."""

    prompt: TokenModel
    answer: TokenModel

    def expected(self, features: PromptFeatures, chars: int) -> Tokens:
        """Before any call, for a prompt of so many characters in all its messages."""
        row = length_row(features, chars)
        return Tokens(self.prompt.expected(row, chars), self.answer.expected(row, chars))

    def after(self, features: PromptFeatures, chars: int, *, rank: int, read: int, written: int) -> Tokens:
        """Once tier ``rank`` has read and written so many tokens."""
        row = length_row(features, chars)
        return Tokens(
            self.prompt.after(row, chars, rank=rank, tokens=read),
            self.answer.after(row, chars, rank=rank, tokens=written),
        )


def length_row(features: PromptFeatures, chars: float) -> Floats:
    """What lengths are reckoned from, (H + 1,): the hand-made features, and the logarithm of all characters."""
    return np.array([*features.hand.tolist(), math.log1p(chars)])


def chars_of(request: Request) -> int:
    """The characters of all messages."""
    return sum(len(message.content) for message in request.messages)
