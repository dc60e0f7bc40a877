"""The tracking store: where it is, and its errors as sentences."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from training.errors import TrackingError

DEFAULT = "sqlite:///mlruns/mlflow.db"
"""Under the working directory: the database, and the artifacts beside it."""

EXPERIMENT = "tierwise"

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""Set before mlflow is imported, where the user has not: nothing phones home, and a server that is down is given up
after seconds."""

_ABOUT = {
    "mlflow.experimentKind": "custom_model_development",  # else the page opens on traces, of which there are none
    "mlflow.note.content": "Routing policies: one run per `tierwise train run`, a nested run per rung and family.",
}

_SQLITE = "sqlite:///"

_USER = re.compile(r"[\w+.\-]+:/*(.+)@")
"""The name and the password in an address, also in one that is mistyped."""


@dataclass(frozen=True)
class Store:
    """One tracking store with its registry. Nothing is imported or opened before it is first used."""

    uri: str = DEFAULT
    experiment: str = EXPERIMENT

    @classmethod
    def at(cls, uri: str | None = None, *, experiment: str = EXPERIMENT) -> Store:
        """The store at ``uri``; without one at $MLFLOW_TRACKING_URI, else at :data:`DEFAULT`."""
        return cls(uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT, experiment)

    @cached_property
    def client(self) -> Any:
        """The ``mlflow.MlflowClient``, its database made on first use.

        Raises:
            TrackingError: there is no such place, or nobody answers there.
        """
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        with self.speaking("opened"), _hushed():
            from mlflow import MlflowClient

            if self._database is not None:
                self._database.parent.mkdir(parents=True, exist_ok=True)
            try:
                client = MlflowClient(self.uri, self.uri)
                client.search_experiments(max_results=1)
            except ValueError as error:  # whoever takes an address apart
                said = self._hiding(str(error))
                raise TrackingError(f"MLflow at {self.place}: this is no address ({said}); correct it") from None
            return client

    @cached_property
    def experiment_id(self) -> str:
        """The experiment's id; it is made when it is not there.

        Raises:
            TrackingError: it was deleted, or the store cannot be reached.
        """
        client = self.client
        with self.speaking("asked for the experiment"):
            found = client.get_experiment_by_name(self.experiment)
            if found is None:
                made = client.create_experiment(self.experiment, artifact_location=self._artifacts(), tags=_ABOUT)
                return str(made)
            if found.lifecycle_stage != "active":
                raise TrackingError(
                    f"{self.place}: the experiment {self.experiment!r} was deleted; restore it with "
                    f"`mlflow experiments restore -x {found.experiment_id}`, or choose another with --experiment"
                )
            return str(found.experiment_id)

    @property
    def _database(self) -> Path | None:
        """The SQLite file, None for another kind of store."""
        return Path(self.uri.removeprefix(_SQLITE)) if self.uri.startswith(_SQLITE) else None

    def _artifacts(self) -> str | None:
        """Where the experiment's files go: beside a SQLite file, else where the server says.

        Left to itself MLflow would put them under whatever directory a cron job happens to run in.
        """
        if self._database is None:
            return None
        return (self._database.parent.resolve() / "artifacts" / _folder_name(self.experiment)).as_uri()

    @property
    def place(self) -> str:
        """The address without a password, for messages."""
        return self._hiding(self.uri)

    def _hiding(self, text: str) -> str:
        """``text`` without the user and the password of the address, which MLflow and its transport repeat."""
        found = None if self._database is not None else _USER.match(self.uri)
        if found is None:
            return text
        user = found[1]
        text = text.replace(f"{user}@", "").replace(user, "***")
        password = user.partition(":")[2]
        for secret in (password, unquote(password)):
            text = text.replace(secret, "***") if secret else text
        return text

    @contextmanager
    def speaking(self, what: str) -> Iterator[None]:
        """Turn what MLflow and its database raise inside the block into one sentence.

        Raises:
            TrackingError: something inside failed.
        """
        try:
            yield
        except TrackingError:
            raise
        except ImportError:
            raise
        except Exception as error:
            if not _foreign(error):
                raise
            said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise TrackingError(
                f"MLflow at {self.place} could not be {what}: {self._hiding(said)[:300]}; start or repair it, or point "
                "MLFLOW_TRACKING_URI elsewhere"
            ) from None  # the cause would tell the password to whoever logs it


def _folder_name(name: str) -> str:
    """A name as the name of one folder."""
    return re.sub(r"[^\w\-]+", "-", name).strip("-") or "experiment"


def _foreign(error: Exception) -> bool:
    """Whether an error is MLflow's, its database's, its transport's or the file system's, and no fault of ours."""
    if isinstance(error, OSError):
        return True
    return any(kind.__module__.partition(".")[0] in ("mlflow", "sqlalchemy", "requests") for kind in type(error).mro())


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the notes on migrations off standard error; warnings still show."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    try:
        import mlflow  # noqa: F401 - it sets the levels when it is first imported

        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
