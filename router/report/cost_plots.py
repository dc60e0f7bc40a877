"""The plots of what requests cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from router.report.drawing import Drawing, tick_anchor
from router.report.scale import Scale
from router.report.section import NARROWEST, Plot, Section
from router.report.table import Table
from router.report.wording import count, dollars, fitted, plural, share, width_of

_ROW = 28


def over_time(series: Mapping[str, Any], zone: str) -> Section:
    """A bar for each period, before a fainter one of what the strongest tier would have cost."""
    rows, every = series["rows"], series["every"]
    title = f"Cost by {every}"
    if not rows:
        return Section("series", title, "There is nothing to draw.")
    dearest = max(rows, key=lambda row: row["cost"])
    says = f"The dearest {every} was {dearest['key']}, with {dollars(dearest['cost'])}."
    if any(_instead(row) > row["cost"] for row in rows):
        says += " The pale bars are what always asking the strongest tier would have cost, where that is known."
    head = (every, "requests", "cost", "per request", "strongest tier, where known", "cost of those", "saved")
    cells = tuple(
        (
            row["key"],
            count(row["requests"]),
            dollars(row["cost"]),
            dollars(row["cost_per_request"]),
            dollars(row["savings"]["strong"]["instead_of"]),
            dollars(row["savings"]["strong"]["cost"]),
            share(row["savings"]["strong"]["share"]),
        )
        for row in rows
    )
    plot = Plot("series", title, lambda width: _columns(rows, width))
    return Section("series", title, says, plot, (Table(f"Each {every}, in {zone}", head, cells),))


def _instead(row: Mapping[str, Any]) -> float:
    """What the period would have cost at the strongest tier, where that is known, and as it was where not."""
    strong = row["savings"]["strong"]
    return float(row["cost"] - strong["cost"] + strong["instead_of"])


def _columns(rows: Sequence[Mapping[str, Any]], width: int) -> Drawing:
    drawing = Drawing(width, 260)
    most = max(max(row["cost"], _instead(row)) for row in rows) or 1.0
    marks = Scale(0.0, most, 0.0, 1.0).ticks(4)
    left = max(width_of(dollars(mark), size=12.0) for mark in marks) + 10
    y = Scale(0.0, most * 1.02, 226, 8)
    for mark in marks:
        drawing.line((left, y(mark)), (width, y(mark)), "grid")
        drawing.text((left - 6, y(mark) + 4), dollars(mark), "small", anchor="end")
    each = (width - left) / len(rows)
    thick = min(max(each - 3, 1.0), 46.0)
    for place, row in enumerate(rows):
        x = left + each * (place + 0.5) - thick / 2
        would = _instead(row)
        tip = f"{row['key']}: {dollars(row['cost'])} for {plural(row['requests'], 'request')}"
        drawing.rect((x, y(would)), (thick, y.start - y(would)), "bar", tip=f"{tip}; {dollars(would)} at the strongest")
        drawing.rect((x, y(row["cost"])), (thick, y.start - y(row["cost"])), "bar accent", tip=tip)
    drawing.line((left, y.start), (width, y.start), "axis")
    _label(drawing, [(left + each * (place + 0.5), row["key"]) for place, row in enumerate(rows)], 246)
    return drawing


def saved(levers: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Section:
    """A bar for each lever, to the left where it cost more than it saved."""
    title = "What each lever saved"
    known = [each for each in levers if each["requests"]]
    if not known:
        return Section("levers", title, "No lever was at work that the ledger knows of.")
    named = [(names.get(each["lever"], each["lever"]), each) for each in known]
    name, best = max(named, key=lambda each: each[1]["saved"])
    says = f"Most was saved by {name}: {dollars(best['saved'])}. Nothing is counted for two levers."
    head = ("lever", "requests", "saved", "not known of", "reckoned as")
    cells = tuple(
        (name, count(each["requests"]), dollars(each["saved"]), count(each["unknown"]), each["against"])
        for name, each in named
    )
    lengths = [(name, float(each["saved"]), dollars(each["saved"])) for name, each in named]
    plot = Plot("levers", title, lambda width: _bars(lengths, width))
    return Section("levers", title, says, plot, (Table("By lever", head, cells, words=(4,)),))


def groups(key: str, title: str, group: Mapping[str, Any], whole: float) -> Section:
    """A bar for each group; what the others come to is in the sentence and in the table."""
    rows = [*group["rows"], *([group["rest"]] if group["rest"] is not None else [])]
    names = ["(none)" if row["key"] is None else row["key"] or "(not routed)" for row in group["rows"]]
    if group["rest"] is not None:
        names.append(plural(group["others"], "other"))
    first = rows[0]
    says = f"{names[0]}: {dollars(first['cost'])}"
    says += f", {share(first['cost'] / whole)} of all." if whole else "."
    if group["rest"] is not None:
        says += f" The {plural(group['others'], 'other')} together: {dollars(group['rest']['cost'])}."
    if key in ("tier", "model"):
        says += f" A request counts for every {key} that it called."
    head = (
        key.removeprefix("tag:"),
        "requests",
        "cost",
        "share",
        "per request",
        "escalated",
        "tokens in",
        "out",
        "saved",
    )
    cells = tuple(
        (
            name,
            count(row["requests"]),
            dollars(row["cost"]),
            share(row["cost"] / whole) if whole else "",
            dollars(row["cost_per_request"]),
            share(row["escalation_rate"]),
            count(sum(row["tokens"][kind] for kind in ("input_tokens", "cached_input_tokens", "cache_write_tokens"))),
            count(row["tokens"]["output_tokens"] + row["tokens"]["reasoning_tokens"]),
            dollars(row["savings"]["strong"]["saved"]),
        )
        for name, row in zip(names, rows, strict=True)
    )
    # Without the rest, beside which the costliest few of thousands of users would be no longer than a hair.
    lengths = [
        (name, float(row["cost"]), f"{dollars(row['cost'])} ({count(row['requests'])})")
        for name, row in zip(names, group["rows"], strict=False)
    ]
    # Tags have any name, and the page's ids have not.
    place = "".join(each if each.isascii() and each.isalnum() else f"-{ord(each):x}-" for each in key)
    plot = Plot(f"by-{place}", f"{title}: cost, and requests in brackets", lambda width: _bars(lengths, width))
    return Section(f"by-{place}", title, says, plot, (Table(title, head, cells),))


def tokens(side: Literal["read", "written"], spread: Mapping[str, Any]) -> Section:
    """How many calls had so many tokens, in bins that double."""
    title = "Tokens of a prompt" if side == "read" else "Tokens of an answer"
    bins = spread["histogram"]
    at = spread["quantiles"]
    if not bins:
        return Section(f"tokens-{side}", title, "No call reported its tokens.")
    says = (
        f"Half of {plural(spread['count'], 'call')} had at most {count(at['p50'])}, 95% at most {count(at['p95'])}; "
        f"the largest {count(spread['most'])}, the mean {count(spread['mean'])}."
    )
    rows = tuple((f"{count(each['low'])} to {count(each['high'])}", count(each["count"])) for each in bins)
    quantiles = tuple((name, count(value)) for name, value in at.items())
    plot = Plot(f"tokens-{side}", f"{title}: calls by number of tokens", lambda width: _histogram(bins, width), "half")
    tables = (
        Table("Calls by number of tokens", ("tokens", "calls"), rows),
        Table("Quantiles", ("", "value"), quantiles),
    )
    return Section(f"tokens-{side}", title, says, plot, tables)


def _bars(lengths: Sequence[tuple[str, float, str]], width: int) -> Drawing:
    """Lying bars with their names before and their figures behind them, both sides of 0."""
    drawing = Drawing(width, _ROW * len(lengths) + 4)
    names = 110 if width < NARROWEST else 190
    figures = max(width_of(figure) for _, _, figure in lengths) + 8
    low, high = min(0.0, *(value for _, value, _ in lengths)), max(0.0, *(value for _, value, _ in lengths))
    x = Scale(low, high if high > low else low + 1.0, names, max(width - figures, names + 20.0))
    for place, (name, value, figure) in enumerate(lengths):
        middle = _ROW * (place + 0.5) + 2
        start, end = sorted((x(0.0), x(value)))
        drawing.text((0, middle + 4), fitted(name, names - 10), "small")
        drawing.rect((x.start, middle - 8), (x.end - x.start, 16), "track")
        drawing.rect(
            (start, middle - 8), (end - start, 16), "bar accent" if value >= 0 else "bar", tip=f"{name}: {figure}"
        )
        drawing.text((x.end + 6, middle + 4), figure, "small")
    if low < 0:
        drawing.line((x(0.0), 0), (x(0.0), drawing.height), "axis")
    return drawing


def _histogram(bins: Sequence[Mapping[str, Any]], width: int) -> Drawing:
    drawing = Drawing(width, 200)
    most = max(each["count"] for each in bins)
    y = Scale(0.0, most, 168, 20)
    each_width = width / len(bins)
    for place, each in enumerate(bins):
        x = each_width * place
        tip = f"{count(each['low'])} to {count(each['high'])} tokens: {plural(each['count'], 'call')}"
        drawing.rect((x + 1, y(each["count"])), (each_width - 2, y.start - y(each["count"])), "bar accent", tip=tip)
    drawing.line((0, y.start), (width, y.start), "axis")
    _label(drawing, [(each_width * place, count(each["low"])) for place, each in enumerate(bins)], 186)
    drawing.text((0, 12), f"up to {plural(most, 'call')} in a bin", "small")
    return drawing


def _label(drawing: Drawing, places: Sequence[tuple[float, str]], y: float) -> None:
    """Words under an axis, as many as do not touch each other."""
    taken = -math.inf
    for x, words in places:
        anchor = tick_anchor(x, words, drawing.width)
        size = width_of(words, size=12.0)
        start = x - size * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        if start >= taken:
            drawing.text((x, y), words, "small", anchor=anchor)
            taken = start + size + 10
