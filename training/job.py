"""What a training run is asked to do, and what the stages of one process share."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from router.bundle import PolicyBundle
from router.config import Config
from router.embed import Embedder
from router.ledger import Ledger
from router.plan import Plan
from router.planning import plan_of
from router.profiles import DEFAULT_PROFILE
from training import goals, table_file
from training.embedding import chosen_embedder, under
from training.ingest import Options
from training.provenance import file_hash, source_hash, tier_snapshot
from training.records import Records, read
from training.table import Table
from training.tracking import Store
from training.tune import Objective

BUNDLE = "policy.tierwise"


@dataclass(frozen=True)
class Job:
    """What a training run is asked to do. ``champion`` is the file that serves now, where there is one."""

    config: Config
    source: Path | Ledger
    goals: Mapping[str, Objective]
    options: Options = field(default_factory=Options)
    seed: int = 0
    champion: Path | None = None
    store: Store = field(default_factory=Store)
    model: str = "tierwise"
    began: float = field(default_factory=time.time)

    def inputs(self) -> dict[str, Any]:
        """What the policy depends on, for the job's key; not where it is logged, nor what it is compared with."""
        return {
            "data": file_hash(self.source) if isinstance(self.source, Path) else _ledger_state(self.source),
            "options": str(replace(self.options, rejects=None)),
            "goals": goals.told(self.goals),
            "seed": self.seed,
            "tiers": tier_snapshot(self.config.tiers),
            "code": source_hash(),
            **({} if self.config.policy.embedder is None else {"embedder": self.config.policy.embedder}),
        }

    @property
    def source_name(self) -> str:
        """The log's name for people, without its folder."""
        return self.source.name if isinstance(self.source, Path) else "the ledger"


@dataclass
class Session:
    """What the stages of one process share: the job, and what was read already."""

    job: Job
    folder: Path

    @cached_property
    def records(self) -> Records:
        """What the stage *ingest* wrote."""
        return read(self.folder / "ingest" / "labels.parquet", self.job.config.tiers)

    @cached_property
    def table(self) -> Table:
        """What the stage *fit* wrote: the training rows as rules see them."""
        return table_file.load(self.folder / "fit" / "table.npz")

    @cached_property
    def embedder(self) -> Embedder | None:
        """What embeds the prompts, each once; None where the configuration names none."""
        return chosen_embedder(self.job.config)

    def plan(self, bundle: PolicyBundle) -> Plan:
        """The plan of a bundle under the job's configuration."""
        config = under(self.job.config, bundle)
        plan = plan_of(config, bundle=bundle)
        if plan.embedder is None or config is not self.job.config:
            return plan
        plan.embedder(())  # another model than the bundle's is refused; the same one has embedded most prompts already
        return replace(plan, embedder=self.embedder)


def evaluation_file(profile: str) -> str:
    """The name of the file with a profile's evaluation."""
    return "evaluation.json" if profile == DEFAULT_PROFILE else f"evaluation-{profile}.json"


def _ledger_state(ledger: Ledger) -> str:
    """A ledger as it is now: another decision or label makes it another input."""
    digest = hashlib.sha256()
    for entry in ledger.decisions():
        digest.update(entry.decision.id.encode())
    for found in ledger.labels():
        told = (found.decision_id, found.tier, found.quality, found.source, found.judge or "", found.weight)
        digest.update("\x1f".join(map(str, told)).encode("utf-8", "replace"))
    return digest.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read what :func:`write_json` wrote."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON; numbers that are not finite become null."""
    path.write_text(json.dumps(_finite(value), indent=2, allow_nan=False), encoding="utf-8")


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: what is not known is null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
