"""Cost against quality: the policy, its baselines, what the tiers alone can do, and what knowing the labels would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from router.report.drawing import Drawing, Point, tick_anchor
from router.report.interval import Interval
from router.report.scale import Scale, spread
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import between, change, count, dollars, listed, points, share, shortened
from training.report.hull import tier_point, upper_hull
from training.report.names import baseline_name, tiers_of
from training.report.placing import Box, Placing
from training.report.reading import Reading

TITLE = "Cost against quality"
MOST_DOTS = 400
"""Candidate policies drawn at most; more only blacken the paper."""


@dataclass(frozen=True)
class Mark:
    """A labelled point: ``cost`` in USD per 1,000 requests."""

    label: str
    kind: Literal["policy", "tier", "oracle", "baseline"]
    cost: float
    quality: float
    gain: Interval | None = None
    """Of the policy's quality less its own, from paired rows."""
    note: str = ""

    @property
    def place(self) -> Point:
        """Its cost and quality."""
        return self.cost, self.quality


@dataclass(frozen=True)
class Shown:
    """All that the plot shows."""

    policy: Mark
    quality_interval: Interval | None
    cost_interval: Interval | None
    marks: tuple[Mark, ...]
    hull: tuple[Point, ...]
    tried: tuple[Point, ...]
    strong: Mark | None


def frontier(read: Reading) -> Section:
    """The section of the frontier; without the policy's own figures there is nothing to set baselines against."""
    cost, quality = read.number("policy", "cost_per_1k"), read.number("policy", "quality")
    if cost is None or quality is None:
        return Section("frontier", TITLE, "The evaluation has no cost and quality of the policy, so there is no plot.")
    marks = _marks(read)
    strong = tiers_of(read)[-1:] or [""]
    shown = Shown(
        policy=Mark("this policy", "policy", cost, quality),
        quality_interval=read.interval("policy", "quality_interval"),
        cost_interval=read.interval("policy", "cost_interval"),
        marks=marks,
        hull=tuple(sorted(read.points("hull"))),
        tried=_tried(read),
        strong=next((mark for mark in marks if mark.kind == "tier" and mark.label == strong[0]), None),
    )
    plot = Plot("frontier", TITLE, lambda width: _draw(shown, width))
    return Section("frontier", TITLE, _says(shown), plot, _tables(read, shown))


def _marks(read: Reading) -> tuple[Mark, ...]:
    """Baselines with the tiers first; the same point under another name is said once."""
    found = dict(read.part("baselines").items())
    marks: list[Mark] = []

    def add(label: str, kind: Literal["oracle", "baseline"], row: Reading) -> None:
        cost, quality = row.number("cost_per_1k"), row.number("quality")
        if cost is not None and quality is not None:
            gain = row.interval("policy_gain_interval")
            marks.append(Mark(label, kind, cost, quality, gain, row.text("note")))

    alone = {tier: place for tier in tiers_of(read) if (place := tier_point(read, tier)) is not None}
    for tier, place in alone.items():
        gain = found.get(f"single:{tier}", Reading(None)).interval("policy_gain_interval")
        marks.append(Mark(tier, "tier", *place, gain))
    for name, row in found.items():
        if name.startswith("single:"):
            continue
        cost, quality = row.number("cost_per_1k"), row.number("quality")
        if name in {"always_cheap", "always_strong", "best_single"} and (cost, quality) in alone.values():
            continue
        add(baseline_name(name), "oracle" if name == "oracle" else "baseline", row)
    return tuple(marks)


def _tried(read: Reading) -> tuple[Point, ...]:
    points = [(row.number("cost_per_1k"), row.number("quality")) for row in read.rows("frontier")]
    known = [(cost, quality) for cost, quality in points if cost is not None and quality is not None]
    return tuple(known[:: max(1, -(-len(known) // MOST_DOTS))])


def _says(shown: Shown) -> str:
    policy = shown.policy
    quality, cost = between(shown.quality_interval, share), between(shown.cost_interval, dollars)
    reached = f"{share(policy.quality)} quality{f' ({quality})' if quality else ''}"
    spent = f"{dollars(policy.cost)}{f' ({cost})' if cost else ''} per 1,000 requests"
    told = [f"The policy reaches {reached} for {spent}"]
    if shown.strong is not None and shown.strong.cost > 0:
        strong = shown.strong
        told[0] += (
            f", {change(policy.cost / strong.cost - 1)} in cost against {strong.label} alone "
            f"({share(strong.quality)} for {dollars(strong.cost)})"
        )
    rivals = [mark for mark in shown.marks if mark.kind != "oracle"]
    beaten = [
        f"{m.label} alone" if m.kind == "tier" else m.label
        for m in rivals
        if m.cost <= policy.cost and m.quality >= policy.quality
    ]
    if beaten:
        told.append(f"Better and no dearer here: {listed(beaten)}")
    elif rivals:
        told.append(f"None of the {len(rivals)} baselines is both as cheap and as good")
    oracle = next((mark for mark in shown.marks if mark.kind == "oracle"), None)
    if oracle is not None:
        told.append(
            f"The oracle, which reads the labels and so flatters itself, marks the limit: {share(oracle.quality)} for "
            f"{dollars(oracle.cost)}"
        )
    return ". ".join(told) + "."


def _tables(read: Reading, shown: Shown) -> tuple[Table, ...]:
    strong = shown.strong.cost if shown.strong is not None else None
    rows = tuple(
        (
            f"{mark.label} alone" if mark.kind == "tier" else mark.label,
            share(mark.quality),
            "" if mark.kind == "policy" else points(shown.policy.quality - mark.quality),
            between(mark.gain, points),
            dollars(mark.cost),
            share(mark.cost / strong) if strong else "",
        )
        for mark in (shown.policy, *sorted(shown.marks, key=lambda mark: mark.cost))
    )
    head = ("", "quality", "policy better by", "95% interval", "USD per 1,000", "of the strongest’s cost")
    n = read.number("n")
    told = f"Policy and baselines on {count(n)} requests" if n is not None else "Policy and baselines"
    compared = Table(f"{told}, cheapest first", head, rows, marked=shown.policy.label).trimmed()
    notes = tuple((mark.label, mark.note) for mark in shown.marks if mark.note)
    return (compared, Table("What the baselines are", ("", "value"), notes, words=(1,))) if notes else (compared,)


def _draw(shown: Shown, width: int) -> Drawing:
    narrow = width < NARROWEST
    height = 380 if narrow else 470
    drawing = Drawing(width, height)
    x, y = _scales(shown, width, height, narrow=narrow)
    _axes(drawing, x, y, narrow=narrow)
    for point in shown.tried:
        if x.within(point[0]) and y.within(point[1]):
            drawing.dot((x(point[0]), y(point[1])), 2, "dot faint")
    mixing = upper_hull([mark.place for mark in shown.marks if mark.kind == "tier"])
    drawing.curve([(x(cost), y(quality)) for cost, quality in mixing], "rule")
    hull = [(x(cost), y(quality)) for cost, quality in shown.hull if x.within(cost) and y.within(quality)]
    drawing.curve(hull, "curve")
    _whiskers(drawing, shown, x, y)
    for mark in (*shown.marks, shown.policy):
        _dot(drawing, mark, (x(mark.cost), y(mark.quality)))
    _labels(drawing, shown, x, y, mixing=mixing, hull=hull)
    return drawing


def _scales(shown: Shown, width: int, height: int, *, narrow: bool) -> tuple[Scale, Scale]:
    everything = (shown.policy, *shown.marks)
    costs = [mark.cost for mark in everything]
    bounds = shown.cost_interval
    right = max(*costs, bounds.high) if bounds and costs else max(costs)
    qualities = [mark.quality for mark in everything]
    if shown.quality_interval is not None:
        qualities += [shown.quality_interval.low, shown.quality_interval.high]
    low, high = spread(qualities, margin=0.07, least=0.01)
    left = 44 if narrow else 52
    # From 0 on the cost axis: half the way there is half the cost.
    x = Scale(0.0, right * 1.04 if right > 1e-12 else 1.0, left, width - (10 if narrow else 16))
    return x, Scale(low, high, height - 48, 30)


def _axes(drawing: Drawing, x: Scale, y: Scale, *, narrow: bool) -> None:
    for tick in y.ticks(6):
        drawing.line((x.start, y(tick)), (x.end, y(tick)), "grid")
        drawing.text(
            (x.start - 8, y(tick) + 4), f"{tick:.3g}" if y.high - y.low < 0.03 else f"{tick:.0%}", "small", anchor="end"
        )
    drawing.line((x.start, y.start), (x.end, y.start), "axis")
    for tick in x.ticks(4 if narrow else 7):
        drawing.line((x(tick), y.start), (x(tick), y.start + 4), "axis")
        words = dollars(tick) if tick else "$0"
        drawing.text((x(tick), y.start + 19), words, "small", anchor=tick_anchor(x(tick), words, drawing.width))
    drawing.text((2, 14), "quality", "small")
    drawing.text((x.end, y.start + 40), "cost per 1,000 requests", "small", anchor="end")


def _whiskers(drawing: Drawing, shown: Shown, x: Scale, y: Scale) -> None:
    across, up = x(shown.policy.cost), y(shown.policy.quality)
    if shown.cost_interval is not None:
        ends = shown.cost_interval
        drawing.line((x.clipped(ends.low), up), (x.clipped(ends.high), up), "whisker accent")
    if shown.quality_interval is not None:
        ends = shown.quality_interval
        drawing.line((across, y(ends.low)), (across, y(ends.high)), "whisker accent")


def _dot(drawing: Drawing, mark: Mark, place: Point) -> None:
    tip = f"{mark.label}: {share(mark.quality)} for {dollars(mark.cost)} per 1,000"
    match mark.kind:
        case "policy":
            drawing.dot(place, 7, "dot accent", tip=tip)
        case "tier":
            drawing.dot(place, 5, "dot ink", tip=tip)
        case "oracle":
            drawing.diamond(place, 6, "ring", tip=tip)
        case "baseline":
            drawing.dot(place, 4.5, "ring", tip=tip)


def _labels(drawing: Drawing, shown: Shown, x: Scale, y: Scale, *, mixing: list[Point], hull: list[Point]) -> None:
    """Labels in the order of their weight; the ones for which no room is left are in the table."""
    order = {"policy": 0, "tier": 1, "oracle": 2, "baseline": 3}
    marks = sorted((shown.policy, *shown.marks), key=lambda mark: (order[mark.kind], -mark.quality))
    bounds = Box(x.start + 2, y.end - 26, x.end + 6, y.start - 2)
    placing = Placing(bounds, [(x(mark.cost), y(mark.quality)) for mark in marks])
    across, up = x(shown.policy.cost), y(shown.policy.quality)
    if shown.quality_interval is not None:
        placing.take(Box(across - 3, y(shown.quality_interval.high), across + 3, y(shown.quality_interval.low)))
    if shown.cost_interval is not None:
        placing.take(Box(x.clipped(shown.cost_interval.low), up - 3, x.clipped(shown.cost_interval.high), up + 3))
    looks = {"policy": "accent", "tier": "strong", "oracle": "small", "baseline": "small"}
    alone = [(x(cost), y(quality)) for cost, quality in mixing]
    for curve in (hull, alone):
        placing.avoid(curve)
    narrow = drawing.width < NARROWEST
    together = {mark.place: [each.label for each in marks if each.place == mark.place] for mark in marks}
    for mark in marks:
        if mark.label != together[mark.place][0]:
            continue
        # A crowd of long leaders on a narrow screen says less than the table does.
        reach = 1 if narrow and mark.kind == "baseline" else 4
        _label(
            drawing,
            placing,
            (x(mark.cost), y(mark.quality)),
            shortened(", ".join(together[mark.place]), 40),
            looks[mark.kind],
            reach,
        )
    if len(hull) > 1:
        _label(drawing, placing, _halfway(hull), "best policies tried", "small", 4)
    if len(alone) > 1:
        _label(drawing, placing, _halfway(alone[-2:]), "tiers mixed at random", "small", 4)


def _label(drawing: Drawing, placing: Placing, place: Point, words: str, look: str, reach: int) -> None:
    found = placing.place(place, words, reach=reach)
    if found is None:
        return
    if found.leader:
        drop = found.at[1] - 4.5
        end = {"start": found.at[0] - 2, "end": found.at[0] + 2, "middle": found.at[0]}[found.anchor]
        drawing.line(place, (end, drop + (8 if drop < place[1] else -8) * (found.anchor == "middle")), "leader")
    drawing.text(found.at, words, look, anchor=found.anchor)


def _halfway(points: Sequence[Point]) -> Point:
    first, last = points[len(points) // 2 - 1], points[len(points) // 2]
    return (first[0] + last[0]) / 2, (first[1] + last[1]) / 2
