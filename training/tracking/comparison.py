"""Runs side by side, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from router.errors import InputError
from training.tracking.registry import BUNDLE, Registry
from training.tracking.store import Store

Kind = Literal["data", "tag", "parameter", "metric"]

HEADLINE = (
    "policy/quality",
    "policy/cost_per_1k",
    "policy/share_of_strong_quality",
    "policy/cost_of_strong",
    "policy/gain_over_best_single",
    "policy/wasted_share",
    "certificate/certified",
    "certificate/p_value",
)
"""The metrics shown first, whether or not they differ."""

_TAGS = ("tierwise.profile", BUNDLE, "tierwise.commit", "tierwise.source", "tierwise.prices", "tierwise.simulated")


@dataclass(frozen=True)
class Row:
    """One name in every run: ``values`` in the order of the runs, None where a run has none.

    ``bounds`` are the 95 % interval's ends for a metric that has them.
    """

    name: str
    kind: Kind
    values: tuple[str | float | None, ...]
    bounds: tuple[tuple[float, float] | None, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether two runs have different values."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Comparison:
    """The runs compared, newest last, and their rows; ``aliases`` are what the registry calls each run's bundle."""

    runs: tuple[str, ...]
    names: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]

    @property
    def headline(self) -> tuple[Row, ...]:
        """The metrics that are shown first."""
        return tuple(row for row in self.rows if row.name in HEADLINE)

    @property
    def different(self) -> tuple[Row, ...]:
        """The rows in which the runs differ, data and parameters before metrics."""
        return tuple(row for row in self.rows if row.differs)

    def as_dict(self) -> dict[str, Any]:
        """The comparison for JSON."""
        return {
            "runs": [
                {"run_id": run, "name": name, "aliases": list(aliases)}
                for run, name, aliases in zip(self.runs, self.names, self.aliases, strict=True)
            ],
            "rows": [
                {
                    "name": row.name,
                    "kind": row.kind,
                    "values": list(row.values),
                    "intervals": [None if bound is None else list(bound) for bound in row.bounds],
                    "differs": row.differs,
                }
                for row in self.rows
            ],
        }


def compare(store: Store, runs: Sequence[str] = (), *, last: int = 2, registry: Registry | None = None) -> Comparison:
    """Put runs side by side; ``runs`` are ids or their beginnings, names, or aliases such as ``@champion``.

    Without any, the ``last`` runs of the experiment that finished.

    Raises:
        InputError: a run is not there, or more than one begins so.
        TrackingError: the store cannot be reached.
    """
    registry = registry or Registry(store)
    parents = _parents(store)
    aliases = _aliases(registry)
    chosen = [_find(word, parents, aliases) for word in runs] if runs else parents[:last][::-1]
    if not chosen:
        raise InputError(f"there is no finished run at {store.place} yet; make one with `tierwise train run`")
    return Comparison(
        runs=tuple(run.info.run_id for run in chosen),
        names=tuple(run.info.run_name for run in chosen),
        aliases=tuple(tuple(aliases.get(run.info.run_id, ())) for run in chosen),
        rows=(*_data(chosen), *_tags(chosen), *_params(chosen), *_metrics(chosen)),
    )


def _parents(store: Store) -> list[Any]:
    """The finished parent runs, newest first."""
    client, experiment = store.client, store.experiment_id
    with store.speaking("read"):
        rows = client.search_runs(
            [experiment], "attributes.status = 'FINISHED'", order_by=["attributes.start_time DESC"], max_results=5000
        )
    return [run for run in rows if "mlflow.parentRunId" not in run.data.tags]


def _aliases(registry: Registry) -> dict[str, list[str]]:
    """The aliases by the run that made the version."""
    named: dict[str, list[str]] = {}
    for alias in ("champion", "challenger", "previous"):
        version = registry.at(alias)
        if version is not None:
            named.setdefault(version.run_id, []).append(alias)
    return named


def _find(word: str, parents: Sequence[Any], aliases: Mapping[str, Sequence[str]]) -> Any:
    if word.startswith("@"):
        found = [run for run in parents if word[1:] in aliases.get(run.info.run_id, ())]
    else:
        found = [run for run in parents if run.info.run_id.startswith(word) or run.info.run_name == word]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{run.info.run_id[:8]} ({run.info.run_name})" for run in parents[:10]) or "none"
    problem = "is no finished run" if not found else f"fits {len(found)} runs"
    raise InputError(f"{word!r} {problem}; the newest are {known}")


def _data(runs: Sequence[Any]) -> list[Row]:
    inputs = [run.inputs.dataset_inputs if run.inputs else [] for run in runs]
    hashes = tuple(found[0].dataset.digest if found else None for found in inputs)
    return [Row("data", "data", hashes)]


def _tags(runs: Sequence[Any]) -> list[Row]:
    rows = (Row(name, "tag", tuple(run.data.tags.get(name) for run in runs)) for name in _TAGS)
    return [row for row in rows if any(value is not None for value in row.values)]


def _params(runs: Sequence[Any]) -> list[Row]:
    names = sorted({name for run in runs for name in run.data.params})
    return [Row(name, "parameter", tuple(run.data.params.get(name) for run in runs)) for name in names]


def _metrics(runs: Sequence[Any]) -> list[Row]:
    """Metrics, headline first; an interval's two ends stand beside its metric and not as rows of their own."""
    names = {name for run in runs for name in run.data.metrics}
    ends = {f"{name}_{side}" for name in names for side in ("low", "high")} & names
    plain = sorted(names - ends, key=lambda name: (name not in HEADLINE, _place(name), name))
    return [
        Row(
            name,
            "metric",
            tuple(run.data.metrics.get(name) for run in runs),
            tuple(_bounds(run.data.metrics, name) for run in runs),
        )
        for name in plain
    ]


def _place(name: str) -> int:
    return HEADLINE.index(name) if name in HEADLINE else len(HEADLINE)


def _bounds(metrics: Mapping[str, float], name: str) -> tuple[float, float] | None:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return None if low is None or high is None else (low, high)
