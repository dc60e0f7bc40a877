"""``tierwise cost``: what routing cost, for whom, and what it saved."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, tzinfo
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.analytics import Costs, Prices
from router.analytics.periods import zone_of
from router.attribution import Units
from router.cli.amounts import share, short
from router.cli.money import in_dollars as dollars
from router.errors import InputError
from router.ledger import Ledger
from router.report.showback import showback

_WIDE = 200
_SPANS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def cost(
    by: Annotated[
        str, typer.Option(help="tier, model, user, unit, hour, day, week, month, or the name of a tag.")
    ] = "tier",
    since: Annotated[str | None, typer.Option(help="From when: 7d, 24h, 2026-11-01 or 2026-11-01T08:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone of days and dates.")] = "UTC",
    ledger: Annotated[
        str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, money in USD.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, to charge each group with its share.")] = False,
) -> None:
    """Show what requests cost, how many escalated, and what routing saved."""
    if as_json and as_csv:
        raise InputError("--json and --csv are two forms of the same; pass one of them")
    opened = chosen(ledger, config)
    with opened.ledger:
        found = summed(opened, by=by, since=since, until=until, zone=zone, now=time.time())
    if as_csv:
        typer.echo(showback(found), nl=False)
    elif as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        console = Console()
        # A pipe has no width; a table cut to 80 columns would lose digits.
        show(found, console if console.is_terminal else Console(width=_WIDE))


def report(ledger: Ledger, *, by: str, since: str | None, until: str | None, zone: str, now: float) -> dict[str, Any]:
    """:func:`summed` for a ledger of which no configuration is known."""
    return summed(Costs(ledger), by=by, since=since, until=until, zone=zone, now=now)


def summed(costs: Costs, *, by: str, since: str | None, until: str | None, zone: str, now: float) -> dict[str, Any]:
    """Sum up a ledger for JSON: money in USD, times in seconds since the epoch.

    Raises:
        InputError: a time or the zone cannot be read.
        LedgerError: there is no ledger, or it cannot be read.
    """
    place = zone_of(zone, where="--zone=")
    start, end = moment("--since", since, place, now), moment("--until", until, place, now)
    rows = costs.by(by, since=start, until=end, zone=zone)
    return {
        "by": by,
        "since": start,
        "until": end,
        "zone": zone,
        "total": costs.total(since=start, until=end).as_dict(),
        "rows": [row.as_dict() for row in rows],
    }


def show(found: dict[str, Any], console: Console) -> None:
    """Print a report as a table, with what a reader must know about it below."""
    total = found["total"]
    if not total["requests"]:
        console.print("The ledger has no requests in this time.")
        return
    cells = _cells(total)
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column(Text(found["by"].removeprefix("tag:")), "total", overflow="fold")
    if not total["failed"]:
        del cells["failed"]
    for name, cell in cells.items():
        table.add_column(name, cell, justify="right", no_wrap=True)
    for row in found["rows"]:
        # Text, because a tag's value may look like markup.
        shown = _cells(row)
        table.add_row(
            Text("(none)" if row["key"] is None else row["key"] or "(not routed)"), *(shown[name] for name in cells)
        )
    console.print(table)
    for note in _notes(total, by=found["by"]):
        console.print(note, markup=False, highlight=False)


def _cells(row: dict[str, Any]) -> dict[str, str]:
    each, rate, tokens = row["cost_per_request"], row["escalation_rate"], row["tokens"]
    read = tokens["input_tokens"] + tokens["cached_input_tokens"] + tokens["cache_write_tokens"]
    return {
        "requests": f"{row['requests']:,}",
        "cost": dollars(row["cost"]),
        "per\nrequest": "-" if each is None else dollars(each),
        "esca-\nlated": "-" if rate is None else f"{rate:.1%}",
        "failed": f"{row['failed']:,}",
        "tokens\nin": short(read),
        "tokens\nout": short(tokens["output_tokens"] + tokens["reasoning_tokens"]),
        "saved:\nstrongest": share(row["savings"]["strong"]["share"]),
        "saved:\nbest one": share(row["savings"]["best_single"]["share"]),
    }


def _notes(total: dict[str, Any], *, by: str) -> list[str]:
    requests = total["requests"]
    notes = []
    for name, tier in (("strong", "the strongest tier"), ("best_single", "the best single tier")):
        savings = total["savings"][name]
        if not savings["requests"]:
            notes.append(f"What {tier} would have cost is not known for any of these requests.")
            continue
        share = "" if savings["share"] is None else f" ({savings['share']:.1%})"
        notes.append(
            f"Saved against always asking {tier}: {dollars(savings['saved'])}{share}, over the "
            f"{savings['requests']:,} of {requests:,} requests where that is known."
        )
    if total["audits"]:
        notes.append(
            f"{dollars(total['audited'])} of the cost paid for {total['audits']:,} audits: tiers asked in the "
            "background or by `tierwise train collect`, to learn from."
        )
    if total["wasted"]:
        notes.append(f"{dollars(total['wasted'])} of the cost paid for answers that were not returned.")
    if by in ("tier", "model"):
        notes.append(f"A request counts for every {by} it called; its savings count for the one that answered.")
    if total["unreported"]:
        notes.append(f"{total['unreported']:,} answers came without token counts; their cost is not in these sums.")
    if total["unpriced"]:
        notes.append(
            f"{total['unpriced']:,} calls made without the router were of models whose price is not known; their cost "
            "is not in these sums."
        )
    return notes


def chosen(ledger: str | None, config: str | None) -> Costs:
    """The costs in the ledger at ``ledger``, or else in the configuration's, by its units and prices.

    A ledger that is named needs no configuration.
    """
    from router import config as configuration
    from router.errors import ConfigError
    from router.planning import ledger_of

    try:
        settings = configuration.load(config)
    except ConfigError:
        if ledger is None or config is not None:
            raise
        return Costs(Ledger(ledger), units=Units(), prices=Prices())
    configured = Ledger(ledger) if ledger is not None else ledger_of(settings)
    if configured is None:
        raise InputError("the ledger is switched off in the configuration; pass --ledger to read another")
    return Costs(configured, units=settings.report, prices=Prices.of(settings.tiers))


def moment(option: str, text: str | None, zone: tzinfo, now: float) -> float | None:
    """Read a span back from ``now`` or a date; seconds since the epoch."""
    if text is None:
        return None
    span = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if span:
        return now - int(span[1]) * _SPANS[span[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{option}={text!r} is no time; write it like 7d, 24h or 2026-11-01") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
