"""What each profile of a bundle is to be tuned for, as the command line or the configuration says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from router.config.train import TrainGoal, TrainSettings
from router.errors import InputError
from router.profiles import DEFAULT_PROFILE
from training.tune import Objective

DELTA = 0.1
"""How often a certificate may be wrong unless somebody says otherwise."""

_NAME = re.compile(r"\w[\w.\-]*")
_KEYS = {"quality": "target_quality", "absolute": "quality", "budget": "budget"}


def goals_of(
    profiles: Sequence[str],
    *,
    target_quality: float | None = None,
    budget: float | None = None,
    delta: float = DELTA,
) -> dict[str, Objective]:
    """The objective of each profile; that of "default" is ``target_quality`` and ``budget``.

    ``profiles`` are written ``NAME=KEY:NUMBER[,KEY:NUMBER]``. The keys: ``quality`` is a share of the strongest tier's
    quality, ``absolute`` a mean quality, ``budget`` USD per 1,000 requests.

    Raises:
        InputError: a profile is written otherwise, given twice, or has no objective; or the default has none.
    """
    found: dict[str, Objective] = {}
    if target_quality is not None or budget is not None:
        found[DEFAULT_PROFILE] = Objective(target_quality=target_quality, budget=budget, delta=delta)
    for written in profiles:
        name, sign, rest = written.partition("=")
        if not sign or not name:
            raise InputError(f"--profile {written!r}: write NAME=quality:0.98, or NAME=budget:2.50")
        _check_name(name, f"--profile {written!r}")
        if name in found:
            raise InputError(f"--profile {written!r}: the profile {name!r} has an objective already; give it one")
        found[name] = Objective(**_numbers(rest, written), delta=delta)
    if DEFAULT_PROFILE not in found:
        raise InputError("requests that name no profile need an objective too; pass --target-quality or --budget")
    return found


def goals_in(settings: TrainSettings, *, delta: float | None = None) -> dict[str, Objective]:
    """The objective of each profile as `[train]` has them; ``delta``, where it is given, holds for all.

    Raises:
        InputError: it has none for requests that name no profile.
    """
    if settings.goal.target_quality is None and settings.goal.budget is None:
        raise InputError(
            "nothing says what to tune for; pass --target-quality or --budget, or write `target_quality` or `budget` "
            "under [train] in the configuration"
        )

    def objective(goal: TrainGoal) -> Objective:
        least = next(found for found in (delta, goal.delta, settings.goal.delta, DELTA) if found is not None)
        return Objective(target_quality=goal.target_quality, budget=goal.budget, delta=least)

    for name in settings.profiles:
        _check_name(name, f"[train.profiles] {name!r}")
    return {DEFAULT_PROFILE: objective(settings.goal)} | {
        name: objective(goal) for name, goal in settings.profiles.items()
    }


def _check_name(name: str, where: str) -> None:
    """Refuse a name that cannot be part of a file's and a metric's; ``where`` names it in the error."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{where}: name a profile with letters, digits, . _ and - alone, beginning with one of the first"
        )


def _numbers(text: str, written: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in text.split(","):
        key, _, number = part.partition(":")
        if key.strip() not in _KEYS:
            raise InputError(f"--profile {written!r}: {key!r} is none of {', '.join(_KEYS)}")
        try:
            values[_KEYS[key.strip()]] = float(number)
        except ValueError:
            raise InputError(
                f"--profile {written!r}: {number!r} is no number; write NAME=quality:0.98, or NAME=budget:2.50"
            ) from None
    return values


def told(goals: Mapping[str, Objective]) -> dict[str, Any]:
    """The objectives for JSON, by profile."""
    return {name: goal.as_dict() for name, goal in goals.items()}
