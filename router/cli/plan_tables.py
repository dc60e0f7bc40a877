"""How ``tierwise plan`` prints what it found, from the same figures as its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.money import in_dollars as dollars

Found = Mapping[str, Any]


def own_machines(found: Found, console: Console) -> None:
    """The machines, what they compare with, and what changes when a figure does."""
    _load(found, console)
    _machine(found, console)
    many = "One of them serves" if found["machines"] == 1 else f"{found['machines']:,} of them serve"
    line = f"{many} the busiest quarter of an hour: {dollars(found['monthly'])} a month"
    _say(console, f"{line}, {found['filled']:.1%} of their time filled over day and night.")
    cost = f"{dollars(found['per_million'])} per million tokens at this load"
    _say(console, f"That is {cost}; {dollars(found['per_million_full'])} if they were always as busy as planned.")
    table = _table("against", "API a month", "per million", "saved a month", "breaks even at")
    for each in found["comparisons"]:
        even = each["break_even_requests"]
        table.add_row(
            Text(each["name"]),
            interval(each["api"]),
            dollars(each["per_million"]),
            interval(each["saved"]),
            "never" if even is None else f"{even:,} requests a month",
        )
    console.print(table)
    _say(
        console,
        f"The ledger's rate is {found['requests_per_month']:,} requests a month; one machine carries "
        f"{found['one_machine_carries']:,} of this mix and shape.",
    )
    cases = _table("if this figure", "were times", "machines", "own a month", "as paid", "saved")
    for case in found["sensitivity"]:
        cases.add_row(
            case["figure"],
            f"{case['factor']:g}",
            f"{case['machines']:,}",
            dollars(case["monthly"]),
            dollars(case["api"]),
            dollars(case["saved"]),
        )
    console.print(cases)
    _say(
        console,
        "Tokens are as the providers counted them; another model counts otherwise. This says nothing of quality: "
        "label some answers of your model first.",
    )
    _notes(found, console)


def hybrid(found: Found, console: Console) -> None:
    """The split that costs least, and its neighbours."""
    _load(found, console)
    _machine(found, console)
    best = found["best"]
    if best["machines"]:
        _say(
            console,
            f"Least with {best['machines']:,} of them and the rest at the API ({found['api']}): "
            f"{dollars(best['total'])} a month; saved {interval(found['saved'])} against the API alone.",
        )
    else:
        _say(console, f"No machine pays for itself: least with the API alone, {dollars(best['total'])} a month.")
    table = _table("machines", "own a month", "API a month", "together", "share of work")
    for split in found["near"]:
        style = "bold" if split["machines"] == best["machines"] else None
        cells = (dollars(split["own"]), dollars(split["api"]), dollars(split["total"]), f"{split['share_of_work']:.1%}")
        table.add_row(f"{split['machines']:,}", *cells, style=style)
    console.print(table)
    _notes(found, console)


def finetune(found: Found, console: Console) -> None:
    """What is saved, and when it has paid."""
    given = found["inputs"]
    measured = given["shorter_measured"]
    source = "" if measured is None else f" (system prompts are {measured:.0%} of the kept text)"
    _say(console, f"{found['calls']:,} calls to {found['tier']} in {found['period']['days']:.1f} days.")
    _say(
        console,
        f"With {found['model']}, prompts {given['shorter']:.0%} shorter{source}, and {given['handled']:.0%} of its "
        "answers good enough:",
    )
    table = _table("", "a month")
    for name in ("now", "then", "saved"):
        table.add_row(name, interval(found[name]))
    console.print(table)
    tokens = given["examples"] * given["tokens_per_example"] * given["epochs"]
    _say(
        console,
        f"Up front {dollars(found['upfront'])}, of which {dollars(found['training'])} for training: "
        f"{given['examples']:,} examples of {given['tokens_per_example']:,.0f} tokens, {given['epochs']} times, "
        f"{tokens:,.0f} tokens.",
    )
    months = found["payback_months"]
    low, high = found["payback_months_low"], found["payback_months_high"]
    if months is None:
        _say(console, "It never pays for itself.")
    else:
        bounds = "" if low is None else f" ({low:.1f} to {'never' if high is None else f'{high:.1f}'})"
        _say(console, f"It has paid for itself after {months:.1f} months{bounds}.")
    changes = _table("if this figure", "were", "saved a month", "paid after")
    for each in found["sensitivity"]:
        paid = "never" if each["payback_months"] is None else f"{each['payback_months']:.1f} months"
        value = f"{each['value']:g} times" if each["figure"] == "requests" else f"{each['value']:.0%}"
        changes.add_row(each["figure"], value, dollars(each["saved"]), paid)
    console.print(changes)
    _say(console, f"Training files: {found['export']}. `handled` is a guess until the tuned model is labelled.")
    _notes(found, console)


def roi(found: Found, console: Console) -> None:
    """Value, cost and what is left."""
    given = found["inputs"]
    table = _table("", "a month")
    table.add_row("answers", f"{found['answered_per_month']:,}")
    useful = f"{found['useful']:.1%}"
    if found["useful_low"] is not None:
        useful += f" [{found['useful_low']:.1%}, {found['useful_high']:.1%}], {found['labels']:,} labelled"
    table.add_row("useful", useful)
    table.add_row("value", f"{dollars(found['value'])} at {dollars(given['each'])} each")
    table.add_row("cost of calls", interval(found["cost"]))
    table.add_row("fixed costs", dollars(given["fixed"]))
    table.add_row("net", interval(found["net"]))
    table.add_row("return", "-" if found["return"] is None else f"${found['return']:,.2f} net for each dollar")
    console.print(table)
    if found["break_even_value"] is not None:
        _say(console, f"It breaks even when a useful answer is worth {dollars(found['break_even_value'])}.")
    _notes(found, console)


def interval(estimate: Mapping[str, float | None]) -> str:
    """An amount a month with its interval, where there is one."""
    monthly, low, high = estimate["monthly"] or 0.0, estimate["low"], estimate["high"]
    if low is None or high is None:
        return dollars(monthly)
    return f"{dollars(monthly)} [{dollars(low)}, {dollars(high)}]"


def _load(found: Found, console: Console) -> None:
    load = found["load"]
    tokens, peak = load["tokens"], load["busiest_quarter_hour"]
    names = ", ".join(name or "no tier" for name in load["tiers"])
    when = datetime.fromtimestamp(peak["start"], tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    _say(
        console,
        f"{load['calls']:,} calls to {names} in {load['period']['days']:.1f} days: "
        f"{tokens['read']:,} tokens read, {tokens['cached']:,} cached, {tokens['written']:,} written; the busiest "
        f"quarter of an hour ({when}) has {peak['calls']:,} of them.",
    )
    if load["calls_without_usage"]:
        _say(console, f"{load['calls_without_usage']:,} calls came without token counts; their work is not in this.")
    if load["calls_without_price"]:
        _say(
            console, f"{load['calls_without_price']:,} calls past the router have no known price, and are not in this."
        )


def _machine(found: Found, console: Console) -> None:
    machine = found["machine"]
    measured = found.get("measured")
    how = "as given" if measured is None else _timed(measured)
    rates = machine["per_million"]
    _say(
        console,
        f"One machine at {dollars(machine['hourly_cost'])} an hour reads {machine['read_per_second']:,.0f} and writes "
        f"{machine['write_per_second']:,.0f} tokens a second ({how}), at most {machine['utilization']:.0%} filled: "
        f"{dollars(rates['input'])} per million tokens read, {dollars(rates['output'])} per million written.",
    )


def _timed(measured: Found) -> str:
    (slow, fast), (least, most) = measured["read_range"], measured["write_range"]
    rounds = f"{slow:,.0f} to {fast:,.0f} and {least:,.0f} to {most:,.0f} in {len(measured['rounds'])} rounds"
    calls = "1 call" if measured["concurrency"] == 1 else f"{measured['concurrency']} calls"
    return f"measured at tier {measured['tier']} with {calls} at once, {rounds}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _notes(found: Found, console: Console) -> None:
    notes: Iterable[str] = found["notes"]
    for note in notes:
        _say(console, note)


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False)
