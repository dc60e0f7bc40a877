"""A figure's uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, ``low <= high``."""

    low: float
    high: float
