"""Named contracts for estimators, one a function, to be run over your own as over ours.

``check_quality_estimator(MyEstimator())`` runs all that apply; ``checks_for`` gives them one by one, for a
parametrised test. They come on top of scikit-learn's ``check_estimator``.
"""

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
from training.checks.suite import check_quality_estimator, checks_for

__all__ = [
    "check_calibration_is_never_certain",
    "check_calibration_lowers_ece",
    "check_export_equals_predict",
    "check_fit_is_deterministic",
    "check_held_out_logits_know_no_label",
    "check_inference_does_not_change_the_estimator",
    "check_inference_does_not_mutate_input",
    "check_memory_stays_bounded",
    "check_monotone_calibration",
    "check_nan_is_missing_not_zero",
    "check_quality_estimator",
    "check_row_order_does_not_matter",
    "check_rows_are_judged_alone",
    "check_soft_labels_interpolate",
    "check_weights_are_repetitions",
    "checks_for",
]
