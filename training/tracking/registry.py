"""The model registry: a version per bundle, and the aliases champion, challenger and previous."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from router.bundle import load
from training.errors import TrackingError
from training.tracking.store import Store

Alias = Literal["champion", "challenger", "previous"]

BUNDLE = "tierwise.bundle"
"""The tag with a bundle's version, its content's hash, on runs and model versions."""

MODEL = "tierwise"
_FILE = "policy.tierwise"


@dataclass(frozen=True)
class Version:
    """A registered version: its number, the bundle's content hash, and the run that made it."""

    number: str
    bundle: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Registry:
    """The registered model called ``model`` in ``store``. Every method may be repeated without harm.

    Every method raises TrackingError when the store cannot be reached.
    """

    store: Store
    model: str = MODEL

    def register(self, bundle: Path, *, run_id: str, tags: Mapping[str, str], description: str = "") -> Version:
        """Make the bundle a version that ``mlflow.pyfunc.load_model`` loads, and the challenger.

        The bundle's facts need the ``provenance`` that the served model takes its tiers from.

        Raises:
            BundleError: the bundle cannot be read.
        """
        version = load(bundle).version
        found = self.find(version)
        if found is None:
            found = self._create(bundle, version, run_id, tags, description)
        if self.at("champion") != found:
            self._point("challenger", found)
        return found

    def find(self, bundle: str) -> Version | None:
        """The version of the bundle with this content hash; the oldest when it was registered twice."""
        client = self.store.client
        with self.store.speaking("read"):
            rows = client.search_model_versions(f"name = '{self.model}' and tags.`{BUNDLE}` = '{bundle}'")
        return _version(min(rows, key=lambda row: int(row.version))) if rows else None

    def at(self, alias: Alias) -> Version | None:
        """The version that an alias names, None when nothing does."""
        client = self.store.client
        with self.store.speaking("read"):
            if not client.search_registered_models(f"name = '{self.model}'"):
                return None
            named = client.get_registered_model(self.model).aliases
            return _version(client.get_model_version(self.model, named[alias])) if alias in named else None

    def fetch(self, version: Version, folder: Path) -> Path:
        """Bring the bundle of ``version`` into ``folder`` and return its path."""
        client = self.store.client
        with self.store.speaking("read"):
            from mlflow.artifacts import download_artifacts

            uri = client.get_model_version_download_uri(self.model, version.number)
            found = download_artifacts(
                artifact_uri=f"{uri.rstrip('/')}/artifacts/{_FILE}", dst_path=str(folder), tracking_uri=self.store.uri
            )
        if load(found).version != version.bundle:
            raise TrackingError(
                f"version {version.number} of {self.model!r} at {self.store.place} no longer holds the bundle it was "
                "registered with; register it again with `tierwise train run`"
            )
        return Path(found)

    def crown(self, bundle: str, *, previous: str | None) -> Version | None:
        """Point *champion* at a bundle and *previous* at the one before; a challenger that was crowned is none.

        Returns the new champion's version, None when that bundle was never registered: no alias then moves, except
        that *champion* is taken from what no longer serves.
        """
        found = self.find(bundle)
        before = None if previous is None else self.find(previous)
        for alias, version in (("champion", found), ("previous", before)):
            if version is None:
                self._unpoint(alias)
            else:
                self._point(alias, version)
        if found is not None and self.at("challenger") == found:
            self._unpoint("challenger")
        return found

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Put tags on a version."""
        client = self.store.client
        with self.store.speaking("written"):
            for name, value in tags.items():
                client.set_model_version_tag(self.model, version.number, name, value)

    def _create(self, bundle: Path, version: str, run_id: str, tags: Mapping[str, str], description: str) -> Version:
        client = self.store.client
        with self.store.speaking("written"), tempfile.TemporaryDirectory() as scratch:
            from mlflow.entities import LoggedModelOutput

            if not client.search_registered_models(f"name = '{self.model}'"):
                client.create_registered_model(
                    self.model, description="Routing policies of tierwise: one version per bundle."
                )
            saved = Path(scratch) / "model"
            _save_model(bundle, Path(scratch), saved)
            experiment = self.store.experiment_id
            logged = client.create_logged_model(experiment, name="policy", source_run_id=run_id, model_type="tierwise")
            client.log_model_artifacts(logged.model_id, str(saved))
            client.finalize_logged_model(logged.model_id, "READY")
            client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
            made = client.create_model_version(
                self.model,
                source=logged.artifact_location,
                run_id=run_id,
                model_id=logged.model_id,
                tags={**tags, BUNDLE: version},
                description=description or None,
            )
        return _version(made)

    def _point(self, alias: str, version: Version) -> None:
        client = self.store.client
        with self.store.speaking("written"):
            client.set_registered_model_alias(self.model, alias, version.number)

    def _unpoint(self, alias: str) -> None:
        client = self.store.client
        with self.store.speaking("written"):
            if not client.search_registered_models(f"name = '{self.model}'"):
                return
            if alias in client.get_registered_model(self.model).aliases:
                client.delete_registered_model_alias(self.model, alias)


def _version(row: Any) -> Version:
    return Version(number=str(row.version), bundle=row.tags.get(BUNDLE, ""), run_id=row.run_id, tags=dict(row.tags))


def _save_model(bundle: Path, scratch: Path, target: Path) -> None:
    """Write an MLflow model folder around a copy of the bundle, without touching MLflow's global state."""
    from training.provenance import environment

    copied = scratch / _FILE
    copied.write_bytes(bundle.read_bytes())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Any type hint")  # MLflow's own
        import mlflow.pyfunc

        mlflow.pyfunc.save_model(
            str(target),
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={"bundle": str(copied)},
            pip_requirements=[f"tierwise[train]=={environment()['tierwise']}"],
            input_example=["What is 2 + 2?"],
        )
