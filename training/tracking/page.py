"""MLflow's own page over a store."""

from __future__ import annotations

import os
import subprocess
import sys

from training.tracking.store import Store


def serve(store: Store, *, port: int) -> int:
    """Serve MLflow's page on the loopback interface until it is interrupted; returns its exit status.

    One worker and no job runners: half a gigabyte instead of one and a half.
    """
    assert store.client  # the database is there and of this version before a server opens it
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    words = ["server", "--backend-store-uri", store.uri, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    page = subprocess.Popen([sys.executable, "-m", "mlflow", *words], env={**os.environ, **quiet})  # noqa: S603 - fixed
    try:
        return page.wait()
    except KeyboardInterrupt:
        page.terminate()
        return page.wait()
