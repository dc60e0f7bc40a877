"""The page of what requests cost, from the figures of ``tierwise report --json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from router.report import cost_plots as plots
from router.report.page import document, safe
from router.report.section import Section
from router.report.table import Table
from router.report.wording import count, dollars, plural, share

TITLE = "What LLM calls cost"
BANNER = "SIMULATED DATA: these calls were never made, and say nothing about any real bill"

_NAMES = {"tier": "By tier", "model": "Which models answered", "user": "By user", "unit": "By business unit"}
_LEVERS = {"cache exact": "cache, exact", "cache semantic": "cache, by meaning"}


def page(found: Mapping[str, Any], *, simulated: bool = False, title: str = TITLE) -> str:
    """The whole page as text; nothing is fetched and no script runs."""
    total = found["total"]
    sections = [
        plots.over_time(found["series"], found["zone"]),
        plots.saved(found["levers"], _LEVERS),
        *(plots.groups(key, _name(key), group, total["cost"]) for key, group in found["by"].items() if _tells(group)),
        *(plots.tokens(side, each[side]) for each in found["tokens"]["all"] for side in ("read", "written")),
        _costliest(found["most_expensive"]),
        _outliers(found["outliers"]),
    ]
    header = (
        f"<h1>{safe(title)}</h1>"
        f'<p class="answer">{safe(_headline(total))}</p><p class="lead">{safe(_lead(total))}</p>'
        f'<div class="tiles">{"".join(_tiles(found))}</div>'
        f'<p class="facts">{safe(_when(found))}</p>'
    )
    return document(title, header=header, sections=sections, footer=_footer(), banner=BANNER if simulated else "")


def _name(key: str) -> str:
    return _NAMES.get(key, f"By {key.removeprefix('tag:')}")


def _tells(group: Mapping[str, Any]) -> bool:
    """Whether anything has what it is grouped by."""
    return any(row["key"] is not None for row in group["rows"])


def _headline(total: Mapping[str, Any]) -> str:
    if not total["requests"]:
        return "No requests in this time."
    return f"{plural(total['requests'], 'request')} cost {dollars(total['cost'])}."


def _lead(total: Mapping[str, Any]) -> str:
    strong = total["savings"]["strong"]
    told = []
    if strong["requests"]:
        less = "less" if strong["saved"] >= 0 else "more"
        told.append(
            f"That is {dollars(abs(strong['saved']))} {less} than always asking the strongest tier, over the "
            f"{count(strong['requests'])} requests where that is known."
        )
    for key, noun, lacks in (
        ("unreported", "answer", "came without token counts"),
        ("unpriced", "call", "had no known price"),
    ):
        if total[key]:
            told.append(f"{plural(total[key], noun)} {lacks}, and what they cost is missing here.")
    return " ".join(told) or "What another tier would have cost is not known for any of them."


def _tiles(found: Mapping[str, Any]) -> list[str]:
    total, cache = found["total"], found["cache"]
    strong = total["savings"]["strong"]
    kept = total["wasted"] + total["audited"]
    return [
        _tile("Cost of a request", dollars(total["cost_per_request"]), f"{share(total['escalation_rate'])} escalated"),
        _tile(
            "Saved against the strongest tier",
            share(strong["share"]),
            f"{dollars(strong['saved'])} of {dollars(strong['instead_of'])}",
            tone="good" if strong["saved"] > 0 else "bad" if strong["saved"] < 0 else "",
        ),
        _tile(
            "Answered by the cache",
            share(cache["hit_rate"]),
            f"{plural(cache['hits'], 'request')}; {dollars(kept)} of the cost paid for rejected answers and audits",
        ),
    ]


def _tile(title: str, figure: str, note: str, *, tone: str = "") -> str:
    return (
        f'<div class="tile {tone}"><h2>{safe(title)}</h2><p class="number">{safe(figure)}</p>'
        f'<p class="note">{safe(note)}</p></div>'
    )


def _costliest(calls: Sequence[Mapping[str, Any]]) -> Section:
    title = "The most expensive requests"
    if not calls:
        return Section("costliest", title, "There are none.")
    head = ("decision", "when (UTC)", "cost", "models", "tokens in", "tokens out", "tags", "user")
    rows = tuple(
        (
            call["decision"],
            _moment(call["created"]),
            dollars(call["cost"]),
            ", ".join(call["models"]),
            count(call["tokens_read"]),
            count(call["tokens_written"]),
            ", ".join(f"{key}={value}" for key, value in call["tags"].items()),
            call["user"] or "",
        )
        for call in calls
    )
    says = f"The first of them cost {dollars(calls[0]['cost'])}; tierwise explain with its id says why."
    return Section("costliest", title, says, tables=(Table("The costliest first", head, rows, words=(3, 6, 7)),))


def _outliers(found: Mapping[str, Any]) -> Section:
    title = "Requests far beyond what is usual"
    rows = found["rows"]
    if not rows:
        return Section("outliers", title, "No request cost far more than is usual for its feature.")
    head = (found["by"], "decision", "when (UTC)", "cost", "usual", "times", "robust z")
    cells = tuple(
        (
            "(none)" if row["key"] is None else row["key"],
            row["decision"],
            _moment(row["created"]),
            dollars(row["cost"]),
            dollars(row["usual"]),
            f"{row['times']:,.1f}",
            f"{row['z']:.1f}",
        )
        for row in rows
    )
    says = (
        f"{plural(len(rows), 'request')} shown. z counts how many standard deviations the logarithm of a cost lies "
        "above its feature's median, both told by quartiles, which outliers hardly move."
    )
    return Section("outliers", title, says, tables=(Table("The farthest first", head, cells, words=(1,)),))


def _when(found: Mapping[str, Any]) -> str:
    start, end = found["since"], found["until"]
    told = [f"from {_moment(start)}" if start is not None else "from the first request"]
    told.append(f"until {_moment(end)}" if end is not None else "until the last")
    return " ".join(told) + (" (UTC)" if start is not None or end is not None else "")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M")


def _footer() -> str:
    return (
        "Costs are what the ledger has: the tokens that providers reported, at the prices in force when each call was "
        "made. Savings of levers are reckoned as the table under them says, at today's prices."
    )
