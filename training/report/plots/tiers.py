"""Where requests and money go: calls, escalations, answers and cost, tier by tier."""

from __future__ import annotations

from dataclasses import dataclass

from router.report.drawing import Drawing, Point
from router.report.scale import Scale
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import fitted, plain, share
from training.report.names import tiers_of
from training.report.reading import Reading

TITLE = "Where requests and money go"
MEASURES = (
    ("visit_share", "asked", "of requests"),
    ("escalation_rate", "escalated from", "of its answers"),
    ("final_share", "gave the answer", "of requests"),
    ("cost_share", "share of the cost", "of all spending"),
)


@dataclass(frozen=True)
class Flow:
    """One tier's shares by key of ``MEASURES``, None where the evaluation lacks one."""

    tier: str
    shares: dict[str, float | None]


def tiers(read: Reading) -> Section:
    """Bars by tier for each measure."""
    flows = [Flow(name, {key: read.number("policy", key, name) for key, _, _ in MEASURES}) for name in tiers_of(read)]
    if not any(value is not None for flow in flows for value in flow.shares.values()):
        return Section(
            "tiers", TITLE, "The evaluation has no shares by tier, so where requests and money go is not drawn."
        )
    wasted = read.number("policy", "wasted_share")
    rows = tuple((flow.tier, *(share(flow.shares[key]) for key, _, _ in MEASURES)) for flow in flows)
    head = ("tier", *(f"{name} ({of})" for _, name, of in MEASURES))
    tables = [Table("Shares by tier", head, rows)]
    latency = read.part("policy", "latency")
    if latency:
        times = tuple((name, f"{plain(latency.number(name))} s") for name in latency.names())
        tables.append(Table("Latency of a request, all its calls together", ("", "value"), times))
    plot = Plot("tiers", "Calls, escalations, answers and cost by tier", lambda width: _draw(flows, width))
    return Section("tiers", TITLE, _says(flows, wasted), plot, tuple(tables))


def _says(flows: list[Flow], wasted: float | None) -> str:
    told = []
    first, last = flows[0], flows[-1]
    if first.shares["final_share"] is not None:
        told.append(f"{first.tier} gives {share(first.shares['final_share'])} of the answers")
    if len(flows) > 1 and last.shares["visit_share"] is not None:
        asked = f"{last.tier} is asked in {share(last.shares['visit_share'])} of the requests"
        if last.shares["cost_share"] is not None:
            asked += f" and takes {share(last.shares['cost_share'])} of the money"
        told.append(asked)
    if wasted is not None:
        told.append(
            f"{share(wasted)} of the cost went into answers that were not returned: the price of trying cheap first"
        )
    return "; ".join(told) + "." if told else "Each bar is a share, as written beside it."


def _draw(flows: list[Flow], width: int) -> Drawing:
    narrow = width < NARROWEST
    row, head = 28, 40
    block = head + row * len(flows)
    if narrow:
        drawing = Drawing(width, (block + 14) * len(MEASURES) - 14)
        for place, (key, name, of) in enumerate(MEASURES):
            top = place * (block + 14)
            drawing.text((0, top + 14), name, "strong")
            drawing.text((0, top + 31), of, "small")
            for line, flow in enumerate(flows):
                middle = top + head + row * (line + 0.5)
                drawing.text((0, middle + 4), fitted(flow.tier, 106), "small")
                _bar(drawing, flow, key, Scale(0.0, 1.0, 112, width - 52), middle)
        return drawing
    drawing = Drawing(width, block)
    left, gap = 150, 22
    each = (width - left - gap * (len(MEASURES) - 1)) / len(MEASURES)
    for line, flow in enumerate(flows):
        drawing.text((0, head + row * (line + 0.5) + 4), fitted(flow.tier, 140), "strong")
    for place, (key, name, of) in enumerate(MEASURES):
        start = left + place * (each + gap)
        drawing.text((start, 14), name, "strong")
        drawing.text((start, 31), of, "small")
        for line, flow in enumerate(flows):
            _bar(drawing, flow, key, Scale(0.0, 1.0, start, start + each - 48), head + row * (line + 0.5))
    return drawing


def _bar(drawing: Drawing, flow: Flow, key: str, x: Scale, middle: float) -> None:
    value = flow.shares[key]
    corner: Point = (x.start, middle - 8)
    drawing.rect(corner, (x.end - x.start, 16), "track")
    if value is None:
        drawing.text((x.start + 6, middle + 4), "not known", "small")
        return
    drawing.rect(corner, (x.clipped(value) - x.start, 16), "bar accent", tip=f"{flow.tier}: {share(value)}")
    drawing.text((x.end + 6, middle + 4), share(value))
