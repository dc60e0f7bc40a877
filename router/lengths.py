"""Expected lengths of calls, from which their expected costs are reckoned: plain arrays, evaluated by numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from router.features import Floats, PromptFeatures

_LONGEST = 12.0  # e^12 tokens is longer than any answer


@dataclass(frozen=True, slots=True)
class LengthModel:
    """Expected tokens of a call at each tier.

    Prompt tokens: ``tokens_per_char`` (K,) times the prompt's characters plus ``overhead`` (K,). Answer tokens:
    ``exp(standardised hand-made features @ weights + intercept) * smear``, where ``smear`` (K,) is Duan's
    correction for exponentiating a regression on logarithms (Duan 1983). Once tier j has answered, in so many
    tokens that its logarithm was off by d, ``carry[j, k] * d`` is added to tier k's, with ``carry_smear[j, k]``.
    """

    tokens_per_char: Floats
    overhead: Floats
    mean: Floats
    scale: Floats
    weights: Floats
    intercept: Floats
    smear: Floats
    carry: Floats
    carry_smear: Floats

    def prompt_tokens(self, chars: int) -> Floats:
        """Expected prompt tokens (K,)."""
        return self.overhead + self.tokens_per_char * chars

    def answer_tokens(self, features: PromptFeatures) -> Floats:
        """Expected answer tokens (K,)."""
        found: Floats = np.exp(np.minimum(self._logs(features), _LONGEST)) * self.smear
        return found

    def answer_tokens_after(self, features: PromptFeatures, rank: int, tokens: int) -> Floats:
        """Expected answer tokens (K,) once tier ``rank`` has answered in ``tokens`` tokens."""
        logs = self._logs(features)
        surprise = math.log(max(tokens, 1)) - float(logs[rank])
        found: Floats = np.exp(np.minimum(logs + self.carry[rank] * surprise, _LONGEST)) * self.carry_smear[rank]
        return found

    def _logs(self, features: PromptFeatures) -> Floats:
        logs: Floats = self.intercept + ((features.hand - self.mean) / self.scale) @ self.weights
        return logs
