"""Calibrating predictions that must stay held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from router.errors import InputError
from router.features import Floats
from training.estimators.isotonic import IsotonicCalibrator
from training.estimators.platt import PlattCalibrator
from training.estimators.soft_rows import soft_rows
from training.estimators.venn_abers import VennAbersCalibrator

Calibrator = PlattCalibrator | IsotonicCalibrator | VennAbersCalibrator

VENN_ABERS_FROM = 1000
"""Labels from which the map may take any rising shape; below, Platt's two parameters are safer."""


def calibrator_for(n: int) -> Calibrator:
    """The unfitted calibrator that suits ``n`` labels.

    >>> calibrator_for(300), calibrator_for(3000)
    (PlattCalibrator(), VennAbersCalibrator())
    """
    return PlattCalibrator() if n < VENN_ABERS_FROM else VennAbersCalibrator()


@dataclass(frozen=True)
class CrossCalibrated:
    """Probabilities ``chances`` (n,), each from a map fitted on the other folds, and the ``final`` map, on all."""

    chances: Floats
    final: Calibrator


def cross_calibrate(
    logits: ArrayLike,
    *,
    quality: ArrayLike,
    folds: ArrayLike,
    weight: ArrayLike | None = None,
    calibrator: Calibrator | None = None,
) -> CrossCalibrated:
    """Calibrate held-out ``logits`` (n,) without any row's own label, nor its fold's, in the map it gets.

    ``quality`` (n,) in [0, 1], NaN where unlabelled, ``folds`` (n,), ``weight`` (n,) default 1. An unlabelled row
    is calibrated as its fold's rows are. ``calibrator`` is cloned for each fold; by default
    :func:`calibrator_for` the number of labels chooses it.

    Raises:
        InputError: lengths that differ, a logit that is not finite, or one class only without some fold.
    """
    score, labels = np.asarray(logits, float), np.asarray(quality, float)
    fold = np.asarray(folds)
    own = np.ones(len(score)) if weight is None else np.asarray(weight, float)
    if not len(score) == len(labels) == len(fold) == len(own):
        raise InputError("logits, quality, folds and weight differ in length; give one of each per row")
    if not np.isfinite(score).all():
        raise InputError("a held-out logit is not finite; there were too few labels of one kind to hold any out")
    kind = calibrator_for(int(np.isfinite(labels).sum())) if calibrator is None else calibrator
    chances = np.empty(len(score))
    for number in np.unique(fold):
        inside = fold == number
        chances[inside] = _fit(kind, score[~inside], labels[~inside], own[~inside]).predict_proba(
            score[inside][:, None]
        )[:, 1]
    return CrossCalibrated(chances, _fit(kind, score, labels, own))


def _fit(kind: Calibrator, score: Floats, labels: Floats, weight: Floats) -> Calibrator:
    rows = soft_rows(score[:, None], labels, weight)
    if not len(rows.y):
        raise InputError("no labelled row is left to calibrate on; use folds that each leave some")
    fitted: Any = clone(kind).fit(rows.X, rows.y, sample_weight=rows.weight)
    out: Calibrator = fitted
    return out
