"""MLflow: every run with its figures, and the registry of champion and challenger. Nothing else imports mlflow."""

from __future__ import annotations

from training.tracking.comparison import Comparison, Row, compare
from training.tracking.flatten import metrics_of
from training.tracking.page import serve
from training.tracking.registry import Registry, Version
from training.tracking.runs import Child, Dataset, RunRecord, find_run, log_run
from training.tracking.store import Store

__all__ = [
    "Child",
    "Comparison",
    "Dataset",
    "Registry",
    "Row",
    "RunRecord",
    "Store",
    "Version",
    "compare",
    "find_run",
    "log_run",
    "metrics_of",
    "serve",
]
