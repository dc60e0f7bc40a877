"""The place that a champion serves from, and the switch to another: whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from router.bundle import PolicyBundle, load
from router.errors import StaleBundle
from training.errors import NotPromoted, TrackingError
from training.lock import exclusive

Kind = Literal["promote", "rollback"]
Tell = Callable[["Switch"], None]
"""Told of a switch once the new bundle serves; moves the registry's aliases. It may be told twice of the same one."""


@dataclass(frozen=True)
class Switch:
    """From one bundle version to another (``old`` is None when nothing served before)."""

    kind: Kind
    old: str | None
    new: str
    champions: tuple[str, ...]
    """Every champion that can be gone back to, the one that serves last."""

    @property
    def previous(self) -> str | None:
        """The champion that a rollback would bring back."""
        return self.champions[-2] if len(self.champions) > 1 else None


def champion_at(path: Path, *, report: Callable[[str], None]) -> PolicyBundle | None:
    """The bundle that serves from ``path``.

    None where there is none, or one that only another version of tierwise can serve: that opposes no challenger, and
    ``report`` is told so.

    Raises:
        BundleError: it is damaged.
    """
    if not path.exists():
        return None
    try:
        return load(path)
    except StaleBundle as stale:
        report(f"{stale}; until then it counts as no champion")
        return None


class Serving:
    """The file that a router reads its bundle from, with copies of every champion in ``bundles/`` beside it.

    A switch goes in five steps: *copy* the bundle under its content's name, *note* in a journal what is about to
    happen, *replace* the served file by one rename, *record* the line of champions, *tell* the registry; then the
    journal goes. Whatever dies in between, the served file is one whole bundle, the old or the new, and
    :meth:`recover` (which every switch begins with) finishes or forgets what the journal says.

    ``step`` is called with a step's name before it; tests crash there.
    """

    def __init__(self, path: str | Path, *, step: Callable[[str], None] = lambda _: None) -> None:
        self.path = Path(path)
        self._folder = self.path.parent / "bundles"
        self._journal = self._folder / "switch.json"
        self._line = self._folder / "champions.json"
        self._step = step

    @property
    def version(self) -> str | None:
        """The version of the bundle that serves, also of one that another version of tierwise made; None when there
        is none.

        Raises:
            BundleError: the served file is damaged.
        """
        try:
            return load(self.path).version if self.path.exists() else None
        except StaleBundle as stale:
            return stale.version

    @property
    def champions(self) -> tuple[str, ...]:
        """The champions so far, the one that serves last; a bundle that was put there by hand counts as one."""
        line = tuple(json.loads(self._line.read_text())) if self._line.exists() else ()
        now = self.version
        return line if now is None or line[-1:] == (now,) else (*line, now)

    def promote(self, bundle: Path, *, tell: Tell) -> Switch:
        """Serve ``bundle`` from now on.

        Raises:
            BundleError: it cannot be read.
            NotPromoted: it serves already.
            Locked: another switch is under way.
            TrackingError: it serves, and the registry could not be told; the next switch or recovery tells it.
        """
        new = load(bundle).version
        with self._alone():
            self._catch_up(tell)
            old = self.version
            if new == old:
                raise NotPromoted(f"{new[:16]} is the champion already")
            self._step("copy")
            if old is not None:
                self._keep(self.path, old)
            self._keep(bundle, new)
            return self._switch(Switch("promote", old, new, (*self.champions, new)), tell)

    def rollback(self, *, tell: Tell) -> Switch:
        """Serve the champion before this one again.

        Raises:
            NotPromoted: there is none, or its copy is gone.
            Locked: another switch is under way.
            TrackingError: it serves, and the registry could not be told; the next switch or recovery tells it.
        """
        with self._alone():
            self._catch_up(tell)
            line = self.champions
            if len(line) < 2:
                raise NotPromoted(f"{self.path} has had no champion before this one, so there is none to go back to")
            self._step("copy")
            self._keep(self.path, line[-1])
            return self._switch(Switch("rollback", line[-1], line[-2], line[:-1]), tell)

    def recover(self, tell: Tell) -> Switch | None:
        """Finish a switch that was interrupted after the new bundle began to serve; forget one from before that.

        Returns the switch that was finished, None when there was none.

        Raises:
            Locked: a switch is under way, and finishes by itself.
        """
        with self._alone():
            return self._recover(tell)

    def copy_of(self, version: str) -> Path:
        """Where the copy of a bundle that served lies, by the hash of its content."""
        return self._folder / f"{version[:16]}.tierwise"

    def _catch_up(self, tell: Tell) -> None:
        """Recover before another switch, which a registry that is down must not prevent: it is told of that one."""
        with suppress(TrackingError):
            self._recover(tell)

    def _recover(self, tell: Tell) -> Switch | None:
        if not self._journal.exists():
            return None
        raw = json.loads(self._journal.read_text())
        switch = Switch(**{**raw, "champions": tuple(raw["champions"])})
        if self.version != switch.new:
            self._journal.unlink()
            return None
        return self._finish(switch, tell)

    def _switch(self, switch: Switch, tell: Tell) -> Switch:
        copy = self.copy_of(switch.new)
        if not copy.exists():
            raise NotPromoted(f"the copy of {switch.new[:16]} at {copy} is gone, so it cannot serve again")
        load(copy, version=switch.new)
        self._step("note")
        _write(self._journal, json.dumps(asdict(switch)).encode())
        self._step("replace")
        _write(self.path, copy.read_bytes())
        return self._finish(switch, tell)

    def _finish(self, switch: Switch, tell: Tell) -> Switch:
        self._step("record")
        _write(self._line, json.dumps(switch.champions).encode())
        self._step("tell")
        tell(switch)
        self._step("end")
        self._journal.unlink()
        return switch

    def _keep(self, bundle: Path, version: str) -> None:
        copy = self.copy_of(version)
        if not copy.exists():
            _write(copy, bundle.read_bytes())

    def _alone(self) -> AbstractContextManager[None]:
        return exclusive(self._folder / "lock", what="another promotion or rollback")


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, on the disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
