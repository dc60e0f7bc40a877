"""Reading what scikit-learn's callers pass."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted, validate_data

from router.features import Floats

Missing = Literal["mean", "refuse"]
"""What becomes of NaN: it counts as its column's mean, or is an error."""


def read_fit(
    estimator: Any, rows: ArrayLike, labels: ArrayLike, *, missing: Missing, **checks: Any
) -> tuple[Floats, Any]:
    """The rows (n, d) and labels that ``estimator`` is to be fitted on, checked; notes how many columns there are."""
    matrix, y = validate_data(estimator, rows, labels, dtype=np.float64, ensure_all_finite=_finite(missing), **checks)
    return matrix, y


def read_rows(estimator: Any, rows: ArrayLike, *, missing: Missing) -> Floats:
    """The rows (n, d) that the fitted ``estimator`` is to judge, checked."""
    check_is_fitted(estimator)
    out: Floats = validate_data(estimator, rows, dtype=np.float64, ensure_all_finite=_finite(missing), reset=False)
    return out


def _finite(missing: Missing) -> bool | str:
    return "allow-nan" if missing == "mean" else True
