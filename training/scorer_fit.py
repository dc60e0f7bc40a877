"""Fitting the confidence scorer: from what was read off the answers to each tier's chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from router.estimators import DenseModel
from router.features import Floats
from router.trees import Blend, TreeModel, join_trees
from training.calibrate import Calibrated, calibrated_already
from training.estimators.logistic_head import stack_heads
from training.estimators.soft_rows import soft_rows
from training.estimators.standard import Standard, fit_standard
from training.estimators.tree_ensemble import TreeEnsemble, no_trees
from training.forest_fit import fit_forest
from training.heads import Bools, Ints, fit_head, learnable
from training.rungs import RUNGS, Rung, confidences

DIFFERENT = 5
"""Rows that must differ from a column's commonest value: a column that hardly varies would be scaled up to noise."""

FOREST = 2 / 3
"""The forest's share in the logits of its rung; the linear heads, which err elsewhere, have the rest."""


@dataclass(frozen=True)
class FittedState:
    """The scorer after one set of answers, its out-of-fold ``logits`` (n, K) and what turns them into chances."""

    model: DenseModel | Blend
    logits: Floats
    calibrated: Calibrated


def fit_state(
    rows: Floats,
    views: Mapping[int, Floats],
    rung: Rung,
    run: Sequence[int],
    *,
    quality: Floats,
    weights: Floats,
    fold: Ints,
) -> FittedState:
    """Fit the scorer after the answers of ``run`` as ``rung`` has it; shapes as in :func:`fit_linear`.

    What is fitted by log-loss, or as a mean over leaves, is calibrated out of fold: another map only adds noise.
    """
    model: DenseModel | Blend
    if rung.trees:
        model, logits = fit_blend(rows, views, quality=quality, weights=weights, fold=fold)
    else:
        model, logits = fit_linear(rows, views, rung, run, quality=quality, weights=weights, fold=fold)
    if rung.forest:
        forest, other = fit_forest(rows, views, quality=quality, weights=weights, fold=fold)
        model, logits = _mixed(model, forest), (1 - FOREST) * logits + FOREST * other
    elif rung.steadied and confident(rows, run, tiers=quality.shape[1]):
        few, steady = fit_linear(rows, views, RUNGS[0], run, quality=quality, weights=weights, fold=fold)
        model, logits = _averaged(model, few), (logits + steady) / 2
    return FittedState(model, logits, calibrated_already(logits))


def confident(rows: Floats, run: Sequence[int], *, tiers: int) -> bool:
    """Whether every answer of ``run`` has a confidence of its own, somewhere in ``rows`` (n, D)."""
    varied = _varied(rows)
    return all(varied[places].any() for places in confidences(tiers, run))


def _averaged(model: DenseModel | Blend, other: DenseModel) -> DenseModel:
    """Two linear models over columns that are standardised alike."""
    assert isinstance(model, DenseModel)
    return replace(
        model, weights=(model.weights + other.weights) / 2, intercept=(model.intercept + other.intercept) / 2
    )


def _mixed(linear: DenseModel | Blend, forest: TreeModel) -> Blend:
    """Their logits in the shares of :data:`FOREST`."""
    assert isinstance(linear, DenseModel)
    less = replace(linear, weights=(1 - FOREST) * linear.weights, intercept=(1 - FOREST) * linear.intercept)
    return Blend(less, replace(forest, value=FOREST * forest.value, intercept=FOREST * forest.intercept))


def fit_linear(
    rows: Floats,
    views: Mapping[int, Floats],
    rung: Rung,
    run: Sequence[int],
    *,
    quality: Floats,
    weights: Floats,
    fold: Ints,
) -> tuple[DenseModel, Floats]:
    """Logistic heads on standardised columns, a missing value at its column's mean; and their out-of-fold logits.

    ``rows`` (n, D) is the scorer's input after the answers of ``run``; ``views[f]`` the same for holding out fold f.
    ``quality`` and ``weights`` (n, K), ``fold`` (n,).
    """
    tiers = quality.shape[1]
    counts = (~np.isnan(rows)).sum(axis=0)
    mean = np.where(np.isnan(rows), 0.0, rows).sum(axis=0) / np.maximum(counts, 1)
    spread = np.sqrt((np.where(np.isnan(rows), 0.0, rows - mean) ** 2).sum(axis=0) / np.maximum(counts, 1))
    scale = np.where(spread > 1e-9, spread, 1.0)
    used = rung.reads(tiers, run) & (spread > 1e-9) & _varied(rows)

    def standard(given: Floats) -> Floats:
        columns = (given[:, used] - mean[used]) / scale[used]
        return np.where(np.isnan(columns), 0.0, columns)

    matrix, held = standard(rows), {number: standard(view) for number, view in views.items()}
    trusted = rung.trusts(tiers, run)[used]
    heads = [
        fit_head(matrix, labels, weight=weight, fold=fold, penalties=rung.penalties, trusted=trusted, views=held)
        for labels, weight in zip(quality.T, weights.T, strict=True)
    ]
    full = np.zeros((rows.shape[1], tiers))
    full[used] = np.column_stack([head.weights for head in heads])
    model = DenseModel(mean=mean, scale=scale, weights=full, intercept=np.array([head.intercept for head in heads]))
    return model, np.column_stack([head.logits for head in heads])


def fit_blend(
    rows: Floats, views: Mapping[int, Floats], *, quality: Floats, weights: Floats, fold: Ints
) -> tuple[Blend, Floats]:
    """Linear heads and boosted trees blended, per tier, and their out-of-fold logits; shapes as in fit_linear.

    Every fold's logits are of an ensemble that was fitted, its size and its blend chosen, without that fold. Where the
    labels are of one class, a tier's logit is constant.
    """
    never: Bools = np.asarray(np.isnan(rows).all(axis=0))  # nothing can be learned from what was never seen
    filled = np.where(never, 0.0, rows)
    standard = fit_standard(filled, weight=np.ones(len(rows)))  # one for all tiers, whichever rows have their labels
    logits = np.empty_like(quality)
    heads = []
    for rank, (label, weight) in enumerate(zip(quality.T, weights.T, strict=True)):
        known = ~np.isnan(label) & (weight > 0)
        if not learnable(label[known], fold[known]):
            head = fit_head(np.zeros((len(rows), 0)), label, weight=weight, fold=fold, penalties=(1.0,))
            logits[:, rank] = head.logits
            heads.append(_constant(standard, head.intercept))
            continue
        for number, view in views.items():
            outside, seen = fold == number, np.where(never, 0.0, view)
            found = _ensemble(seen, label, np.where(outside, 0.0, weight), fold, standard)
            logits[outside, rank] = found.decision_function(seen[outside])
        heads.append(_ensemble(filled, label, weight, fold, standard).export())
    return Blend(stack_heads([head.linear for head in heads]), join_trees([head.trees for head in heads])), logits


def _ensemble(rows: Floats, quality: Floats, weight: Floats, fold: Ints, standard: Standard) -> TreeEnsemble:
    doubled = soft_rows(rows, quality, weight)
    model = TreeEnsemble(n_folds=3, standard=standard)
    return model.fit(doubled.X, doubled.y, sample_weight=doubled.weight, groups=fold[doubled.source])


def _constant(standard: Standard, logit: float) -> Blend:
    weights = np.zeros((len(standard.mean), 1))
    return Blend(DenseModel(standard.mean, standard.scale, weights, np.array([logit])), no_trees())


def _varied(rows: Floats) -> Bools:
    """Which columns have enough values that are not the commonest one."""
    found = np.zeros(rows.shape[1], bool)
    for place, column in enumerate(rows.T):
        known = column[~np.isnan(column)]
        if len(known):
            found[place] = len(known) - np.unique(known, return_counts=True)[1].max() >= DIFFERENT
    return found
