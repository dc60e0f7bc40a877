"""The ladder of complexity: what the estimators may read, growing with the number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.features import HAND
from router.signals import NAMES

CONFIDENT = ("logit_mean", "verified")
"""The signals that are confidences by themselves."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder, tried from ``labels`` labelled prompts up.

    ``words``: whether the complexity classifier reads the prompt, or knows base rates only. ``signals``: whether the
    confidence scorer reads all of an answer, or only its log-probability and the user's own check. ``trees``:
    whether gradient-boosted trees stand beside the linear scorer. ``forest``: whether trees that all tiers share
    stand beside it. ``steadied``: whether heads that read the answers' own confidences alone do, where there are any:
    few labels leave the others unsteady. ``penalties`` of the scorer's heads.
    """

    name: str
    labels: int
    words: bool
    signals: bool
    trees: bool
    penalties: tuple[float, ...]
    why: str
    forest: bool = False
    steadied: bool = False

    def reads(self, tiers: int, run: Sequence[int]) -> NDArray[np.bool_]:
        """Which columns of the scorer's input are read when the tiers of ``run`` have answered."""
        if self.signals:
            return np.ones(len(self.trusts(tiers, run)), bool)
        return self.trusts(tiers, run)

    def trusts(self, tiers: int, run: Sequence[int]) -> NDArray[np.bool_]:
        """Which columns are confidences by themselves: chances from the prompt, the answers' own, and agreement."""
        pairs = len(run) * (len(run) - 1)
        confident = [name in CONFIDENT for name in NAMES]
        return np.array([*([self.words] * tiers), *([False] * len(HAND)), *(confident * len(run)), *([True] * pairs)])


def confidences(tiers: int, run: Sequence[int]) -> list[list[int]]:
    """Per answer of ``run``, which columns of the scorer's input are a confidence of its own."""
    start = tiers + len(HAND)
    own = [place for place, name in enumerate(NAMES) if name in CONFIDENT]
    return [[start + number * len(NAMES) + place for place in own] for number in range(len(run))]


RUNGS = (
    Rung("confidence", 15, words=False, signals=False, trees=False, penalties=(0.03, 0.3, 3.0),
         why="calibrates the answer's own log-probability, and knows nothing of the prompt"),
    Rung("prompt", 60, words=True, signals=False, trees=False, penalties=(0.03, 0.3, 3.0),
         why="reads the prompt's words too"),
    Rung("answer", 200, words=True, signals=True, trees=False, penalties=(0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
         why="reads everything of the prompt and of the answers", steadied=True),
    Rung("forest", 1000, words=True, signals=True, trees=False, penalties=(0.001, 0.01, 0.1),
         why="reads everything, by trees that all tiers share beside the linear scorer", forest=True),
    Rung("trees", 2500, words=True, signals=True, trees=True, penalties=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
         why="reads everything, with gradient-boosted trees beside the linear scorer"),
)  # fmt: skip
"""From few labels to many. Which one serves is decided by cross-validated squared error, not by the count."""


def affordable(labels: int) -> list[Rung]:
    """The rungs that so many labelled prompts allow."""
    return [rung for rung in RUNGS if labels >= rung.labels]
