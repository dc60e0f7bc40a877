"""MLflow's own page over a store."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from training.tracking.store import Store

Become = Callable[[str, list[str], dict[str, str]], Any]


def serve(store: Store, *, port: int, become: Become = os.execve) -> None:
    """Become the server of MLflow's page, on the loopback interface only; this does not return.

    The process is replaced, so that whatever ends it ends the server. One worker and no job runners: half a gigabyte
    instead of one and a half.

    Raises:
        TrackingError: the store cannot be opened.
    """
    assert store.client  # the database is there and of this version before a server opens it
    told = {
        "MLFLOW_BACKEND_STORE_URI": store.uri,  # not as an argument, which every user of the machine can read
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    words = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    become(sys.executable, [sys.executable, "-m", "mlflow", *words], {**os.environ, **told})
