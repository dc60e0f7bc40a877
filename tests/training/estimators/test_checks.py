"""Our checks catch the faults that they are named after."""

# ruff: noqa: N803 - X is scikit-learn's name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from training import checks
from training.estimators import IsotonicCalibrator, PlattCalibrator, QualityClassifier


class Zeroing(QualityClassifier):
    """Reads a missing number as zero."""

    def fit(self, X, y, sample_weight=None, groups=None, folds=None):
        return super().fit(np.nan_to_num(X), y, sample_weight, groups, folds)

    def decision_function(self, X):
        return super().decision_function(np.nan_to_num(X))


class Leaking(QualityClassifier):
    """Calls held out what it has seen."""

    def fit(self, X, y, sample_weight=None, groups=None, folds=None):
        super().fit(X, y, sample_weight, groups, folds)
        self.oof_logits_ = self.decision_function(X)
        return self


class Scribbling(QualityClassifier):
    """Fills in missing numbers in the caller's own array."""

    def fit(self, X, y, sample_weight=None, groups=None, folds=None):
        X[np.isnan(X)] = 0.0
        return super().fit(X, y, sample_weight, groups, folds)


class FirstRowsOnly(QualityClassifier):
    """Learns from the first rows alone."""

    def fit(self, X, y, sample_weight=None, groups=None, folds=None):
        return super().fit(X[:100], y[:100], None if sample_weight is None else sample_weight[:100])


class Weightless(QualityClassifier):
    """Takes weights and forgets them."""

    def fit(self, X, y, sample_weight=None, groups=None, folds=None):
        return super().fit(X, y, None, groups, folds)


class BatchCentred(QualityClassifier):
    """Standardises by the batch that it is asked about."""

    def decision_function(self, X):
        return super().decision_function(X) - super().decision_function(X).mean()


class Shifted(QualityClassifier):
    """Exports another intercept than it predicts with."""

    def export(self):
        return replace(super().export(), intercept=np.array([self.intercept_ + 1e-6]))


class Falling(PlattCalibrator):
    """Turns the order of the logits round."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.slope_ = -self.slope_
        return self


class Certain(IsotonicCalibrator):
    """Lets an isotonic fit reach 0 and 1."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.y_ = np.round(self.y_, 1)
        return self


class Hoarding(QualityClassifier):
    """Keeps every batch that it was asked about."""

    def decision_function(self, X):
        found = super().decision_function(X)
        self.seen_ = [*getattr(self, "seen_", []), np.repeat(found, 50)]
        return found


class Restless(QualityClassifier):
    """Answers otherwise each time."""

    def decision_function(self, X):
        self.asked_ = getattr(self, "asked_", 0) + 1
        return super().decision_function(X) + self.asked_


class Lucky(QualityClassifier):
    """Draws part of its intercept by lot."""

    LOT = np.random.default_rng(0)

    def fit(self, X, y, sample_weight=None, groups=None, folds=None):
        super().fit(X, y, sample_weight, groups, folds)
        self.intercept_ += self.LOT.random()
        return self


@pytest.mark.parametrize(
    ("faulty", "check"),
    [
        (Zeroing, "check_nan_is_missing_not_zero"),
        (Leaking, "check_held_out_logits_know_no_label"),
        (Scribbling, "check_inference_does_not_mutate_input"),
        (FirstRowsOnly, "check_row_order_does_not_matter"),
        (Weightless, "check_weights_are_repetitions"),
        (Weightless, "check_soft_labels_interpolate"),
        (BatchCentred, "check_rows_are_judged_alone"),
        (Shifted, "check_export_equals_predict"),
        (Falling, "check_monotone_calibration"),
        (Falling, "check_calibration_lowers_ece"),
        (Certain, "check_calibration_is_never_certain"),
        (Hoarding, "check_memory_stays_bounded"),
        (Restless, "check_inference_does_not_change_the_estimator"),
        (Lucky, "check_fit_is_deterministic"),
    ],
)
def test_a_fault_is_found_by_its_check(faulty, check):
    """The named check fails on an estimator with that fault, and passes on the one without it."""
    estimator = faulty()

    with pytest.raises(AssertionError):
        getattr(checks, check)(estimator)
    assert getattr(checks, check)(faulty.__base__()) is None


def test_the_failing_check_is_named():
    """The message begins with the check's name, so that one knows what to look at."""
    with pytest.raises(AssertionError, match=r"check_weights_are_repetitions: a weight is no repetition: .* allowed"):
        checks.check_quality_estimator(clone(Weightless()))


def test_checks_run_on_an_estimator_of_ones_own():
    """They are told by what the estimator can do, not by its class."""
    names = [check.__name__ for check in checks.checks_for(QualityClassifier())]

    assert "check_nan_is_missing_not_zero" in names
    assert "check_monotone_calibration" not in names
