"""The plot of docs/spend.md: a bar a lever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.month.levers import ALL, BASELINE
from benchmarks.month.page import points, share
from router.report.drawing import Drawing, tick_anchor
from router.report.scale import Scale

WIDTH = 860
_ROW, _TOP, _FOOT, _LABELS, _SAYS = 34, 64, 34, 200, 210


def plot(found: Mapping[str, Any]) -> str:
    """What each lever saved in the simulated month, as an SVG file."""
    month = found["simulated"]
    rows = [row for row in month["rows"] if row["name"] != BASELINE.name]
    bottom = _TOP + _ROW * len(rows)
    drawing = Drawing(WIDTH, bottom + _FOOT)
    drawing.text((0, 18), "Saved by each lever, of what always asking the strongest tier costs", "strong")
    drawing.text((0, 40), f"SIMULATED: {month['requests']:,} requests, seed {month['seed']}", "warn")
    most = max(0.05, *(row["saved"] for row in rows))
    x = Scale(min(0.0, *(row["saved"] for row in rows)), most, _LABELS, WIDTH - _SAYS)
    for value in x.ticks(6):
        words = f"{value:.0%}".replace("%", " %")
        drawing.line((x(value), _TOP - 6), (x(value), bottom), "grid")
        drawing.text((x(value), bottom + 18), words, "small", anchor=tick_anchor(x(value), words, WIDTH))
    for place, row in enumerate(rows):
        top, accent = _TOP + _ROW * place, row["name"] == ALL
        says = f"{share(row['saved'])}; right answers {_change(-row['right_lost'])}"
        start, end = sorted((x(0.0), x(row["saved"])))
        drawing.text((_LABELS - 10, top + 20), row["title"], "strong" if accent else "", anchor="end")
        drawing.rect(
            (start, top + 5), (end - start, _ROW - 12), "bar accent" if accent else "bar", tip=f"{row['title']}: {says}"
        )
        drawing.text((end + 8, top + 20), says, "small")
    told = "; ".join(f"{row['title']} {share(row['saved'])}" for row in rows)
    return drawing.file(
        name="month", title="Saved by each lever in a SIMULATED month", description=f"SIMULATED. {told}."
    )


def _change(value: float) -> str:
    text = points(value, unit="")
    return "as many" if text == "0.0" else f"{'+' if value > 0 else ''}{text} points"
