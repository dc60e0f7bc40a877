"""The training job: stages in a row, each kept on disk when it is done, under one lock.

status              exit code   what it means for a cron job
promoted            0           the challenger is champion now
registered          0           a challenger is registered; the champion stays until `tierwise train promote`
planned             0           a dry run: nothing was fitted, logged or registered
(a fault)           1           a fault of tierwise itself: a traceback; a rerun goes on after the last stage done
failed              2           data, configuration or command need a change: the sentence says which
kept                3           the challenger does not deserve the champion's place; the champion stays
not_enough_labels   4           too few labels to fit or to certify anything; the champion stays
no_drift            5           --if-drift found none: nothing was done
locked              6           another run is under way in the same place: nothing was done
registry_down       7           bundle and report are on disk, MLflow could not be told; a rerun goes on from there
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from router.errors import TierwiseError
from training.errors import Locked, NotEnoughLabels, TrackingError
from training.lock import exclusive

Status = Literal[
    "promoted", "registered", "planned", "failed", "kept", "not_enough_labels", "no_drift", "locked", "registry_down"
]

EXIT_CODES: Mapping[Status, int] = {
    "promoted": 0,
    "registered": 0,
    "planned": 0,
    "failed": 2,
    "kept": 3,
    "not_enough_labels": 4,
    "no_drift": 5,
    "locked": 6,
    "registry_down": 7,
}

_FACTS = "facts.json"
_KEEP = 10
"""Folders of finished jobs that are kept; older ones go, since each holds a copy of the labelled data."""


@dataclass(frozen=True)
class Context:
    """What a stage is given: where to write, and what the stages before it left behind.

    ``out`` is the stage's own folder, empty at first. ``facts`` are what each earlier stage returned. ``say`` takes a
    line of progress. ``inputs`` are what the job's key was made from, ``work`` whatever the stages share.
    """

    folder: Path
    inputs: Mapping[str, Any]
    work: Any = None
    out: Path = Path()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None

    def path(self, stage: str, name: str) -> Path:
        """Where an earlier stage wrote the file ``name``."""
        return self.folder / stage / name

    @property
    def key(self) -> str:
        """The hash of the job's inputs, which names its folder."""
        return self.folder.name


@dataclass(frozen=True)
class Stage:
    """One step: writes files into ``context.out`` and returns facts for JSON.

    The fact ``status``, where a stage gives one, becomes the job's. A stage that acts outside its folder (on a
    registry, say) must be safe to repeat: a crash may come after it acted and before it counts as done.
    """

    name: str
    run: Callable[[Context], Mapping[str, Any]]


@dataclass(frozen=True)
class Result:
    """How a job ended: ``sentence`` for people, ``facts`` by stage, wall time, peak memory of the process in MiB."""

    status: Status
    sentence: str
    folder: Path | None
    facts: Mapping[str, Mapping[str, Any]]
    seconds: float
    peak_mib: float

    @property
    def exit_code(self) -> int:
        """What a cron job sees."""
        return EXIT_CODES[self.status]


def perform(
    stages: Sequence[Stage],
    context: Context,
    *,
    begin: Literal["resumed", "anew"] = "resumed",
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Run the stages that are not done yet, and say how it ended.

    A stage is done when its folder has its name, which is one rename after everything in it was written: what a crash
    left is thrown away and that stage begun again. A job whose stages are all done gives its result again, unless it
    is to ``begin`` anew.

    What a user can mend ends the job with a status and a sentence; anything else is a fault and is raised.
    """
    began = clock()
    facts: dict[str, Mapping[str, Any]] = {}

    def ended(status: Status, sentence: str) -> Result:
        return Result(status, sentence, context.folder, facts, clock() - began, peak_mib())

    try:
        with exclusive(context.folder.parent / "lock", what="another training run"):
            _ignored(context.folder.parent)
            if begin == "anew":
                shutil.rmtree(context.folder, ignore_errors=True)
            for stage in stages:
                facts[stage.name] = _done(stage, context) or _perform(stage, replace(context, facts=dict(facts)))
            _prune(context.folder.parent, keep=context.folder)
    except Locked as error:
        return ended("locked", str(error))
    except NotEnoughLabels as error:
        return ended("not_enough_labels", str(error))
    except TrackingError as error:
        rest = f"what was made is in {context.folder}, and running the same again goes on from there"
        return ended("registry_down", f"{error}; {rest}")
    except (TierwiseError, OSError) as error:
        return ended("failed", _sentence(error))
    statuses: list[Status] = [found["status"] for found in facts.values() if "status" in found]
    sentences = [found["sentence"] for found in facts.values() if "sentence" in found]
    return ended(statuses[-1] if statuses else "registered", sentences[-1] if sentences else "every stage is done")


def pending(stages: Sequence[Stage], folder: Path) -> tuple[str, ...]:
    """The names of the stages that a run would still perform."""
    return tuple(stage.name for stage in stages if not (folder / stage.name / _FACTS).is_file())


def peak_mib() -> float:
    """The most memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _sentence(error: TierwiseError | OSError) -> str:
    """What is wrong; the system's errors name their file first, as ours do."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _done(stage: Stage, context: Context) -> Mapping[str, Any] | None:
    path = context.folder / stage.name / _FACTS
    if not path.is_file():
        return None
    context.say(f"{stage.name}: done before")
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _perform(stage: Stage, context: Context) -> Mapping[str, Any]:
    context.say(stage.name)
    partial = context.folder / f"{stage.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    facts = stage.run(replace(context, out=partial))
    content = json.dumps(facts, indent=2, allow_nan=False)
    with (partial / _FACTS).open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(context.folder / stage.name)
    read: Mapping[str, Any] = json.loads(content)  # as a rerun would see it
    return read


def _ignored(root: Path) -> None:
    """Keep what a job writes out of version control: it holds prompts."""
    note = root / ".gitignore"
    if not note.exists():
        note.write_text("*\n", encoding="utf-8")


def _prune(root: Path, *, keep: Path) -> None:
    """Throw away the oldest jobs' folders; a folder without a stage that is done is no job's."""
    jobs = sorted(_jobs(root), key=lambda job: job.stat().st_mtime, reverse=True)
    for old in [job for job in jobs if job != keep][_KEEP - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def _jobs(root: Path) -> Iterator[Path]:
    for job in root.iterdir():
        if job.is_dir() and any(job.glob(f"*/{_FACTS}")):
            yield job
