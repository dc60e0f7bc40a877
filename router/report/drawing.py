"""Drawing a plot as SVG, by hand.

Why not a plotting library: its SVG has fixed colours, anonymous paths and one layout that shrinks on a telephone until
its text cannot be read. Written here, a mark carries a class (so that the page's style sheet colours it in both lights)
and a title (so that it says its figures), text stays text, and a plot is laid out again for a narrow screen. That costs
a scale and a label placer of some hundred lines, and saves a dependency of 30 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal

from router.report.style import PLOT, TOKENS
from router.report.wording import clean, width_of

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


class Drawing:
    """Marks on a canvas of ``width`` x ``height`` CSS pixels, y downwards; classes are those of the style sheet."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._marks: list[str] = []

    def line(self, start: Point, end: Point, look: str) -> None:
        """A straight line."""
        (x1, y1), (x2, y2) = start, end
        self._marks.append(f'<line class="{look}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def rect(self, corner: Point, size: Point, look: str, *, tip: str = "") -> None:
        """A rectangle from its upper left corner; ``tip`` shows when it is pointed at."""
        (x, y), (width, height) = corner, size
        self._mark(
            f'rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"',
            tip,
        )

    def dot(self, centre: Point, radius: float, look: str, *, tip: str = "") -> None:
        """A circle; ``tip`` shows when it is pointed at."""
        self._mark(f'circle class="{look}" cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}"', tip)

    def diamond(self, centre: Point, radius: float, look: str, *, tip: str = "") -> None:
        """A square on its corner; ``tip`` shows when it is pointed at."""
        x, y = centre
        corners = ((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y))
        self._mark(f'polygon class="{look}" points="{_joined(corners)}"', tip)

    def curve(self, points: Sequence[Point], look: str) -> None:
        """Straight pieces from point to point."""
        self._marks.append(f'<polyline class="{look}" points="{_joined(points)}"/>')

    def text(self, place: Point, words: str, look: str = "", *, anchor: Anchor = "start") -> None:
        """Text on its baseline."""
        kind = f' class="{look}"' if look else ""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._marks.append(f'<text{kind} x="{place[0]:.1f}" y="{place[1]:.1f}"{where}>{escape(clean(words))}</text>')

    def inline(self, *, name: str, title: str, description: str, look: str) -> str:
        """The SVG element for a page that has the style sheet; ``name`` must be its own on that page."""
        return (
            f'<svg class="{look}" role="img" aria-labelledby="{name}-title {name}-says" '
            f"{self._body(name=name, title=title, description=description)}"
        )

    def file(self, *, name: str, title: str, description: str, style: str = "") -> str:
        """A whole SVG file, with style sheet and background, that follows the viewer's light or dark mode.

        ``style`` has the classes that are not of the common style sheet.
        """
        body = self._body(name=name, title=title, description=description)
        cut = body.index("</desc>") + len("</desc>")
        ground = f'<style>{TOKENS}{PLOT}{style}</style><rect class="paper" width="100%" height="100%"/>'
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{name}-title {name}-says" '
            f'width="{self.width:.0f}" height="{self.height:.0f}" {body[:cut]}{ground}{body[cut:]}\n'
        )

    def _body(self, *, name: str, title: str, description: str) -> str:
        return (
            f'viewBox="0 0 {self.width:.0f} {self.height:.0f}"><title id="{name}-title">{escape(clean(title))}</title>'
            f'<desc id="{name}-says">{escape(clean(description))}</desc>{"".join(self._marks)}</svg>'
        )

    def _mark(self, opened: str, tip: str) -> None:
        tag = opened.split(" ", 1)[0]
        self._marks.append(f"<{opened}><title>{escape(clean(tip))}</title></{tag}>" if tip else f"<{opened}/>")


def tick_anchor(x: float, words: str, width: float) -> Anchor:
    """The anchor that keeps the words under a tick at ``x`` on a canvas of ``width``."""
    half = width_of(words, size=12.0) / 2
    return "start" if x < half else "end" if x > width - half else "middle"


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
