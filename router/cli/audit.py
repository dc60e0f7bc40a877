"""``tierwise audit``: which lever would save most on this ledger, with the figures and the lines that pull it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.money import in_dollars as dollars
from router.cli.plan_tables import interval
from router.errors import InputError, TierwiseError

if TYPE_CHECKING:
    from collections.abc import Collection

    from router.config import Config
    from router.plan import Plan
    from router.planner.waiting import Tag

_WIDE = 160


def audit(
    since: Annotated[str | None, typer.Option(help="From when: 30d, 24h, 2026-11-01 or 2026-11-01T08:00.")] = "30d",
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone of dates and nights.")] = "UTC",
    can_wait: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE: requests with this tag need no answer at once; may be repeated."),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, money in USD.")] = False,
) -> None:
    """Rank the levers of cost control by what each would save a month, from the ledger."""
    from router import config as configuration
    from router.ledger import Ledger
    from router.planning import ledger_of

    settings = configuration.load(config)
    opened = ledger_of(settings) if ledger is None else Ledger(ledger)
    if opened is None:
        raise InputError("the ledger is switched off in the configuration; pass --ledger to read another")
    with opened:
        found = report(opened, settings, since=since, until=until, zone=zone, can_wait=can_wait, now=time.time())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        console = Console()
        show(found, console if console.is_terminal else Console(width=_WIDE))


def report(
    ledger: Any,
    config: Config,
    *,
    since: str | None,
    until: str | None,
    zone: str,
    can_wait: list[str] | None,
    now: float,
) -> dict[str, Any]:
    """Audit a ledger for JSON: money in USD, times in seconds since the epoch.

    Raises:
        InputError: a time, the zone or a tag cannot be read, or there are no requests.
        LedgerError: there is no ledger, or it cannot be read.
    """
    from router.analytics.periods import zone_of
    from router.cli.cost import moment
    from router.planner.audit import audit as audited
    from router.planner.waiting import CAN_WAIT

    place = zone_of(zone, where="--zone=")
    plan, why = _plan(config)
    found = audited(
        ledger,
        config,
        plan=plan,
        since=moment("--since", since, place, now),
        until=moment("--until", until, place, now),
        zone=place,
        can_wait=CAN_WAIT if can_wait is None else _tags(can_wait),
    ).as_dict()
    if why is not None:
        found["notes"].append(why)
    return found | {"zone": zone}


def show(found: dict[str, Any], console: Console) -> None:
    """Print an audit: the ranking, then each lever with its figures and its lines."""
    cost, period = found["cost"], found["period"]
    line = f"{found['requests']:,} requests in {period['days']:.1f} days, {interval(cost)} a month."
    if found["requests_without_text"]:
        line += f" The ledger keeps no text of {found['requests_without_text']:,} of them."
    _say(console, line)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, column in enumerate(("lever", "saves a month", "at most", "")):
        table.add_column(column, justify="right" if place in (1, 2) else "left", no_wrap=True)
    for lever in found["levers"]:
        most = "-" if lever["at_most"] is None else dollars(lever["at_most"])
        table.add_row(lever["name"], _saves(lever), most, "on" if lever["on"] else "")
    console.print(table)
    for lever in found["levers"]:
        console.print(Text(f"\n{lever['name']}", style="bold"))
        _say(console, lever["why"])
        _say(console, f"Risk: {lever['risk']}")
        if not lever["on"]:
            for row in lever["switch"].splitlines():
                _say(console, f"    {row}")
    console.print()
    for note in found["notes"]:
        _say(console, note)


def _saves(lever: dict[str, Any]) -> str:
    return "not known" if lever["saves"] is None else interval(lever["saves"])


def _plan(config: Config) -> tuple[Plan | None, str | None]:
    """What routes now; where that cannot be read, why, since the rest of the audit does not need it."""
    from router.planning import plan_of

    try:
        return plan_of(config), None
    except TierwiseError as error:
        return None, f"No policy could be replayed: {error}."


def _tags(written: list[str]) -> Collection[Tag]:
    found = set()
    for each in written:
        key, sign, value = each.partition("=")
        if not sign or not key:
            raise InputError(f"--can-wait takes KEY=VALUE, not {each!r}")
        found.add((key, value))
    return found


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False)
