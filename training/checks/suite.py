"""Which contracts an estimator is held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from router.estimators import Calibration
from training.checks.calibration import (
    check_calibration_is_never_certain,
    check_calibration_lowers_ece,
    check_monotone_calibration,
)
from training.checks.fitting import (
    check_fit_is_deterministic,
    check_held_out_logits_know_no_label,
    check_row_order_does_not_matter,
    check_soft_labels_interpolate,
    check_weights_are_repetitions,
)
from training.checks.inference import (
    check_export_equals_predict,
    check_inference_does_not_change_the_estimator,
    check_inference_does_not_mutate_input,
    check_memory_stays_bounded,
    check_nan_is_missing_not_zero,
    check_rows_are_judged_alone,
)
from training.checks.samples import sample_for

Check = Callable[[Any], None]


def checks_for(estimator: Any) -> Iterator[Check]:
    """The checks that apply to ``estimator``, unfitted; each is called with it and clones it.

    Every estimator is held to the contracts of fitting and inference. What it exports, which held-out logits it
    keeps, whether it takes missing numbers and whether it is a calibrator decides about the rest.
    """
    rows = sample_for(estimator)
    fitted = clone(estimator).fit(rows.matrix, rows.labels)
    yield check_inference_does_not_mutate_input
    yield check_inference_does_not_change_the_estimator
    yield check_rows_are_judged_alone
    yield check_memory_stays_bounded
    yield check_fit_is_deterministic
    yield check_row_order_does_not_matter
    yield check_weights_are_repetitions
    if get_tags(estimator).input_tags.allow_nan:
        yield check_nan_is_missing_not_zero
    if hasattr(estimator, "predict_proba"):
        yield check_soft_labels_interpolate
    if hasattr(fitted, "oof_logits_"):
        yield check_held_out_logits_know_no_label
    if hasattr(estimator, "export"):
        yield check_export_equals_predict
        if isinstance(fitted.export(), Calibration):
            yield check_monotone_calibration
            yield check_calibration_is_never_certain
            yield check_calibration_lowers_ece


def check_quality_estimator(estimator: Any) -> tuple[str, ...]:
    """Run every check that applies, and give their names.

    Raises:
        AssertionError: the first contract that does not hold, with the check's name.

    >>> from training.estimators import PlattCalibrator
    >>> len(check_quality_estimator(PlattCalibrator()))
    12
    """
    names = []
    for check in checks_for(estimator):
        name = getattr(check, "__name__", repr(check))
        try:
            check(estimator)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        names.append(name)
    return tuple(names)
