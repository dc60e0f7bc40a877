"""A section of the report: a heading, a plot or tables, and one sentence that says what to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from router.report.drawing import Drawing
from router.report.table import Table

FULL, HALF, NARROW = 860, 410, 340
"""Widths a plot is drawn at, in CSS pixels: over the page, over half of it, over a telephone's screen."""

NARROWEST = 560
"""Below this width a plot uses its layout for narrow places."""


@dataclass(frozen=True)
class Plot:
    """A plot that can be drawn at any width, and the room it takes on a wide page."""

    name: str
    title: str
    draw: Callable[[int], Drawing]
    span: Literal["full", "half"] = "full"

    @property
    def wide(self) -> int:
        """Its width where there is room."""
        return FULL if self.span == "full" else HALF


@dataclass(frozen=True)
class Section:
    """``says`` is the sentence under the plot; ``tables`` are folded away where there is a plot to look at."""

    name: str
    title: str
    says: str
    plot: Plot | None = None
    tables: tuple[Table, ...] = ()
