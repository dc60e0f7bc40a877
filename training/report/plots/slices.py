"""Slices: quality by kind of request against the strongest tier's, because averages hide the unlucky."""

from __future__ import annotations

from dataclasses import dataclass

from router.report.drawing import Drawing, tick_anchor
from router.report.interval import Interval
from router.report.scale import Scale, spread
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import between, count, fitted, listed, plural, points, share
from training.report.reading import Reading

TITLE = "Does it hold in every slice?"
MOST = 24
"""Slices drawn, the worst first; the table has them all."""


@dataclass(frozen=True)
class Slice:
    """One kind of request."""

    name: str
    n: float | None
    quality: float
    strong: float | None
    interval: Interval | None
    cost: float | None
    paired: Interval | None
    """Of the difference, from paired rows."""

    @property
    def difference(self) -> float:
        """Its quality less the strongest tier's, 0 where that is not known."""
        return self.quality - self.strong if self.strong is not None else 0.0

    @property
    def worse(self) -> bool:
        """Whether the strongest tier is better beyond chance: by the paired interval, which is the sharper, if any."""
        if self.paired is not None:
            return self.paired.high < 0
        return self.interval is not None and self.strong is not None and self.interval.high < self.strong


def slices(read: Reading) -> Section:
    """A dot with its interval per slice, and a tick where the strongest tier stands."""
    found = [_slice(row) for row in read.rows("slices")]
    known = sorted((each for each in found if each is not None), key=lambda each: each.difference)
    if not known:
        return Section("slices", TITLE, "The evaluation has no slices, so whether averages hide one is not known.")
    rows = tuple(
        (
            each.name,
            count(each.n),
            share(each.quality),
            between(each.interval, share),
            share(each.strong),
            points(each.difference) if each.strong is not None else "",
            between(each.paired, points),
            share(each.cost),
        )
        for each in known
    )
    head = (
        "slice",
        "requests",
        "quality",
        "95% interval",
        "strongest",
        "difference",
        "95% interval",
        "cost of strongest’s",
    )
    plot = Plot("slices", "Quality by slice against the strongest tier", lambda width: _draw(known[:MOST], width))
    return Section("slices", TITLE, _says(known), plot, (Table("Quality by slice, worst first", head, rows).trimmed(),))


def _slice(row: Reading) -> Slice | None:
    quality = row.number("quality")
    if quality is None:
        return None
    return Slice(
        row.text("slice") or "unnamed",
        row.number("n"),
        quality,
        row.number("strong_quality"),
        row.interval("quality_interval"),
        row.number("cost_of_strong"),
        row.interval("gain_over_strong_interval"),
    )


def _says(known: list[Slice]) -> str:
    judged = [each for each in known if each.strong is not None and each.interval is not None]
    worse = [each.name for each in judged if each.worse]
    if not judged:
        return "Quality by slice; without intervals no slice can be told from chance."
    if worse:
        some = f"In {len(worse)} of {plural(len(judged), 'slice')}"
        told = f"{some} the strongest tier is better beyond chance: {listed(worse)}."
    else:
        told = f"In none of the {plural(len(judged), 'slice')} is the strongest tier better beyond chance."
    low = judged[0]
    told += (
        f" The largest loss is {points(-low.difference).removeprefix('+')} in {low.name}." if low.difference < 0 else ""
    )
    if len(judged) > 9:
        told += f" Of {len(judged)} intervals one or two miss by chance alone."
    return told


def _draw(known: list[Slice], width: int) -> Drawing:
    narrow = width < NARROWEST
    row, top, foot = (46 if narrow else 27), 30, 26
    drawing = Drawing(width, top + row * len(known) + foot)
    values = [each.quality for each in known] + [each.strong for each in known if each.strong is not None]
    ends = [end for each in known if each.interval for end in (each.interval.low, each.interval.high)]
    low, high = spread([*values, *ends], margin=0.03, least=0.05)
    x = Scale(max(low, min(0.0, *values)), high, 4 if narrow else 250, width - (8 if narrow else 120))
    bottom = top + row * len(known)
    for tick in x.ticks(4 if narrow else 6):
        drawing.line((x(tick), top), (x(tick), bottom), "grid")
        drawing.text((x(tick), bottom + 17), f"{tick:.0%}", "small", anchor=tick_anchor(x(tick), f"{tick:.0%}", width))
    _key(drawing, x.start)
    if not narrow:
        drawing.text((width, 14), "cost of strongest's", "small", anchor="end")
    for line, each in enumerate(known):
        middle = top + row * line + (32 if narrow else row / 2)
        look = "warn" if each.worse else "accent"
        number = f"n = {count(each.n)}" if each.n is not None else ""
        if narrow:
            drawing.text((0, middle - 14), fitted(each.name, 180), "warn" if each.worse else "")
            drawing.text(
                (width, middle - 14),
                f"{number}, {share(each.cost)} of cost" if each.cost is not None else number,
                "small",
                anchor="end",
            )
        else:
            drawing.text((0, middle + 4), fitted(each.name, 192), "warn" if each.worse else "")
            drawing.text((232, middle + 4), number.removeprefix("n = "), "small", anchor="end")
            drawing.text((width, middle + 4), share(each.cost) if each.cost is not None else "", "small", anchor="end")
        if each.interval is not None:
            drawing.line(
                (x.clipped(each.interval.low), middle), (x.clipped(each.interval.high), middle), f"whisker {look}"
            )
        if each.strong is not None:
            drawing.line((x(each.strong), middle - 7), (x(each.strong), middle + 7), "tick")
        tip = f"{each.name}: {share(each.quality)} ({between(each.interval, share)}), strongest {share(each.strong)}"
        drawing.dot((x(each.quality), middle), 5, f"dot {look}", tip=tip)
    return drawing


def _key(drawing: Drawing, left: float) -> None:
    """What the two marks are, beside the first row and not in a box."""
    drawing.dot((left + 5, 10), 5, "dot accent")
    drawing.text((left + 16, 14.5), "policy, 95% interval", "small")
    drawing.line((left + 156, 3), (left + 156, 17), "tick")
    drawing.text((left + 164, 14.5), "strongest tier", "small")
