"""Fitting the confidence scorer as a forest that all tiers share.

One logistic head a tier errs for each tier by itself, and a rule that compares tiers chooses, often, the one that errs
most. The trees here predict the quality of all tiers at once: within a leaf, tiers are compared on the same prompts.
They also find what no line does, such as a log-probability that means another thing on another kind of prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from router.estimators import Calibration, DenseModel, sigmoid
from router.features import Floats
from router.trees import LARGEST, Blend, TreeModel
from training.calibrate import Calibrated, applied
from training.estimators.bins import Bins, fit_bins
from training.heads import Bools, Ints
from training.table import states

TREES = 60
LEAF = 20
"""The least rows in a leaf."""
LEAVES = 500
"""The most leaves of a tree, so that a bundle does not grow with the log: up to 10,000 rows it is no bound at all."""
NODES = 8_000_000
"""The most nodes over all states and tiers, 29 bytes each: they are to fit in a bundle. Five tiers always stay below,
six from 5,400 rows on have larger leaves for it."""
SHARE = 0.3
"""The share of the columns that each split may choose from."""
DEPTH = 20

WIDTH = 8.0
"""How far a share of 1 is from a share of 0 as a logit. The forest's mean is a share already, and trees add up only as
they are, so it is stretched by a line; :func:`as_shares` takes that back."""

_KNOTS = np.linspace(0.0, 1.0, 65)
_NEARLY = 0.01  # a mean over leaves of twenty rows is never surer than this


def fit_forest(
    rows: Floats, views: Mapping[int, Floats], *, quality: Floats, weights: Floats, fold: Ints
) -> tuple[Blend, Floats]:
    """Extremely randomised trees (Geurts, Ernst and Wehenkel 2006), and their out-of-fold logits (n, K).

    ``rows`` (n, D) is the scorer's input, ``views[f]`` the same for holding out fold f; ``quality`` and ``weights``
    (n, K), ``fold`` (n,). Rows that lack a tier's label are not learned from. A missing number (NaN) is below all
    others. The logits are :data:`WIDTH` times the predicted quality less a half.
    """
    mass = np.where(np.isnan(quality), 0.0, weights).min(axis=1)
    known: Bools = mass > 0
    leaf = least_rows(int(known.sum()), tiers=quality.shape[1])
    bins = fit_bins(np.where(np.isnan(rows).all(axis=0), 0.0, rows))
    logits = np.empty_like(quality)
    for number, view in views.items():
        codes, outside = _codes(bins, view), fold == number
        inside = known & ~outside
        trees = _trees(leaf).fit(codes[inside], quality[inside], sample_weight=mass[inside])
        logits[outside] = WIDTH * (trees.predict(codes[outside]).reshape(-1, quality.shape[1]) - 0.5)
    trees = _trees(leaf).fit(_codes(bins, rows)[known], quality[known], sample_weight=mass[known])
    return _export(trees, bins, columns=rows.shape[1], tiers=quality.shape[1]), logits


def as_shares(logits: Floats) -> Calibrated:
    """The shares that a forest's out-of-fold ``logits`` (n, K) stand for, and the map to them, by 65 knots.

    A mean over leaves is calibrated as it is: Platt scaling on top of it lowered no loss on the public pools.
    """
    tiers = logits.shape[1]
    steady = Calibration(
        slope=np.ones(tiers),
        shift=np.zeros(tiers),
        x=np.tile(sigmoid(WIDTH * (_KNOTS - 0.5)), (tiers, 1)),
        y=np.tile(np.clip(_KNOTS, _NEARLY, 1 - _NEARLY), (tiers, 1)),
    )
    return Calibrated(steady, applied(steady, logits))


def least_rows(rows: int, *, tiers: int) -> int:
    """The least rows in a leaf when trees are fitted on ``rows`` for that many tiers: at least :data:`LEAF`."""
    trees = TREES * tiers * len(states(tiers))
    return max(LEAF, -(-rows // max(min(LEAVES, NODES // (2 * trees)), 1)))


def _trees(leaf: int) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(TREES, min_samples_leaf=leaf, max_features=SHARE, max_depth=DEPTH, random_state=0)


def _codes(bins: Bins, matrix: Floats) -> Floats:
    """Each number's interval, a missing one below the lowest."""
    codes = bins.codes(matrix)
    return np.where(np.isnan(codes), -1.0, codes)


def _export(forest: Any, bins: Bins, *, columns: int, tiers: int) -> Blend:
    """The forest as the runtime's arrays, once for each tier."""
    trees = [each.tree_ for each in forest.estimators_]
    sizes = np.array([tree.node_count for tree in trees])
    starts = np.cumsum(sizes) - sizes
    start = np.repeat(starts, sizes)
    here = np.arange(sizes.sum())
    children = np.concatenate([tree.children_left for tree in trees])
    leaf = children < 0
    left = np.where(leaf, here, start + children)
    right = np.where(leaf, here, start + np.concatenate([tree.children_right for tree in trees]))
    feature = np.where(leaf, 0, np.concatenate([tree.feature for tree in trees]))
    cuts = np.concatenate([tree.threshold for tree in trees])
    threshold = [
        0.0 if ends else -LARGEST if cut < 0 else bins.threshold(column, cut)
        for ends, column, cut in zip(leaf.tolist(), feature.tolist(), cuts.tolist(), strict=True)
    ]
    value = np.concatenate([tree.value[:, :, 0] for tree in trees]) * WIDTH / len(trees)
    by = np.arange(tiers)[:, None] * len(here)

    def repeated(places: Ints) -> Any:
        return (places + by).ravel().astype(np.uint32)

    model = TreeModel(
        feature=np.tile(feature, tiers).astype(np.uint32),
        threshold=np.tile(np.clip(threshold, -LARGEST, LARGEST), tiers),
        left=repeated(left),
        right=repeated(right),
        missing_left=np.tile(np.where(leaf, 0, 1), tiers).astype(np.uint8),
        value=np.where(leaf, value.T, 0.0).ravel(),
        roots=repeated(starts),
        head=np.repeat(np.arange(tiers), len(starts)).astype(np.uint32),
        intercept=np.full(tiers, -WIDTH / 2),
    )
    nothing = DenseModel(np.zeros(columns), np.ones(columns), np.zeros((columns, tiers)), np.zeros(tiers))
    return Blend(nothing, model)
