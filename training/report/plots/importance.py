"""Which features matter to the estimators."""

from __future__ import annotations

from router.report.drawing import Drawing
from router.report.scale import Scale
from router.report.section import Plot, Section
from router.report.table import Table
from router.report.wording import fitted, listed, plain, share
from training.report.reading import Reading

TITLE = "Which features matter"
MOST = 12
"""Features drawn; the table has them all."""

Weights = list[tuple[str, float]]


def importance(read: Reading) -> Section:
    """Bars, the weightiest first."""
    rows = [(row.text("name"), row.number("importance")) for row in read.rows("importance")]
    known = sorted(((name, value) for name, value in rows if value is not None), key=lambda each: -abs(each[1]))
    if not known or known[0][1] == 0:
        return Section("importance", TITLE, "The evaluation has no feature importance, so there is no plot.")
    table = Table("Importance by feature", ("feature", "importance"), tuple((n, plain(v)) for n, v in known))
    plot = Plot("importance", TITLE, lambda width: _draw(known[:MOST], width), span="half")
    return Section("importance", TITLE, _says(known), plot, (table,))


def _says(known: Weights) -> str:
    total = sum(abs(value) for _, value in known)
    top = known[:3]
    held = sum(abs(value) for _, value in top) / total
    negative = [name for name, value in known if value < 0]
    names = listed([name for name, _ in top])
    told = f"{names} carry {share(held)} of the importance of the {len(known)} features listed."
    if negative:
        told += f" Below zero, so no better than noise on these rows: {listed(negative)}."
    return told


def _draw(known: Weights, width: int) -> Drawing:
    row = 24
    drawing = Drawing(width, row * len(known) + 4)
    left = 190 if width > 380 else 150
    x = Scale(0.0, max(abs(value) for _, value in known), left, width - 56)
    for line, (name, value) in enumerate(known):
        middle = row * (line + 0.5)
        drawing.text((left - 8, middle + 4), fitted(name, left - 12), anchor="end")
        look = "bar accent" if value > 0 else "bar"
        drawing.rect((left, middle - 7), (x(abs(value)) - left, 14), look, tip=f"{name}: {plain(value)}")
        drawing.text((x(abs(value)) + 6, middle + 4), f"{value:.2g}".replace("-", "−"), "small")
    return drawing
