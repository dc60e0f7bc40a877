"""From figures to places on the canvas, and the round figures to write on an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SMALLEST = 1e-300
"""Below it steps between ticks are no longer exact numbers."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight map from ``low..high`` to ``start..end`` in CSS pixels (``end < start`` for an upward axis)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where ``value`` lies; beyond the ends where it is beyond the range."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def within(self, value: float) -> bool:
        """Whether ``value`` is in the range."""
        return self.low <= value <= self.high

    def clipped(self, value: float) -> float:
        """Where ``value`` lies, or the end nearest to it."""
        return self(min(max(value, self.low), self.high))

    def ticks(self, about: int) -> list[float]:
        """About ``about`` round figures within the range: steps of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / max(about, 1)
        if rough < SMALLEST:
            return [self.low]
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((power * each for each in (1, 2, 5) if power * each >= rough * (1 - 1e-9)), power * 10)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def spread(values: Iterable[float], *, margin: float, least: float = 1e-9) -> tuple[float, float]:
    """The range of ``values``, wider by ``margin`` of itself on both sides and never narrower than ``least``."""
    known = list(values)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = max(high - low, least, abs(high) * 1e-6)
    middle = (low + high) / 2
    return middle - room * (0.5 + margin), middle + room * (0.5 + margin)
