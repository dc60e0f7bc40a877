"""What the tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """MLflow's database, migrated once: copying it costs milliseconds and migrating seconds."""
    import warnings

    from training.tracking import Store

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert Store(f"sqlite:///{path}").client
    return path
