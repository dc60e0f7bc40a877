"""The complexity classifier's trees, which add to its kernel heads.

Kernel heads are smooth: what they say of a prompt is what near prompts say. Trees (all tiers' share them, see
:mod:`training.forest_fit`) find where one kind of prompt ends and another begins. They read what is dense: hand-made
features, topics, and where there are embeddings their principal directions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from router.features import Floats
from router.trees import ROUNDING, TreeModel
from training.estimators.bins import Bins, fit_bins
from training.forest_fit import LEAVES, averaged, base_of, codes_of, exported, grown, shares
from training.heads import Bools, Ints

TREES = 60
LEAF = 10
"""The least rows in a leaf: 20 and 5 were a little worse on RouteLLM's MMLU."""

PRIOR_SHARE, PRIOR_SPREAD = 0.5, 0.3
"""Mean and standard deviation of what is believed of the trees' shares before the labels are seen."""

FEWEST = 100
"""Rows with all labels that trees need at least."""

_LEFT_OUT = 2
"""The most folds that a fit leaves out."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The shares in [0, 1] that trees have beside the kernel heads: of the ``level``, the mean over the tiers, and of
    the ``gain``, how far each tier is from it.
    """

    level: float
    gain: float

    def __call__(self, kernel: Floats, trees: Floats) -> Floats:
        """The mix of two predictions (..., K)."""
        return self.kernel_part(kernel) + self.trees_part(trees)

    def kernel_part(self, values: Floats) -> Floats:
        """What remains of the kernel heads' ``values`` (..., K)."""
        return _parts(values, 1 - self.level, 1 - self.gain)

    def trees_part(self, values: Floats) -> Floats:
        """What is taken of the trees' ``values`` (..., K)."""
        return _parts(values, self.level, self.gain)


def _parts(values: Floats, level: float, gain: float) -> Floats:
    mean = values.mean(axis=-1, keepdims=True)
    found: Floats = level * mean + gain * (values - mean)
    return found


@dataclass(frozen=True)
class PromptForest:
    """Trees fitted on ``rows`` (n, D) to ``quality`` (n, K) where ``mass`` (n,) is above 0; ``fold`` (n,).

    ``held_out`` (n, K) are their predictions out of fold, ``mix`` what they count beside the kernel heads.
    """

    codes: Floats
    quality: Floats
    mass: Floats
    fold: Ints
    bins: Bins
    held_out: Floats
    mix: Mix

    def nested(self) -> dict[int, Floats]:
        """Per fold f, every row's predictions (n, K) from trees without f and without the row's own fold."""
        folds = np.unique(self.fold).tolist()
        found = {number: np.empty_like(self.held_out) for number in folds}
        for place, one in enumerate(folds):
            for other in folds[place:]:
                trees = _Grown.on(self.codes, self.quality, self.mass, inside=~np.isin(self.fold, (one, other)))
                for seen, held in ((one, other), (other, one)):
                    rows = self.fold == held
                    found[seen][rows] = trees.predict(self.codes[rows])
        return found

    def export(self) -> TreeModel:
        """The trees' share of the predictions as the runtime's arrays."""
        model = exported(self._whole.forest, self.bins, base=self._whole.base, says=shares)
        return replace(model, value=self.mix.trees_part(model.value))

    def predict(self, rows: Floats) -> Floats:
        """The trees' share of the predictions for ``rows`` (m, D), by scikit-learn; rounded as the runtime does."""
        return self.mix.trees_part(self._whole.predict(codes_of(self.bins, rows - ROUNDING)))

    @cached_property
    def _whole(self) -> _Grown:
        return _Grown.on(self.codes, self.quality, self.mass, inside=np.ones(len(self.fold), bool))


@dataclass(frozen=True)
class _Grown:
    forest: Any
    base: Floats

    @classmethod
    def on(cls, codes: Floats, quality: Floats, mass: Floats, *, inside: Bools) -> _Grown:
        known = inside & (mass > 0)
        leaf = max(LEAF, -(-int(known.sum()) // LEAVES))
        forest = grown(TREES, codes[known], quality[known], mass=mass[known], leaf=leaf)
        return cls(forest, base_of(quality[known], mass[known]))

    def predict(self, codes: Floats) -> Floats:
        return averaged(self.forest, codes, base=self.base, says=shares)


def fit_prompt_forest(
    rows: Floats, quality: Floats, *, weight: Floats, fold: Ints, beside: Floats
) -> PromptForest | None:
    """Trees on ``rows`` (n, D) that stand ``beside`` predictions out of fold (n, K); None where labels are too few.

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``weight`` (n, K); ``fold`` (n,). Rows that lack a tier's
    label are not learned from. What the trees count is told by the rows that have all labels, times their
    number over the labels of the tier that has fewest, as for the gain heads.
    """
    known = np.where(np.isnan(quality), 0.0, weight)
    mass: Floats = known.min(axis=1)
    full = mass > 0
    if np.count_nonzero(full) < FEWEST or len(np.unique(fold[full])) <= _LEFT_OUT:
        return None
    bins = fit_bins(rows)
    codes = codes_of(bins, rows)
    held_out = np.empty_like(quality)
    for number in np.unique(fold):
        outside = fold == number
        held_out[outside] = _Grown.on(codes, quality, mass, inside=~outside).predict(codes[outside])
    complete = int(np.count_nonzero(full)) / int(np.count_nonzero(known, axis=0).min())
    truth, kernel, trees = quality[full], beside[full], held_out[full]
    level = _share(_level(truth), _level(kernel), _level(trees), mass[full])
    gain = _share(truth - _level(truth), kernel - _level(kernel), trees - _level(trees), mass[full])
    return PromptForest(codes, quality, mass, fold, bins, held_out, Mix(complete * level, complete * gain))


def _level(values: Floats) -> Floats:
    found: Floats = values.mean(axis=1, keepdims=True)
    return found


def _share(target: Floats, kernel: Floats, trees: Floats, weight: Floats) -> float:
    """The share s in [0, 1] for which ``(1 - s) kernel + s trees`` is likeliest ``target``, each (n, B).

    Least squares, drawn towards the prior as far as the rows leave it open: the posterior mean of a normal s under
    normal errors (Bishop 2006, section 2.3).
    """
    step, missed = trees - kernel, target - kernel
    heavy = weight[:, None] * (np.count_nonzero(weight) / weight.sum())
    noise = float((heavy * missed**2).mean()) / PRIOR_SPREAD**2
    if (
        noise <= 0
    ):  # the kernel heads are right: as of the gains where all tiers' labels are alike, or there is one tier
        return 0.0
    found = (float((heavy * step * missed).sum()) + noise * PRIOR_SHARE) / (float((heavy * step**2).sum()) + noise)
    return float(np.clip(found, 0.0, 1.0))
