"""The gain distribution: how much better the strongest tier is expected to do, seen from the prompt alone."""

from __future__ import annotations

from itertools import pairwise

from router.report.drawing import Anchor, Drawing
from router.report.scale import Scale
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import count, fixed, share
from training.report.reading import Reading

TITLE = "Gain promised by the prompt"


def gain(read: Reading) -> Section:
    """A histogram with its zero marked."""
    edges, counts = read.numbers("gain", "edges"), read.numbers("gain", "counts")
    rising = all(low < high for low, high in pairwise(edges))
    if not counts or len(edges) != len(counts) + 1 or not rising or min(counts) < 0 or sum(counts) <= 0:
        return Section("gain", TITLE, "The evaluation has no histogram of predicted gains, so there is no plot.")
    rows = tuple(
        (f"{fixed(low)} to {fixed(high)}", count(number), share(number / sum(counts)))
        for low, high, number in zip(edges, edges[1:], counts, strict=False)
    )
    table = Table("Predicted gain of the strongest tier over the cheapest", ("gain", "requests", "share"), rows)
    plot = Plot("gain", "Predicted gain in quality", lambda width: _draw(edges, counts, width), span="half")
    return Section("gain", TITLE, _says(edges, counts), plot, (table,))


def _below_zero(edges: list[float], counts: list[float]) -> float:
    """The share of requests with no predicted gain; a bin across 0 is divided in proportion."""
    below = 0.0
    for low, high, number in zip(edges, edges[1:], counts, strict=False):
        below += number * min(max((0.0 - low) / (high - low), 0.0), 1.0)
    return below / sum(counts)


def _says(edges: list[float], counts: list[float]) -> str:
    none = _below_zero(edges, counts)
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    mean = sum(middle * number for middle, number in zip(middles, counts, strict=True)) / sum(counts)
    return (
        f"For about {none:.0%} of the requests the prompt alone promises nothing from the strongest tier; on average "
        f"it promises {mean * 100:+.0f} points of quality. A wide spread is what a router lives on: a single narrow "
        "peak would mean that prompts cannot be told apart."
    ).replace("-", "−")


def _draw(edges: list[float], counts: list[float], width: int) -> Drawing:
    height = 250
    drawing = Drawing(width, height)
    x = Scale(edges[0], edges[-1], 8, width - 8)
    y = Scale(0.0, max(counts), height - 44, 30)
    for low, high, number in zip(edges, edges[1:], counts, strict=False):
        look = "bar accent" if low + high > 0 else "bar"
        tip = f"{fixed(low)} to {fixed(high)}: {count(number)} requests"
        drawing.rect((x(low) + 0.5, y(number)), (x(high) - x(low) - 1, y.start - y(number)), look, tip=tip)
    drawing.line((x.start, y.start), (x.end, y.start), "axis")
    if x.within(0.0):
        drawing.line((x(0), 22), (x(0), y.start), "tick")
        none = _below_zero(edges, counts)
        room = 90
        if x(0) > room:
            drawing.text((x(0) - 8, 14), f"no gain {none:.0%}", "small", anchor="end")
        if x.end - x(0) > room:
            drawing.text((x(0) + 8, 14), f"gain {1 - none:.0%}", "accent")
    for tick in x.ticks(4 if width < NARROWEST else 6):
        where: Anchor = "start" if x(tick) < 24 else "end" if x(tick) > width - 24 else "middle"
        drawing.text(
            (x(tick), y.start + 18), f"{tick * 100:+.0f}".replace("-", "−").replace("+0", "0"), "small", anchor=where
        )
    drawing.text((x.end, y.start + 38), "points of quality, strongest minus cheapest", "small", anchor="end")
    return drawing
