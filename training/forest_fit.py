"""Fitting the confidence scorer's forest, which all tiers share.

One logistic head a tier errs for each tier by itself, and a rule that compares tiers chooses, often, the one that errs
most. The trees here predict the quality of all tiers at once: within a leaf, tiers are compared on the same prompts.
They also find what no line does, such as a log-probability that means another thing on another kind of prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from router.features import Floats
from router.trees import LARGEST, TreeModel
from training.estimators.bins import Bins, fit_bins
from training.heads import Bools, Ints
from training.table import states

TREES = 30
LEAF = 20
"""The least rows in a leaf."""
LEAVES = 500
"""The most leaves of a tree, so that a bundle does not grow with the log: up to 10,000 rows it is no bound at all."""
NODES = 8_000_000
"""The most nodes over all states and tiers, 29 bytes each at most: they are to fit in a bundle. Five tiers always stay
below, six from 5,400 rows on have larger leaves for it."""
SHARE = 0.3
"""The share of the columns that each split may choose from."""
DEPTH = 20

PRIOR = 2.0
"""Rows of the base rate that are added to each leaf, so that none is certain."""

Says = Callable[[Any, Floats], Floats]
"""What each node of a tree says, (M, K), given the base rate (K,)."""


def fit_forest(
    rows: Floats, views: Mapping[int, Floats], *, quality: Floats, weights: Floats, fold: Ints
) -> tuple[TreeModel, Floats]:
    """Extremely randomised trees (Geurts, Ernst and Wehenkel 2006), and their out-of-fold logits (n, K).

    ``rows`` (n, D) is the scorer's input, ``views[f]`` the same for holding out fold f; ``quality`` and ``weights``
    (n, K), ``fold`` (n,). Rows that lack a tier's label are not learned from. A missing number (NaN) is below all
    others. A leaf's logit is that of its mean quality, two rows of the base rate added; a row's is the mean over trees.
    """
    mass = np.where(np.isnan(quality), 0.0, weights).min(axis=1)
    known: Bools = mass > 0
    leaf = least_rows(int(known.sum()), tiers=quality.shape[1])
    bins = fit_bins(np.where(np.isnan(rows).all(axis=0), 0.0, rows))
    logits = np.empty_like(quality)
    for number, view in views.items():
        codes, outside = codes_of(bins, view), fold == number
        inside = known & ~outside
        forest = grown(TREES, codes[inside], quality[inside], mass=mass[inside], leaf=leaf)
        base = base_of(quality[inside], mass[inside])
        logits[outside] = averaged(forest, codes[outside], base=base, says=_logits)
    forest = grown(TREES, codes_of(bins, rows)[known], quality[known], mass=mass[known], leaf=leaf)
    base = base_of(quality[known], mass[known])
    return exported(forest, bins, base=base, says=_logits), logits


def least_rows(rows: int, *, tiers: int) -> int:
    """The least rows in a leaf when trees are fitted on ``rows`` for that many tiers: at least :data:`LEAF`."""
    trees = TREES * tiers * len(states(tiers))
    return max(LEAF, -(-rows // max(min(LEAVES, NODES // (2 * trees)), 1)))


def grown(trees: int, codes: Floats, quality: Floats, *, mass: Floats, leaf: int) -> ExtraTreesRegressor:
    """So many ``trees`` on ``codes`` (n, D), fitted to ``quality`` (n, K) by weights ``mass`` (n,); ``leaf`` is the
    least rows in a leaf.
    """
    forest = ExtraTreesRegressor(trees, min_samples_leaf=leaf, max_features=SHARE, max_depth=DEPTH, random_state=0)
    target = quality[:, 0] if quality.shape[1] == 1 else quality  # scikit-learn warns of a single column
    return forest.fit(codes, target, sample_weight=mass)


def codes_of(bins: Bins, matrix: Floats) -> Floats:
    """Each number's interval, a missing one below the lowest."""
    codes = bins.codes(matrix)
    return np.where(np.isnan(codes), -1.0, codes)


def base_of(quality: Floats, mass: Floats) -> Floats:
    """Each tier's mean quality, (K,), with one pseudo-count of each class."""
    found: Floats = (np.average(quality, axis=0, weights=mass) * len(quality) + 1) / (len(quality) + 2)
    return found


def shares(tree: Any, base: Floats) -> Floats:
    """The mean quality in each node, (M, K), :data:`PRIOR` rows of the ``base`` rate (K,) added."""
    count = tree.n_node_samples[:, None]
    found: Floats = (tree.value[:, :, 0] * count + PRIOR * base) / (count + PRIOR)
    return found


def _logits(tree: Any, base: Floats) -> Floats:
    share = shares(tree, base)
    found: Floats = np.log(share / (1 - share))
    return found


def averaged(forest: Any, codes: Floats, *, base: Floats, says: Says) -> Floats:
    """What the leaves of each row (n, D) say, averaged over the trees, (n, K)."""
    ends = forest.apply(codes)
    found: Floats = np.mean(
        [says(each.tree_, base)[ends[:, place]] for place, each in enumerate(forest.estimators_)], axis=0
    )
    return found


def exported(forest: Any, bins: Bins, *, base: Floats, says: Says) -> TreeModel:
    """The forest as the runtime's arrays, shared by all tiers."""
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
    value = np.concatenate([says(tree, base) for tree in trees]) / len(trees)
    return TreeModel(
        feature=feature.astype(np.uint32),
        threshold=np.clip(threshold, -LARGEST, LARGEST),
        left=left.astype(np.uint32),
        right=right.astype(np.uint32),
        missing_left=np.where(leaf, 0, 1).astype(np.uint8),
        value=np.where(leaf[:, None], value, 0.0),
        roots=starts.astype(np.uint32),
        head=np.zeros(len(starts), np.uint32),
        intercept=np.zeros(value.shape[1]),
    )
