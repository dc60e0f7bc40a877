"""What each profile of a bundle is to be tuned for, as it is written on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.bundle import DEFAULT_PROFILE
from router.errors import InputError
from training.tune import Objective

_KEYS = {"quality": "target_quality", "absolute": "quality", "budget": "budget"}


def goals_of(
    profiles: Sequence[str],
    *,
    target_quality: float | None = None,
    budget: float | None = None,
    delta: float = 0.1,
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
        if name in found:
            raise InputError(f"--profile {written!r}: the profile {name!r} has an objective already; give it one")
        found[name] = Objective(**_numbers(rest, written), delta=delta)
    if DEFAULT_PROFILE not in found:
        raise InputError("requests that name no profile need an objective too; pass --target-quality or --budget")
    return found


def _numbers(text: str, written: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in text.split(","):
        key, _, number = part.partition(":")
        if key.strip() not in _KEYS:
            raise InputError(f"--profile {written!r}: {key!r} is none of {', '.join(_KEYS)}")
        try:
            values[_KEYS[key.strip()]] = float(number)
        except ValueError:
            raise InputError(f"--profile {written!r}: {number!r} is no number") from None
    return values


def told(goals: Mapping[str, Objective]) -> dict[str, Any]:
    """The objectives for JSON, by profile."""
    return {name: goal.as_dict() for name, goal in goals.items()}
