"""Logistic heads: the chance that one tier's answer is acceptable, linear in its inputs up to the logit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.features import Floats
from training.estimators.newton import Logistic

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ACCEPTABLE = 0.5
"""The quality from which an answer counts as acceptable, where a metric needs a yes or a no."""

FOLDS = 5

LIGHT = 1.0
"""The inverse penalty C of trusted columns."""

_TIGHT = 1e-7


@dataclass(frozen=True)
class Head:
    """``weights`` (D,) and ``intercept``; ``logits`` (n,) are out of fold: no row's is from a fit that saw its label.

    ``penalty`` is the inverse penalty C that cross-validation chose, 0 where there was nothing to learn from one class.
    """

    weights: Floats
    intercept: float
    logits: Floats
    penalty: float


def folds_of(keys: Sequence[str], *, folds: int = FOLDS, seed: int = 0) -> Ints:
    """Deal rows into folds, those that share a key together; which one depends on the keys alone."""
    unique, places = np.unique(np.asarray(keys, dtype=object).astype(str), return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(unique)) % folds
    found: Ints = dealt[places].astype(np.int64)
    return found


def fit_head(
    matrix: Floats,
    quality: Floats,
    *,
    weight: Floats,
    fold: Ints,
    penalties: Sequence[float],
    trusted: Bools | None = None,
    views: Mapping[int, Floats] | None = None,
) -> Head:
    """Fit one head, its penalty chosen by cross-validated log-loss.

    ``matrix`` (n, D); ``quality`` (n,) in [0, 1], a soft label counting as both classes in proportion, NaN as no label;
    ``fold`` (n,) are the folds. ``trusted`` (D,) marks columns whose penalty is a light one, always the same: with few
    labels the others can then be shrunk to nothing without dragging these along. Where columns are themselves
    estimates, ``views[f]`` (n, D) is the matrix for holding out fold f, its estimates from fits that never saw that
    fold: otherwise the labels of the held-out fold leak through the estimates of the other rows. Where the labels are
    of one class, the head is constant.
    """
    known = ~np.isnan(quality) & (weight > 0)
    if not learnable(quality[known], fold[known]):
        return _constant(matrix.shape, quality[known], weight[known], fold, known)
    logits = np.empty((len(penalties), len(quality)))
    for number in np.unique(fold):
        inside = known & (fold != number)
        outside = fold == number
        seen = matrix if views is None else views[int(number)]
        path = _path(seen[inside], quality[inside], weight[inside], penalties, trusted=trusted)
        for place, (weights, intercept) in enumerate(path):
            logits[place, outside] = seen[outside] @ weights + intercept
    target, mass = quality[known], weight[known]
    losses = [
        float(np.average(target * np.logaddexp(0, -row) + (1 - target) * np.logaddexp(0, row), weights=mass))
        for row in logits[:, known]
    ]
    best = int(np.argmin(losses))
    weights, intercept = _path(matrix[known], target, mass, penalties[best : best + 1], trusted=trusted)[0]
    held_out = logits[best]
    held_out[~known] = matrix[~known] @ weights + intercept
    return Head(weights, intercept, held_out, penalties[best])


def learnable(quality: Floats, fold: Ints) -> bool:
    """Whether every set of all folds but one has both classes."""
    if not len(quality):
        return False
    good, bad = quality > 0, quality < 1
    return all(good[fold != number].any() and bad[fold != number].any() for number in np.unique(fold))


def _constant(shape: tuple[int, ...], quality: Floats, weight: Floats, fold: Ints, known: Bools) -> Head:
    """The base rate with one pseudo-count of each class, out of fold as well."""

    def logit(inside: Bools) -> float:
        good = float((quality * weight)[inside].sum())
        bad = float(((1 - quality) * weight)[inside].sum())
        return float(np.log((good + 1) / (bad + 1)))

    inner = fold[known]
    logits = np.array([logit(inner != number) for number in range(int(fold.max(initial=0)) + 1)])[fold]
    return Head(np.zeros(shape[1]), logit(np.ones(len(inner), bool)), logits, 0.0)


def _path(
    matrix: Floats, quality: Floats, weight: Floats, penalties: Sequence[float], *, trusted: Bools | None
) -> list[tuple[Floats, float]]:
    design = np.column_stack([matrix, np.ones(len(matrix))])
    solver = Logistic(design, target=quality, weight=weight)
    found = []
    for penalty in penalties:
        ridge = np.full(design.shape[1], 1 / penalty)
        ridge[-1] = 0.0
        if trusted is not None:
            ridge[:-1][trusted] = 1 / LIGHT
        theta = solver.solve(ridge, tolerance=_TIGHT).copy()
        found.append((theta[:-1], float(theta[-1])))
    return found
