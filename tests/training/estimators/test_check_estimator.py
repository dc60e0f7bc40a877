"""scikit-learn's own suite, and ours, over every estimator; nothing is skipped by a tag."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import warnings

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

import training.estimators
from training.checks import checks_for
from training.checks import suite as checks_suite
from training.estimators import (
    AdvantageRidge,
    IsotonicCalibrator,
    PlattCalibrator,
    QualityClassifier,
    RaschHead,
    TreeEnsemble,
    VennAbersCalibrator,
)

ESTIMATORS = [
    QualityClassifier(),
    QualityClassifier(scoring="brier", selection="one_standard_error"),
    PlattCalibrator(),
    IsotonicCalibrator(),
    VennAbersCalibrator(),
    RaschHead(),
    AdvantageRidge(),
    TreeEnsemble(max_trees=5, min_samples_leaf=5),
]
OURS = [(estimator, check) for estimator in ESTIMATORS for check in checks_for(estimator)]
MODULES = [
    importlib.import_module(f"training.estimators.{found.name}")
    for found in pkgutil.iter_modules(training.estimators.__path__)
]


@pytest.mark.filterwarnings("ignore")  # the suite itself warns on purpose
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_contract_holds(estimator, check):
    """Each check of ``check_estimator`` passes."""
    assert check(estimator) is None


@pytest.mark.parametrize("estimator", ESTIMATORS[2:4], ids=repr)
def test_the_suite_really_runs(estimator):
    """A text-input estimator would pass by running one check; ours run them all but the one that wants a
    variable in the environment.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None)

    passed = [found for found in results if found["status"] == "passed"]
    skipped = [found["check_name"] for found in results if found["status"] == "skipped"]
    assert len(passed) >= 58
    assert set(skipped) <= {"check_array_api_input"}


@pytest.mark.parametrize(("estimator", "check"), OURS, ids=lambda value: getattr(value, "__name__", repr(value)))
def test_our_contract_holds(estimator, check):
    """Each of our own checks passes."""
    assert check(estimator) is None


@pytest.mark.parametrize("module", [*MODULES, checks_suite], ids=lambda module: module.__name__)
def test_the_docstrings_example_is_true(module):
    """What a docstring shows is what happens."""
    assert doctest.testmod(module).failed == 0


def test_every_estimator_shows_an_example():
    """A class or a helper without an example would be missing from the tests above."""
    without = [kind.__name__ for kind in map(type, ESTIMATORS) if ">>> " not in (kind.__doc__ or "")]

    assert without == []
