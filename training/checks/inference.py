"""Contracts of a fitted estimator: what it may and may not do when it is asked."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
from sklearn.base import clone

from router.estimators import Calibration, sigmoid
from training.checks.samples import agree, output, sample_for

_GROWTH = 64 * 1024


def check_inference_does_not_mutate_input(estimator: Any) -> None:
    """Neither fitting nor predicting changes the rows, the labels or the weights that it was given."""
    rows = sample_for(estimator)
    matrix, labels, weight = rows.matrix.copy(), rows.labels.copy(), np.ones(len(rows.labels))
    fitted = clone(estimator).fit(matrix, labels, sample_weight=weight)
    output(fitted, matrix)
    assert np.array_equal(matrix, rows.matrix, equal_nan=True), "the rows were changed"
    assert np.array_equal(labels, rows.labels), "the labels were changed"
    assert np.array_equal(weight, np.ones(len(weight))), "the weights were changed"


def check_inference_does_not_change_the_estimator(estimator: Any) -> None:
    """Asking twice gives the same, to the bit: inference learns nothing."""
    rows = sample_for(estimator)
    fitted = clone(estimator).fit(rows.matrix, rows.labels)
    first = output(fitted, rows.matrix)
    output(fitted, rows.matrix[::-1] * 3)
    assert np.array_equal(first, output(fitted, rows.matrix)), "the second answer differs from the first"


def check_rows_are_judged_alone(estimator: Any) -> None:
    """A row's answer does not depend on the rows beside it, to the bit: a batch decides as single requests do."""
    rows = sample_for(estimator)
    fitted = clone(estimator).fit(rows.matrix, rows.labels)
    together = output(fitted, rows.matrix[:40])
    alone = np.array([output(fitted, row[None])[0] for row in rows.matrix[:40]])
    assert np.array_equal(together, alone), "a row is judged otherwise in company"


def check_nan_is_missing_not_zero(estimator: Any) -> None:
    """A missing number is not read as zero: where zero is far from all that was seen, the answers differ."""
    rows = sample_for(estimator)
    matrix = rows.matrix + np.array([50.0, 0.0, 0.0])  # zero is far below the first column
    fitted = clone(estimator).fit(matrix, rows.labels)
    missing, zero = matrix.copy(), matrix.copy()
    missing[:, 0], zero[:, 0] = np.nan, 0.0
    unknown, low = output(fitted, missing), output(fitted, zero)
    assert np.isfinite(unknown).all(), "a missing number makes the answer NaN or infinite"
    assert float(np.abs(unknown - low).mean()) > 1e-3, "a missing number is judged as zero is"


def check_export_equals_predict(estimator: Any) -> None:
    """The runtime's numpy arrays say what the estimator says, to 1e-9, row by row."""
    rows = sample_for(estimator)
    matrix = rows.matrix
    if isinstance(clone(estimator).fit(matrix, rows.labels).export(), Calibration):
        matrix = matrix.mean(axis=1, keepdims=True)  # the runtime calibrates one logit a tier
    fitted = clone(estimator).fit(matrix, rows.labels)
    wild = np.vstack((matrix, matrix * 1e3))
    exported = fitted.export()
    if isinstance(exported, Calibration):
        found = np.array([exported.apply(row)[0] for row in wild])
    else:
        found = np.array([exported.logits(row)[0] for row in wild])
        if hasattr(fitted, "predict_proba"):
            found = sigmoid(found)
    expected = output(fitted, wild)
    agree(found, expected, within=1e-9 * max(1.0, float(np.abs(expected).max())), what="the export differs")


def check_memory_stays_bounded(estimator: Any) -> None:
    """A thousand more rows judged leave nothing behind in memory."""
    rows = sample_for(estimator)
    fitted = clone(estimator).fit(rows.matrix, rows.labels)
    for _ in range(3):
        output(fitted, rows.matrix)
    tracemalloc.start()
    try:
        output(fitted, rows.matrix)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            output(fitted, rows.matrix)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < _GROWTH, f"judging rows left {grown:,} bytes behind"
