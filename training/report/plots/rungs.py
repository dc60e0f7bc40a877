"""The ladder of complexity: the cross-validated policy area of every rung, and which was picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.report.drawing import Drawing, tick_anchor
from router.report.scale import Scale, spread
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import fitted, listed
from training.report.reading import Reading

TITLE = "How complex a model the labels bear"


@dataclass(frozen=True)
class Rung:
    """One rung; ``area`` is the cross-validated quality-cost area, None where it was not tried."""

    name: str
    area: float | None
    picked: bool
    why: str


def rungs(tried: Sequence[Mapping[str, Any]]) -> Section:
    """A dot per rung, in the ladder's order."""
    read = Reading({"rungs": list(tried)}).rows("rungs")
    found = [
        Rung(r.text("rung") or "unnamed", r.number("area"), r.flag("picked") or False, r.text("why")) for r in read
    ]
    if not found:
        return Section("rungs", TITLE, "The run names no rungs, so which complexity was tried is not known.")
    head = ("rung", "policy area", "picked", "why")
    rows = tuple((r.name, _area(r.area), "yes" if r.picked else "", r.why) for r in found)
    marked = next((rung.name for rung in found if rung.picked), None)
    table = Table("Rungs of the ladder", head, rows, words=(2, 3), marked=marked)
    drawn = any(rung.area is not None for rung in found)
    plot = Plot("rungs", "Cross-validated policy area by rung", lambda width: _draw(found, width)) if drawn else None
    return Section("rungs", TITLE, _says(found), plot, (table,))


def _area(value: float | None) -> str:
    return "not tried" if value is None else f"{value:.4f}"


def _says(found: list[Rung]) -> str:
    picked = [rung for rung in found if rung.picked]
    known = [rung for rung in found if rung.area is not None]
    if not picked:
        return "The run does not say which rung was picked."
    told = f"Picked: {listed([rung.name for rung in picked])}"
    if picked[0].why:
        told += f" ({picked[0].why.rstrip('.')})"
    if picked[0].area is not None and len(known) > 1:
        best = max(known, key=lambda rung: rung.area or 0.0)
        behind = (best.area or 0.0) - picked[0].area
        told += (
            f". It has the largest cross-validated area of the {len(known)} tried"
            if behind <= 0
            else f". It is {behind:.4f} of area behind {best.name}, the best of the {len(known)} tried"
        )
    return told + "."


def _draw(found: list[Rung], width: int) -> Drawing:
    narrow = width < NARROWEST
    row, foot = (44 if narrow else 28), 26
    drawing = Drawing(width, row * len(found) + foot + 8)
    low, high = spread([rung.area for rung in found if rung.area is not None], margin=0.12, least=0.005)
    x = Scale(low, high, 8 if narrow else 250, width - (70 if narrow else 120))
    bottom = row * len(found) + 6
    for tick in x.ticks(3 if narrow else 6):
        drawing.line((x(tick), 0), (x(tick), bottom), "grid")
        drawing.text((x(tick), bottom + 18), f"{tick:.4g}", "small", anchor=tick_anchor(x(tick), f"{tick:.4g}", width))
    for line, rung in enumerate(found):
        middle = row * line + (32 if narrow else row / 2)
        label = (0, middle - 16) if narrow else (0, middle + 4)
        drawing.text(label, fitted(rung.name, width - 10 if narrow else 236), "accent" if rung.picked else "")
        if rung.area is None:
            drawing.text((x.start, middle + 4), "not tried", "small")
            continue
        tip = f"{rung.name}: {_area(rung.area)}"
        drawing.dot((x(rung.area), middle), 7 if rung.picked else 5, "dot accent" if rung.picked else "dot", tip=tip)
        words = f"{rung.area:.4f}, picked" if rung.picked and not narrow else f"{rung.area:.4f}"
        drawing.text((x(rung.area) + 12, middle + 4), words, "accent" if rung.picked else "small")
    return drawing
