"""The peers' own virtual environments, under ``.bench/``: made on first use, pinned, kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from result import say

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".bench"
PINS = {"cascadeflow": "1.2.0", "litellm": "1.106.2"}
INSTALL_SECONDS = 900


class Unavailable(Exception):
    """A peer cannot be measured here; the message is a sentence that says why."""


def python_of(peer: str) -> Path:
    """The interpreter of ``peer``'s environment.

    Raises:
        Unavailable: the environment cannot be made, as without a network.
    """
    home = HOME / f"{peer}-{PINS[peer]}"
    ready = home / ".ready"
    if not ready.exists():
        say(f"installing {peer} {PINS[peer]} into {home.relative_to(ROOT)}, once")
        _perform([sys.executable, "-m", "venv", "--clear", str(home)], peer)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _perform([*pip, f"{peer}=={PINS[peer]}"], peer)
        ready.touch()
    return home / "bin" / "python"


def _perform(command: list[str], peer: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{peer} {PINS[peer]} could not be installed: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Unavailable(f"{peer} {PINS[peer]} could not be installed: {last[0]}")
