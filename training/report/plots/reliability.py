"""Reliability: what share of the answers was acceptable, of those given a confidence, before and after calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest

from router.report.drawing import Drawing, Point
from router.report.scale import Scale
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import count, fitted, listed, share
from training.report.names import tiers_of
from training.report.reading import Reading

TITLE = "Can its confidence be believed?"


@dataclass(frozen=True)
class Bin:
    """Answers of about one confidence."""

    confidence: float
    observed: float
    n: float


@dataclass(frozen=True)
class Panel:
    """One tier; either side may be empty."""

    tier: str
    before: tuple[Bin, ...]
    after: tuple[Bin, ...]
    ece_before: float | None
    ece_after: float | None


def reliability(read: Reading) -> Section:
    """A diagram per tier."""
    found = read.part("calibration")
    names = [tier for tier in tiers_of(read) if tier in found.names()]
    names += [name for name in found.names() if name not in names]
    panels = tuple(panel for name in names if (panel := _panel(name, found.part(name))).before or panel.after)
    if not panels:
        return Section(
            "reliability", TITLE, "The evaluation has no reliability bins, so there is no reliability diagram."
        )
    plot = Plot("reliability", "Reliability before and after calibration", lambda width: _draw(panels, width))
    return Section("reliability", TITLE, _says(panels), plot, tuple(_table(panel) for panel in panels))


def _panel(tier: str, found: Reading) -> Panel:
    return Panel(
        tier,
        _bins(found.part("before")),
        _bins(found.part("after")),
        found.number("before", "ece"),
        found.number("after", "ece"),
    )


def _bins(side: Reading) -> tuple[Bin, ...]:
    rows = [(row.number("confidence"), row.number("observed"), row.number("n")) for row in side.rows("bins")]
    known = [Bin(c, o, n or 0.0) for c, o, n in rows if c is not None and o is not None]
    return tuple(sorted(known, key=lambda each: each.confidence))


def _says(panels: tuple[Panel, ...]) -> str:
    told = []
    for panel in panels:
        if panel.ece_before is not None and panel.ece_after is not None:
            told.append(f"from {share(panel.ece_before)} to {share(panel.ece_after)} for {panel.tier}")
        elif panel.ece_after is not None:
            told.append(f"to {share(panel.ece_after)} for {panel.tier}")
    read = "On the diagonal a confidence of 70% is right 70% of the time; below it the model is too sure of itself."
    if not told:
        return read
    worse = [
        p.tier for p in panels if p.ece_before is not None and p.ece_after is not None and p.ece_after > p.ece_before
    ]
    also = f" It got worse for {listed(worse)}: look there before trusting a threshold." if worse else ""
    return f"Calibration brings the expected error of the confidence (ECE) {listed(told)}.{also} {read}"


def _table(panel: Panel) -> Table:
    """Bins by rank of confidence, the two sides beside each other."""
    rows = tuple(
        (str(place), *_cells(before), *_cells(after))
        for place, (before, after) in enumerate(zip_longest(panel.before, panel.after), 1)
    )
    side = ("confidence", "acceptable", "answers")
    head = ("bin", *(f"before: {side[0]}", *side[1:]), *(f"after: {side[0]}", *side[1:]))
    return Table(f"Reliability of {panel.tier}", head, rows)


def _cells(each: Bin | None) -> tuple[str, str, str]:
    return ("", "", "") if each is None else (share(each.confidence), share(each.observed), count(each.n))


def _draw(panels: tuple[Panel, ...], width: int) -> Drawing:
    columns = 1 if width < NARROWEST else min(3, max(2, len(panels)))
    gap = 36
    side = min(300.0 if columns > 1 else width - 50, (width - gap * (columns - 1)) / columns - 46)
    tall = side + 104
    drawing = Drawing(width, tall * math.ceil(len(panels) / columns) - 12)
    most = max(each.n for panel in panels for each in (*panel.before, *panel.after))
    for place, panel in enumerate(panels):
        left = (place % columns) * (side + 46 + gap) + 40
        _diagram(drawing, panel, (left, (place // columns) * tall + 48), side, most)
    return drawing


def _diagram(drawing: Drawing, panel: Panel, corner: Point, side: float, most: float) -> None:
    left, top = corner
    x = Scale(0.0, 1.0, left, left + side)
    y = Scale(0.0, 1.0, top + side, top)
    drawing.text((left - 36, top - 32), fitted(panel.tier, side), "strong")
    if panel.ece_after is not None:
        told = f"ECE {share(panel.ece_after)}"
        if panel.ece_before is not None:
            told = f"ECE {share(panel.ece_before)} before, {share(panel.ece_after)} after"
        drawing.text((left - 36, top - 14), told, "small")
    for tick in (0.0, 0.5, 1.0):
        drawing.line((x(0), y(tick)), (x(1), y(tick)), "grid")
        drawing.text((left - 8, y(tick) + 4), f"{tick:.0%}", "small", anchor="end")
        drawing.text(
            (x(tick), y(0) + 17),
            f"{tick:.0%}",
            "small",
            anchor="start" if not tick else "end" if tick == 1 else "middle",
        )
    for each in panel.after or panel.before:
        tall = 30 * each.n / most if most > 0 else 0.0
        drawing.rect((x.clipped(each.confidence) - 4, y(0) - tall), (8, tall), "bar", tip=f"{count(each.n)} answers")
    drawing.line((x(0), y(0)), (x(1), y(1)), "rule")
    drawing.text((x(1), y(0) + 34), "confidence, against share acceptable (bars: answers)", "small", anchor="end")
    for bins, curve, look, name in (
        (panel.before, "curve faint", "ring", "before"),
        (panel.after, "curve accent", "dot accent", "after"),
    ):
        drawing.curve([(x.clipped(each.confidence), y.clipped(each.observed)) for each in bins], curve)
        for each in bins:
            radius = 2.5 + 3.5 * math.sqrt(each.n / most) if most > 0 else 4.0
            told = f"confidence {share(each.confidence)}, acceptable {share(each.observed)}, {count(each.n)} answers"
            tip = f"{name}: {told}"
            drawing.dot((x.clipped(each.confidence), y.clipped(each.observed)), radius, look, tip=tip)
    drawing.dot((x(0) + 12, y(1) + 12), 4.5, "ring")
    drawing.text((x(0) + 22, y(1) + 16.5), "before", "small")
    drawing.dot((x(0) + 12, y(1) + 30), 4.5, "dot accent")
    drawing.text((x(0) + 22, y(1) + 34.5), "after", "accent")
