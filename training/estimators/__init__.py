"""The estimators that training fits: numbers in, never text; each exports to plain arrays for the runtime."""

from training.estimators.advantage_ridge import AdvantageRidge
from training.estimators.cross_calibration import CrossCalibrated, calibrator_for, cross_calibrate
from training.estimators.folds import distinct_rows, grouped_folds
from training.estimators.isotonic import IsotonicCalibrator
from training.estimators.logistic_head import QualityClassifier, stack_heads
from training.estimators.platt import PlattCalibrator
from training.estimators.rasch import RaschHead, graft
from training.estimators.soft_rows import SoftRows, soft_rows
from training.estimators.standard import Standard, fit_standard
from training.estimators.tree_ensemble import TreeEnsemble
from training.estimators.venn_abers import Bounds, VennAbersCalibrator

__all__ = [
    "AdvantageRidge",
    "Bounds",
    "CrossCalibrated",
    "IsotonicCalibrator",
    "PlattCalibrator",
    "QualityClassifier",
    "RaschHead",
    "SoftRows",
    "Standard",
    "TreeEnsemble",
    "VennAbersCalibrator",
    "calibrator_for",
    "cross_calibrate",
    "distinct_rows",
    "fit_standard",
    "graft",
    "grouped_folds",
    "soft_rows",
    "stack_heads",
]
