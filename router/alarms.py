"""Alarms: a file beside a bundle that says its policy is not to be trusted, and why."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Why a policy is not to be trusted. ``created`` is UTC, in seconds since the epoch.

    ``policy_version`` is the version of the bundle that the alarm is about, or its beginning; None is any: an alarm
    about a bundle that has been replaced means nothing any more.
    """

    reason: str
    created: float
    policy_version: str | None = None

    def concerns(self, version: str) -> bool:
        """Whether it is about the bundle of this ``version``, or of a version that begins or goes on so."""
        about = self.policy_version
        return about is None or about.startswith(version) or version.startswith(about)


def alarm_path(bundle: str | os.PathLike[str]) -> Path:
    """The alarm file of the bundle at ``bundle``."""
    path = Path(bundle)
    return path.with_name(f"{path.name}.alarm")


def read_alarm(bundle: str | os.PathLike[str]) -> Alarm | None:
    """The alarm of the bundle at ``bundle``, None when there is none.

    A file that cannot be read is an alarm as well: whoever put it there meant one.
    """
    path = alarm_path(bundle)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version = found["policy_version"]
        return Alarm(
            reason=str(found["reason"]),
            created=float(found["created"]),
            policy_version=None if version is None else str(version),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Alarm(reason=f"there is an alarm at {path} that cannot be read", created=0.0)


def raise_alarm(
    bundle: str | os.PathLike[str], reason: str, *, created: float, policy_version: str | None = None
) -> Path:
    """Write the alarm file of the bundle at ``bundle``, whole or not at all, in place of one before; return its path.

    ``created`` is in seconds since the epoch.

    Raises:
        OSError: it cannot be written.
    """
    path = alarm_path(bundle)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        plain = {"reason": reason, "created": created, "policy_version": policy_version}
        partial.write_text(json.dumps(plain), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
