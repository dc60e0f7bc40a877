"""``tierwise report``: everything the ledger says of costs, as text, as JSON and as a page."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.analytics.periods import PERIODS, Period, zone_of
from router.analytics.summary import BY, summary
from router.cli.amounts import share, short
from router.cli.cost import chosen, moment
from router.cli.money import in_dollars as dollars
from router.errors import InputError

_WIDE = 200


def report(
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with plots to this file.", show_default=False)
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="What to group by, several times; default: " + ", ".join(BY) + ".")
    ] = None,
    every: Annotated[
        str | None, typer.Option(help="The periods of the series: hour, day, week, month.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(help="How many rows of each group, outliers and requests.")] = 10,
    since: Annotated[str | None, typer.Option(help="From when: 7d, 24h, 2026-11-01 or 2026-11-01T08:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone of days and dates.")] = "UTC",
    ledger: Annotated[
        str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
    ] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Say on the page that its data is simulated.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, money in USD.")] = False,
) -> None:
    """Report costs: who bears them, over time, what the levers saved, how tokens spread, what stands out."""
    if every is not None and every not in PERIODS:
        raise InputError(f"--every={every!r} is no period; it may be {', '.join(PERIODS)}")
    if top < 1:
        raise InputError(f"--top must be at least 1, not {top}")
    place, now = zone_of(zone, where="--zone="), time.time()
    start, end = moment("--since", since, place, now), moment("--until", until, place, now)
    costs = chosen(ledger, config)
    with costs.ledger:
        found = summary(
            costs, since=start, until=end, zone=zone, by=by or BY, every=cast("Period | None", every), top=top
        )
    found["simulated"] = simulated
    if html is not None:
        from router.report.costs import page

        write_whole(html, page(found, simulated=simulated))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        console = Console()
        show(found, console if console.is_terminal else Console(width=_WIDE))
        if html is not None:
            typer.echo(f"wrote {html}")


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, all of it or nothing.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}); pass --html another place") from None


def show(found: dict[str, Any], console: Console) -> None:
    """Print the report's tables."""
    total = found["total"]
    if found["simulated"]:
        console.print("SIMULATED DATA")
    if not total["requests"]:
        console.print("The ledger has no requests in this time.")
        return
    for title, group in (("by " + key.removeprefix("tag:"), each) for key, each in found["by"].items()):
        if any(row["key"] is not None for row in group["rows"]):
            rest = [group["rest"]] if group["rest"] is not None else []
            names = ["(none)" if row["key"] is None else row["key"] or "(not routed)" for row in group["rows"]]
            _costs(
                console,
                title,
                [*names, f"{group['others']:,} others"][: len(names) + len(rest)],
                [*group["rows"], *rest],
            )
    series = found["series"]
    _costs(console, f"by {series['every']}", [row["key"] for row in series["rows"]], series["rows"])
    _table(
        console,
        ("lever", "requests", "saved", "not known of", "reckoned as"),
        [
            (each["lever"], f"{each['requests']:,}", dollars(each["saved"]), f"{each['unknown']:,}", each["against"])
            for each in found["levers"]
        ],
    )
    _tokens(console, found["tokens"])
    _table(
        console,
        ("most expensive", "cost", "models", "tokens in", "out", "user", "tags"),
        [
            (
                *(each["decision"], dollars(each["cost"]), ", ".join(each["models"]), short(each["tokens_read"])),
                *(
                    short(each["tokens_written"]),
                    each["user"] or "",
                    ", ".join("=".join(tag) for tag in each["tags"].items()),
                ),
            )
            for each in found["most_expensive"]
        ],
    )
    _table(
        console,
        ("outlier", found["outliers"]["by"], "cost", "usual", "times", "robust z"),
        [
            (
                *(each["decision"], "(none)" if each["key"] is None else each["key"], dollars(each["cost"])),
                *(dollars(each["usual"]), f"{each['times']:,.1f}", f"{each['z']:.1f}"),
            )
            for each in found["outliers"]["rows"]
        ],
    )
    _notes(console, found)


def _costs(console: Console, title: str, names: list[str], rows: list[dict[str, Any]]) -> None:
    _table(
        console,
        (title, "requests", "cost", "per request", "escalated", "saved: strongest"),
        [
            (
                *(name, f"{row['requests']:,}", dollars(row["cost"])),
                "-" if row["cost_per_request"] is None else dollars(row["cost_per_request"]),
                *(share(row["escalation_rate"]), share(row["savings"]["strong"]["share"])),
            )
            for name, row in zip(names, rows, strict=True)
        ],
    )


def _tokens(console: Console, tokens: dict[str, Any]) -> None:
    rows = [("all", each) for each in tokens["all"]] + [(each["key"], each) for each in tokens["by_model"]]
    quantiles = ("p50", "p95", "p99")
    _table(
        console,
        ("tokens", "calls", *(f"in {name}" for name in quantiles), *(f"out {name}" for name in quantiles)),
        [
            (
                *(name, f"{each['read']['count']:,}"),
                *(short(each[side]["quantiles"][at]) for side in ("read", "written") for at in quantiles),
            )
            for name, each in rows
        ],
    )


def _notes(console: Console, found: dict[str, Any]) -> None:
    total, cache = found["total"], found["cache"]
    strong = total["savings"]["strong"]
    lines = [f"{total['requests']:,} requests cost {dollars(total['cost'])}."]
    if strong["requests"]:
        lines.append(
            f"Saved against always asking the strongest tier: {dollars(strong['saved'])} ({share(strong['share'])}), "
            f"over the {strong['requests']:,} requests where that is known."
        )
    if cache["hits"]:
        lines.append(f"The cache answered {cache['hits']:,} of them ({share(cache['hit_rate'])}).")
    if total["unreported"]:
        lines.append(f"{total['unreported']:,} answers came without token counts; their cost is missing.")
    if total["unpriced"]:
        lines.append(f"{total['unpriced']:,} calls made without the router have no known price; their cost is missing.")
    for line in lines:
        console.print(line, markup=False, highlight=False)


def _table(console: Console, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    for place, name in enumerate(head):
        table.add_column(Text(name), justify="right" if _is_figure(rows[0][place]) else "left", overflow="fold")
    for row in rows:
        # Text, because a tag's value may look like markup.
        table.add_row(*map(Text, row))
    console.print(table)
    console.print()


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] in ("$", "-")
