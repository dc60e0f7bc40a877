"""The peers' own virtual environments: made on first use, pinned, kept where the user can see them.

They lie in ``$TIERWISE_BENCH_ENVS``, else in ``.bench/`` of the working folder, and take about 2 GB for all four peers,
1.3 GB of it LLMRouter's with a build of torch for the CPU, and several more with the build for graphics cards that some
systems get by default. pip reads its own settings (``PIP_INDEX_URL`` and the like), by which another build can be had.
Removing that folder removes all that was installed. An installation that failed is not tried again by the same process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from router.errors import TierwiseError
from training.errors import Locked
from training.lock import exclusive

INSTALL_SECONDS = 900
"""How long one step of an installation may take, and how long another process's installation is waited for."""

_POLL_SECONDS = 0.5

Report = Callable[[str], None]

Absent = Literal["install", "tell"]
"""What becomes of a peer that is not installed: it is now, or why it is missing is told."""

_FAILED: dict[Path, str] = {}
"""Why installations failed, by place: each attempt may take :data:`INSTALL_SECONDS`."""

_WAITS: list[tuple[float, float]] = []
"""When installations, our own and those waited for, began and ended, by ``time.perf_counter()``."""


class PeerMissing(TierwiseError):
    """A peer cannot be run here; ``reason`` is a sentence that says why, to be printed in place of its figures."""

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(reason)
        self.peer, self.reason = peer, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A published package that we are compared with, and exactly what is installed to run it.

    ``alone`` are requirements installed without what they depend on, where a part of a package is run that needs
    little of it. ``requirements`` are installed with their dependencies.
    """

    name: str
    version: str
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()

    @property
    def pins(self) -> str:
        """What is installed, a requirement a line; an environment made from other pins is made anew."""
        return "".join(f"{line}\n" for line in (*self.requirements, *(f"{pin} --no-deps" for pin in self.alone)))


def home() -> Path:
    """The folder in which the environments lie."""
    return Path(os.environ.get("TIERWISE_BENCH_ENVS") or ".bench").absolute()


def ready(peer: Peer, *, within: Path | None = None) -> bool:
    """Whether ``peer``'s environment is there and whole, so that :func:`environment` need not make it."""
    return _is(_place(peer, within) / ".ready", peer.pins)


def required(peer: Peer, *, absent: Absent, within: Path | None = None) -> None:
    """See that ``peer`` may be run: with ``tell`` only where its environment is there.

    Raises:
        PeerMissing: it is not there.
    """
    if absent == "tell" and not ready(peer, within=within):
        raise PeerMissing(peer.name, f"{peer.name} {peer.version} is not installed, and a quick run installs nothing")


def installing(since: float) -> float:
    """The seconds that this process has spent on installations from ``time.perf_counter()`` ``since`` on."""
    return sum(max(0.0, end - max(begin, since)) for begin, end in _WAITS)


def environment(peer: Peer, *, report: Report = lambda _: None, within: Path | None = None) -> Path:
    """The Python interpreter of ``peer``'s environment, which is made if it is not there yet.

    Processes that ask at the same time wait for the one that makes it. ``within`` is :func:`home` where it is None.

    Raises:
        PeerMissing: the environment cannot be made, as without a network.
    """
    place = _place(peer, within)
    python = place / "bin" / "python"
    if ready(peer, within=within):
        return python
    if place in _FAILED:
        raise PeerMissing(peer.name, _FAILED[place])
    try:
        with _timed():
            _install(peer, place, python, report=report, within=within)
    except PeerMissing as missing:
        _FAILED[place] = missing.reason
        raise
    return python


@contextmanager
def _timed() -> Iterator[None]:
    begin = time.perf_counter()
    try:
        yield
    finally:
        _WAITS.append((begin, time.perf_counter()))


def _install(peer: Peer, place: Path, python: Path, *, report: Report, within: Path | None) -> None:
    with ExitStack() as held:
        try:
            _wait(held, place.with_name(f"{place.name}.lock"), peer)
        except OSError as error:
            raise PeerMissing(peer.name, f"{place.parent} cannot be written: {error.strerror or error}") from None
        if not ready(peer, within=within):
            report(f"installing {peer.name} {peer.version} into {place}, once")
            _perform([sys.executable, "-m", "venv", "--clear", str(place)], peer)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            for options, pins in (((), peer.requirements), (("--no-deps",), peer.alone)):
                if pins:
                    _perform([*pip, *options, *pins], peer)
            (place / ".ready").write_text(peer.pins, encoding="utf-8")


def _place(peer: Peer, within: Path | None) -> Path:
    return (within or home()) / f"{peer.name}-{peer.version}"


def _is(mark: Path, pins: str) -> bool:
    try:
        return mark.read_text(encoding="utf-8") == pins
    except OSError:
        return False


def _wait(held: ExitStack, lock: Path, peer: Peer) -> None:
    """Hold ``lock`` for as long as ``held`` lasts, once no other process does."""
    until = time.monotonic() + INSTALL_SECONDS
    while True:
        try:
            held.enter_context(exclusive(lock, what=f"the installation of {peer.name}"))
        except Locked as error:
            if time.monotonic() > until:
                raise PeerMissing(peer.name, f"{peer.name} {peer.version} could not be installed: {error}") from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _perform(command: Sequence[str], peer: Peer) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)  # noqa: S603 -- the commands are ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(peer.name, f"{peer.name} {peer.version} could not be installed: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise PeerMissing(peer.name, f"{peer.name} {peer.version} could not be installed: {last[0]}")
