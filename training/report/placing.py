"""Labels beside their marks, none over another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from router.report.drawing import Anchor, Point
from router.report.wording import width_of

LINE = 15.0
"""Height of a line of label text, in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle on the canvas."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def inside(self, other: Box) -> bool:
        """Whether this box lies wholly within ``other``."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a label goes: its baseline, its anchor, and whether it is far enough to need a line to its mark."""

    at: Point
    anchor: Anchor
    leader: bool


class Placing:
    """Finds room for labels one after the other, the most important first."""

    def __init__(self, bounds: Box, marks: Iterable[Point], *, radius: float = 6.0) -> None:
        self._bounds = bounds
        self._taken = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in marks]
        self._crossed: list[Box] = []

    def place(self, mark: Point, words: str, *, reach: int = 3) -> Placed | None:
        """The nearest free room around ``mark``, right of it before left, or None when there is none within reach."""
        for ring in range(reach):
            # Better across a curve, which the letters' outline interrupts, than further away.
            for crossed in (self._crossed, []):
                found = self._around(mark, words, ring=ring, crossed=crossed)
                if found is not None:
                    return found
        return None

    def _around(self, mark: Point, words: str, *, ring: int, crossed: Sequence[Box]) -> Placed | None:
        width = width_of(words)
        for dx, dy in _AROUND if ring == 0 else _FURTHER:
            x = mark[0] + dx * (10 + 16 * ring)
            middle = mark[1] + dy * (14 + 17 * ring)
            anchor: Anchor = "start" if dx > 0 else "end" if dx < 0 else "middle"
            left = x - (0 if dx > 0 else width if dx < 0 else width / 2)
            box = Box(left - 2, middle - LINE / 2, left + width + 2, middle + LINE / 2)
            if box.inside(self._bounds) and not any(box.meets(other) for other in (*self._taken, *crossed)):
                self._taken.append(box)
                return Placed((x, middle + 4.5), anchor, leader=ring > 0)
        return None

    def avoid(self, curve: Sequence[Point]) -> None:
        """Keep labels off ``curve`` as far as there is other room."""
        for (x1, y1), (x2, y2) in pairwise(curve):
            steps = max(1, round(math.dist((x1, y1), (x2, y2)) / 6))
            for step in range(steps + 1):
                x, y = x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps
                self._crossed.append(Box(x - 2, y - 2, x + 2, y + 2))

    def take(self, box: Box) -> None:
        """Keep labels out of ``box``."""
        self._taken.append(box)


_AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
_FURTHER = ((1, 1), (1, -1), (-1, -1), (-1, 1), (0, -1), (0, 1), (1, 0), (-1, 0))
