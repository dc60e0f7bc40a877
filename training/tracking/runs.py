"""Writing one training run to MLflow: a parent and its children."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.tracking.flatten import clean
from training.tracking.store import Store

KEY = "tierwise.key"
"""The tag with the hash of a run's inputs, options and code, by which a rerun finds it."""

_METRICS_AT_ONCE = 1000
_PARAMS_AT_ONCE = 100
_LONGEST_PARAM = 6000


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The data of a run: its hash, where it lay, and how many queries each split has."""

    name: str
    digest: str
    source: str
    rows: Mapping[str, int]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Child:
    """One rung or policy family, as a nested run.

    ``steps`` are points in order, each of them metrics under one step: MLflow's page draws them as a line.
    """

    name: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    steps: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything that is written down of a training run.

    ``artifacts`` are pairs of a folder of the run and a file or folder. ``began`` is in seconds since the epoch.
    """

    key: str
    name: str
    description: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    dataset: Dataset
    began: float | None = None
    children: Sequence[Child] = ()
    artifacts: Sequence[tuple[str, Path]] = ()


def log_run(store: Store, record: RunRecord) -> str:
    """Write ``record`` and return the parent's run id.

    A finished run of the same key is found again and not written twice; an unfinished one, left by a crash, is
    marked as failed and begun anew.

    Raises:
        TrackingError: the store cannot be reached or written.
    """
    client, experiment = store.client, store.experiment_id
    with store.speaking("written"):
        found = find_run(store, record.key)
        if found is not None:
            return found
        for left in _of_key(store, record.key):
            if left.info.status == "RUNNING":
                client.set_terminated(left.info.run_id, status="FAILED")
        run = client.create_run(
            experiment,
            start_time=None if record.began is None else int(record.began * 1000),
            run_name=record.name,
            tags={**record.tags, KEY: record.key, "mlflow.note.content": record.description},
        )
        parent = str(run.info.run_id)
        _batches(client, parent, record.metrics, record.params)
        client.log_inputs(parent, list(_inputs(record.dataset)))
        for folder, path in record.artifacts:
            if path.is_dir():
                client.log_artifacts(parent, str(path), folder or None)
            else:
                client.log_artifact(parent, str(path), folder or None)
        for child in record.children:
            _log_child(client, experiment, parent, child, record.tags)
        client.set_terminated(parent)
    return parent


def find_run(store: Store, key: str) -> str | None:
    """The id of the finished run of this key, None when there is none.

    Raises:
        TrackingError: the store cannot be reached.
    """
    return next((run.info.run_id for run in _of_key(store, key) if run.info.status == "FINISHED"), None)


def _of_key(store: Store, key: str) -> list[Any]:
    experiment = store.experiment_id
    with store.speaking("read"):
        return list(store.client.search_runs([experiment], f"tags.`{KEY}` = '{key}'"))


def _log_child(client: Any, experiment: str, parent: str, child: Child, tags: Mapping[str, str]) -> None:
    shared = {name: value for name, value in tags.items() if name in ("tierwise.simulated", "tierwise.data")}
    run = client.create_run(
        experiment,
        run_name=child.name,
        tags={**shared, "mlflow.parentRunId": parent, "tierwise.kind": child.kind},
    )
    _batches(client, run.info.run_id, child.metrics, child.params, child.steps)
    client.set_terminated(run.info.run_id)


def _batches(
    client: Any,
    run: str,
    metrics: Mapping[str, float],
    params: Mapping[str, Any],
    steps: Sequence[Mapping[str, float]] = (),
) -> None:
    """Metrics and parameters in as few requests as MLflow's limits allow: one at a time costs 20 ms each."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    entries = [Metric(clean(name), float(value), now, 0) for name, value in metrics.items()]
    for step, point in enumerate(steps):
        entries += [Metric(clean(name), float(value), now, step) for name, value in point.items()]
    named = [Param(clean(name), _text(value)[:_LONGEST_PARAM]) for name, value in params.items()]
    for start in range(0, max(len(entries), 1), _METRICS_AT_ONCE):
        client.log_batch(run, metrics=entries[start : start + _METRICS_AT_ONCE])
    for start in range(0, len(named), _PARAMS_AT_ONCE):
        client.log_batch(run, params=named[start : start + _PARAMS_AT_ONCE])


def _inputs(dataset: Dataset) -> Iterator[Any]:
    """One dataset input per split, so that MLflow's page shows which rows a run used for what."""
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    for split, rows in dataset.rows.items():
        profile = {"num_rows": rows, "split": split, "rows_by_split": dict(dataset.rows), **dataset.facts}
        yield DatasetInput(
            Entity(
                name=f"{dataset.name} ({split})",
                digest=dataset.digest[:36],
                source_type="local",
                source=json.dumps({"uri": dataset.source}),
                profile=json.dumps(profile, default=str),
            ),
            [InputTag("mlflow.data.context", split)],
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
