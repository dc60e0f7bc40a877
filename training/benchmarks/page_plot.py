"""The plot of a benchmark: its curves, with a key beside them in the order in which they lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from router.report.drawing import Drawing, Point, tick_anchor
from router.report.scale import Scale, spread
from router.report.wording import MINUS, fitted
from training.benchmarks.page_words import called
from training.benchmarks.proof import SHARE_AXES, Proof
from training.report.names import BASELINES

WIDTH, HEIGHT = 860, 440
PANEL = 250
"""Height of one of several panels."""

_KEY = 230  # width of the key
_LEFT, _TOP, _BOTTOM = 62, 34, 56
_ROW = 21.0
_FOOT = 16  # height of the words under several panels

_OURS = ("accent", "teal", "violet", "good", "ink", "accent dashed", "teal dashed", "violet dashed")
_OTHERS = ("warn", "muted", "good dashed", "violet dashed", "teal dashed", "warn dashed", "muted dashed", "ink dashed")
_LIMIT, _CHANCE = "faint", "chance"
_NAMED = ("ours", "tierwise")

STYLE = """
:root { --teal: #0b7285; --violet: #6f42c1; }
@media screen and (prefers-color-scheme: dark) { :root { --teal: #58c4d4; --violet: #b99cf2; } }
svg .path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke: var(--muted); }
svg .path.ours { stroke-width: 3; }
svg .path.accent { stroke: var(--accent); }
svg .path.teal { stroke: var(--teal); }
svg .path.violet { stroke: var(--violet); }
svg .path.good { stroke: var(--good); }
svg .path.ink { stroke: var(--ink); }
svg .path.warn { stroke: var(--warn); }
svg .path.faint { stroke: var(--faint); }
svg .path.dashed { stroke-dasharray: 7 4; }
svg .path.chance { stroke-dasharray: 2 4; }
"""


@dataclass(frozen=True, slots=True)
class _Line:
    label: str
    points: tuple[Point, ...]
    look: str
    height: float
    """Its mean height, by which the key is ordered."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a panel's axes are on the canvas; ``title`` is empty where it is the only one."""

    title: str
    left: float
    right: float
    top: float
    bottom: float


def plot(proof: Proof) -> str | None:
    """The SVG file of the benchmark's curves, light or dark as the reader's screen is; None where it has none.

    Curves whose names begin with "PART: " are drawn in a panel for each part.
    """
    panels = _panels(proof)
    if not panels:
        return None
    key = _key_of(list(panels.values()))
    height = HEIGHT if len(panels) == 1 else PANEL * -(-len(panels) // 2) + _FOOT
    drawing = Drawing(WIDTH, max(height, _TOP + _ROW * (len(key) + 1)))
    for frame, lines in zip(_frames(list(panels)), panels.values(), strict=True):
        _panel(drawing, frame, lines, proof.axes)
    # Once for all panels: it may be longer than one of them is wide.
    across = fitted(proof.axes[0], WIDTH - _KEY - 10)
    drawing.text((WIDTH - _KEY, drawing.height - 10), across, "small", anchor="end")
    _key(drawing, key)
    return drawing.file(
        name=f"plot-{proof.name}",
        title=f"{proof.name}: {proof.axes[1]} over {proof.axes[0]}",
        description=f"From the highest to the lowest on average: {', '.join(line.label for line in key)}.",
        style=STYLE,
    )


def _panels(proof: Proof) -> dict[str, list[_Line]]:
    """Lines by the part that they belong to; all of them under the empty name where there are no parts."""
    split = {name: tuple(name.split(": ", 1)) for name in proof.curves}
    parts = list(dict.fromkeys(part[0] for part in split.values() if len(part) == 2))
    if len(parts) < 2 or any(len(part) == 1 for part in split.values()):
        lines = _lines(proof.curves, proof)
        return {"": lines} if lines else {}
    found = {
        part: _lines({own[1]: proof.curves[name] for name, own in split.items() if own[0] == part}, proof)
        for part in parts
    }
    return {part: lines for part, lines in found.items() if lines}


def _frames(titles: Sequence[str]) -> list[_Frame]:
    """One panel over the whole height, or several in two columns."""
    if len(titles) == 1:
        return [_Frame(titles[0], _LEFT, WIDTH - _KEY, _TOP, HEIGHT - _BOTTOM)]
    room = (WIDTH - _KEY) / 2
    return [
        _Frame(
            title,
            left=room * (place % 2) + _LEFT - 8,
            right=room * (place % 2 + 1),
            top=PANEL * (place // 2) + 46,
            bottom=PANEL * (place // 2 + 1) - 34,
        )
        for place, title in enumerate(titles)
    ]


def _panel(drawing: Drawing, frame: _Frame, lines: Sequence[_Line], axes: tuple[str, str]) -> None:
    x, y = _scales(lines, frame, axes)
    _axes(drawing, x, y, axes, frame)
    # Ours on top, and dashes over whole lines, where one router does just as another.
    weight = {line.label: (line.look.startswith("ours"), "dashed" in line.look, -row) for row, line in enumerate(lines)}
    for line in sorted(lines, key=lambda line: weight[line.label]):
        for piece in _within(line.points, y):
            drawing.curve([(x(along), y(up)) for along, up in piece], f"path {line.look}")


def _lines(curves: Mapping[str, Sequence[Sequence[float]]], proof: Proof) -> list[_Line]:
    """Ours first, in the order in which they are told; the oracle and chance last."""
    drawn = {name: _points(points) for name, points in curves.items() if len(points) > 1}
    if drawn and tuple(proof.axes) == SHARE_AXES and "random_mix" not in drawn:
        drawn.setdefault("random mix", ((0.0, 0.0), (1.0, 1.0)))
    return [_Line(called(name), drawn[name], look, _height(drawn[name])) for name, look in _looks(drawn, proof).items()]


def _looks(drawn: Mapping[str, object], proof: Proof) -> dict[str, str]:
    rivals = {*BASELINES, *proof.baselines, *proof.published}
    chance = [name for name in drawn if name in ("random mix", "random_mix", "random")]
    limit = [name for name in drawn if name.startswith("oracle")]
    rest = [name for name in drawn if name not in (*chance, *limit)]
    # Where some curve says that it is ours, those that do not are others'.
    ours = [name for name in rest if name.startswith(_NAMED)] or [name for name in rest if name not in rivals]
    others = [name for name in rest if name not in ours]
    looks = {name: f"ours {_OURS[place % len(_OURS)]}" for place, name in enumerate(ours)}
    looks |= {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(others)}
    return looks | dict.fromkeys(limit, _LIMIT) | dict.fromkeys(chance, _CHANCE)


def _points(points: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    """From left to right."""
    return tuple(sorted((float(x), float(y)) for x, y in points))


def _height(points: Sequence[Point]) -> float:
    x, y = np.array(points).T
    return float(np.trapezoid(y, x) / (x[-1] - x[0])) if x[-1] > x[0] else float(y.mean())


def _scales(lines: Sequence[_Line], frame: _Frame, axes: tuple[str, str]) -> tuple[Scale, Scale]:
    along = [x for line in lines for x, _ in line.points]
    # What nobody can reach may leave the plot, so that what routers do is seen.
    shown = [y for line in lines if line.look != _LIMIT for _, y in line.points] or [
        y for line in lines for _, y in line.points
    ]
    low, high = (0.0, 1.0) if _shares(axes[0], along) else (min(along), max(along))
    bottom, top = spread(shown, margin=0.06, least=0.01)
    return (
        Scale(low, high if high > low else low + 1, frame.left, frame.right),
        Scale(bottom, top, frame.bottom, frame.top),
    )


def _axes(drawing: Drawing, x: Scale, y: Scale, axes: tuple[str, str], frame: _Frame) -> None:
    dense = frame.title != ""
    for tick, words in _ticks(y, axes[1], about=5 if dense else 8).items():
        drawing.line((x.start, y(tick)), (x.end, y(tick)), "grid")
        drawing.text((x.start - 8, y(tick) + 4), words, "small", anchor="end")
    drawing.line((x.start, y.start), (x.end, y.start), "axis")
    for tick, words in _ticks(x, axes[0], about=4 if dense else 6).items():
        drawing.line((x(tick), y.start), (x(tick), y.start + 4), "axis")
        drawing.text((x(tick), y.start + 19), words, "small", anchor=tick_anchor(x(tick), words, drawing.width))
    if dense:
        drawing.text((x.start, frame.top - 26), fitted(called(frame.title), x.end - x.start), "strong")
    drawing.text((x.start if dense else 2, frame.top - (10 if dense else 18)), axes[1], "small")


def _ticks(scale: Scale, axis: str, *, about: int) -> dict[float, str]:
    """Round figures with their words, all of them with as many decimals as the finest needs."""
    ticks = [0.0 if abs(tick) < 1e-12 else tick for tick in scale.ticks(about)]
    factor, unit = (100, "%") if _shares(axis, (scale.low, scale.high)) else (1, "")
    finest = next(
        (each for each in range(6) if all(math.isclose(round(tick * factor, each), tick * factor) for tick in ticks)), 6
    )
    return {tick: f"{tick * factor:,.{finest}f}{unit}".replace("-", MINUS) for tick in ticks}


def _shares(axis: str, values: Sequence[float]) -> bool:
    """Whether an axis is of shares, to be written in per cent."""
    return ("share" in axis or axis == SHARE_AXES[1]) and max(values) <= 2 and min(values) >= -1


def _within(points: Sequence[Point], y: Scale) -> list[list[Point]]:
    """The pieces of a path between the ends of ``y``, cut where it crosses them."""
    pieces: list[list[Point]] = [[]]
    for place, point in enumerate(points):
        if place and y.within(point[1]) != y.within(points[place - 1][1]):
            (x1, y1), (x2, y2) = points[place - 1], point
            edge = y.high if max(y1, y2) > y.high else y.low
            cut = (x1 + (x2 - x1) * (edge - y1) / (y2 - y1), edge)
            pieces[-1].append(cut)
            if y.within(y1):
                pieces.append([])
        if y.within(point[1]):
            pieces[-1].append(point)
    return [piece for piece in pieces if len(piece) > 1]


def _key(drawing: Drawing, lines: Sequence[_Line]) -> None:
    left = WIDTH - _KEY + 14
    for row, line in enumerate(lines):
        up = _TOP + 10 + _ROW * row
        drawing.curve([(left, up), (left + 24, up)], f"path {line.look}")
        look = "accent" if line.look == "ours accent" else ""
        drawing.text((left + 31, up + 4.5), fitted(line.label, _KEY - 47), look)


def _key_of(panels: Sequence[Sequence[_Line]]) -> list[_Line]:
    """Each line once, in the order in which they lie on the average panel."""
    found: dict[str, list[_Line]] = {}
    for lines in panels:
        for line in lines:
            found.setdefault(line.label, []).append(line)
    mean = {label: sum(line.height for line in own) / len(own) for label, own in found.items()}
    return [found[label][0] for label in sorted(found, key=lambda label: -mean[label])]
