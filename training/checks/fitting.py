"""Contracts of fitting: what may and may not make a difference."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from training.checks.samples import agree, output, sample_for
from training.estimators.soft_rows import soft_rows
from training.metrics import auroc


def check_fit_is_deterministic(estimator: Any) -> None:
    """Two fits to the same rows are the same to the bit, whatever the state of numpy's random numbers."""
    rows = sample_for(estimator)
    first = output(clone(estimator).fit(rows.matrix, rows.labels), rows.matrix)
    second = output(clone(estimator).fit(rows.matrix, rows.labels), rows.matrix)
    assert np.array_equal(first, second), "a second fit differs from the first"


def check_row_order_does_not_matter(estimator: Any) -> None:
    """Shuffled rows give the same estimator, and the same held-out logits, to 1e-9."""
    rows = sample_for(estimator)
    order = np.random.default_rng(1).permutation(len(rows.labels))
    straight = clone(estimator).fit(rows.matrix, rows.labels)
    shuffled = clone(estimator).fit(rows.matrix[order], rows.labels[order])
    agree(output(straight, rows.matrix), output(shuffled, rows.matrix), within=1e-9, what="order matters")
    if hasattr(straight, "oof_logits_"):
        agree(straight.oof_logits_[order], shuffled.oof_logits_, within=1e-9, what="order matters to what is held out")


def check_weights_are_repetitions(estimator: Any) -> None:
    """A row of weight 2 counts as the row twice, and one of weight 0 as none."""
    rows = sample_for(estimator)
    weight = np.random.default_rng(2).integers(0, 3, len(rows.labels))
    weighted = clone(estimator).fit(rows.matrix, rows.labels, sample_weight=weight.astype(float))
    repeated = clone(estimator).fit(rows.matrix.repeat(weight, axis=0), rows.labels.repeat(weight))
    agree(output(weighted, rows.matrix), output(repeated, rows.matrix), within=1e-7, what="a weight is no repetition")


def check_soft_labels_interpolate(estimator: Any) -> None:
    """A soft label q counts as q of a good row and 1 - q of a bad one: 3/4 is three good copies of a row in four."""
    rows = sample_for(estimator)
    quality = np.where(rows.labels == 1, 0.75, 0.25)
    soft = soft_rows(rows.matrix, quality, np.full(len(quality), 4.0))
    fitted = clone(estimator).fit(soft.X, soft.y, sample_weight=soft.weight)
    copies = rows.matrix.repeat(4, axis=0)
    place = np.tile(np.arange(4), len(quality))
    hard = (place < 4 * quality.repeat(4)).astype(int)
    repeated = clone(estimator).fit(copies, hard)
    agree(output(fitted, rows.matrix), output(repeated, rows.matrix), within=1e-7, what="soft labels are not shares")
    sure = clone(estimator).fit(rows.matrix, rows.labels)
    spread, surer = np.ptp(output(fitted, rows.matrix)), np.ptp(output(sure, rows.matrix))
    assert spread < surer, "labels of 1/4 and 3/4 make it as sure as labels of 0 and 1"


def check_held_out_logits_know_no_label(estimator: Any) -> None:
    """Held-out logits cannot tell labels that were drawn by lot, repeated rows included."""
    random = np.random.default_rng(3)
    matrix = random.normal(size=(150, 3)).repeat(2, axis=0)
    if get_tags(estimator).input_tags.allow_nan:
        matrix = np.hstack((matrix, random.normal(size=(150, 40)).repeat(2, axis=0)))
    labels = random.integers(0, 2, 150).repeat(2).astype(float)
    found = auroc(clone(estimator).fit(matrix, labels).oof_logits_, labels)
    assert found < 0.62, f"held-out logits find labels drawn by lot at an AUROC of {found:.2f}: they leak"
