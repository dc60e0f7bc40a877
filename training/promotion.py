"""From a challenger in the registry to the champion that serves, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from training.errors import NotPromoted
from training.promote import Verdict
from training.serving import Serving, Switch
from training.tracking import Registry, Version


def challenger_of(registry: Registry) -> Version:
    """The registry's challenger.

    Raises:
        NotPromoted: there is none.
    """
    found = registry.at("challenger")
    if found is None:
        raise NotPromoted(
            f"{registry.model!r} has no challenger at {registry.store.place}; make one with `tierwise train run`"
        )
    return found


def labels_of(version: Version, registry: Registry, work: Path) -> Path:
    """The labelled rows that the run of ``version`` kept, under the folder of training jobs ``work``.

    Raises:
        NotPromoted: they are not there.
    """
    key: str = registry.store.client.get_run(version.run_id).data.tags.get("tierwise.key", "")
    path = work / key / "ingest" / "labels.parquet"
    if not key or not path.is_file():
        raise NotPromoted(
            f"the held-out rows of run {version.run_id[:8]} are not in {work}; pass the labelled data with --data"
        )
    return path


def crowning(registry: Registry) -> Callable[[Switch], None]:
    """Tells the registry of a switch: moves the aliases, and tags both versions with what happened."""

    def tell(switch: Switch) -> None:
        crowned = registry.crown(switch.new, previous=switch.previous)
        if crowned is not None:
            registry.tag(crowned, {"tierwise.served": switch.kind})
        left = None if switch.old is None or switch.kind == "promote" else registry.find(switch.old)
        if left is not None:
            registry.tag(left, {"tierwise.served": "rolled back"})

    return tell


def enthrone(bundle: Path, verdict: Verdict, *, serving: Serving, registry: Registry) -> Switch:
    """Serve ``bundle`` from now on, and write the verdict down on its version.

    Raises:
        NotPromoted: it serves already.
        TrackingError: it serves, and the registry could not be told; the next promotion or rollback tells it.
    """
    switch = serving.promote(bundle, tell=crowning(registry))
    version = registry.find(switch.new)
    if version is not None:
        registry.tag(
            version,
            {"tierwise.verdict": "; ".join(verdict.reasons)[:4000], "tierwise.forced": str(not verdict.promote)},
        )
    return switch
