"""The benchmarks that there are, what each needs, and the figure that was last committed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training import public
from training.benchmarks.proof import Proof, met
from training.benchmarks.registry import PUBLIC
from training.benchmarks.result import figure, leaves, plain
from training.benchmarks.saved import COMMITTED, load_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """``files`` says of each public file whether it is there, ``last`` is "" where no figure was committed."""

    name: str
    summary: str
    files: Mapping[str, bool]
    last: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def told(self) -> str:
        """In up to three lines: the name, what it shows, and what it needs and last came to."""
        reads = ", ".join(f"{file}{'' if there else ' (missing)'}" for file, there in self.files.items())
        facts = "; ".join(
            f"{what} {words}" for what, words in (("reads", reads), ("last committed", self.last)) if words
        )
        return "\n    ".join(line for line in (self.name, self.summary, facts) if line)


def listing(studies: Mapping[str, str], *, results: Path = COMMITTED) -> list[Listed]:
    """Every public benchmark with its last outcome in ``results``, and the ``studies`` by name and summary.

    Raises:
        InputError: an outcome in ``results`` is not what was written.
    """
    saved = load_all(results)
    folder = public.folder()
    found = [
        Listed(
            name=name,
            summary=entry.summary,
            files={file: (folder / f"{file}.parquet").is_file() for file in entry.files},
            last=headline(saved[name]) if name in saved else "",
        )
        for name, entry in PUBLIC.items()
    ]
    return found + [Listed(name=name, summary=summary, files={}, last="") for name, summary in studies.items()]


def headline(proof: Proof) -> str:
    """The first metric with a target, else the first of all, in a few words."""
    known = dict(leaves(plain(proof.metrics), pairs=True))
    for name, target in proof.targets.items():
        sign = ">=" if target["better"] == "higher" else "<="
        verdict = "met" if met(known[name], target) else "missed"
        return f"{name} {figure(known[name])} (target {sign} {figure(target['reach'])}: {verdict})"
    return next((f"{name} {figure(value)}" for name, value in known.items()), "")
