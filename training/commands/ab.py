"""``tierwise train ab``: two policies compared on live traffic, at any time."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from router import config as configuration
from router.abtest.experiment import UNITS, Experiment
from router.cli.cost import moment
from router.config import Config
from router.errors import InputError
from router.ledger import Ledger
from router.planning import ledger_of
from router.pricing import nano
from training.commands.console import Found, Json

if TYPE_CHECKING:
    from training.ab import ArmFigures, Comparison, Difference

_SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def ab(
    name: Annotated[
        str | None, typer.Argument(help="The experiment; default: that of \\[ab] in the configuration.")
    ] = None,
    config: Found = None,
    ledger: Annotated[
        str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
    ] = None,
    since: Annotated[str | None, typer.Option(help="From when: 7d, 24h, 2026-11-01 (UTC).", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.", show_default=False)] = None,
    delta: Annotated[float, typer.Option(help="The chance that an interval is ever wrong, however often you look.")] = (
        0.05
    ),
    margin: Annotated[float, typer.Option(help="The loss of quality that a cheaper b may bring, such as 0.01.")] = 0.0,
    cap: Annotated[
        float | None, typer.Option(help="USD that a request's cost counts for at most; default: \\[ab] cap.")
    ] = None,
    share: Annotated[float | None, typer.Option(help="The share of b, where \\[ab] is no longer there.")] = None,
    unit: Annotated[str | None, typer.Option(help="user, session or request, likewise.")] = None,
    window: Annotated[
        str | None,
        typer.Option(help="How long after its first request a unit counts: 7d, 24h; default: 7d a user, 1d a session."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the two arms of an A/B test: quality and cost, with intervals that hold at every look."""
    from training.ab import compare

    settings = configuration.load(config)
    test = _experiment(settings, name, share=share, unit=unit, cap=cap)
    opened = Ledger(ledger) if ledger is not None else ledger_of(settings)
    if opened is None:
        raise InputError("the ledger is switched off in the configuration; pass --ledger")
    now = time.time()
    start, end = moment("--since", since, UTC, now), moment("--until", until, UTC, now)
    with opened:
        found = compare(opened, test, now=now, since=start, until=end, delta=delta, margin=margin, window=_span(window))
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2, allow_nan=False))
        return
    Console().print(_table(found))
    for line in sentences(found):
        typer.echo(line)


def _experiment(
    settings: Config, name: str | None, *, share: float | None, unit: str | None, cap: float | None
) -> Experiment:
    """The configuration's experiment, or that of ``name``, with what else is given."""
    test = settings.ab
    if name is None and test is None:
        raise InputError("the configuration has no [ab]; name the experiment, with --share and --unit as they were")
    if test is None or name not in (None, test.name):
        if unit is None:
            raise InputError(f"[ab] does not describe {name!r}; say whom it drew with --unit (and --share, if not 0.5)")
        test = Experiment(name=name or "")
    if unit is not None and unit not in UNITS:
        raise InputError(f"--unit={unit!r} is none of {', '.join(UNITS)}")
    if share is not None and not 0 < share < 1:
        raise InputError(f"--share is between 0 and 1, not {share}")
    if cap is not None and cap <= 0:
        raise InputError(f"--cap is an amount of USD above 0, not {cap}")
    return replace(
        test,
        share=test.share if share is None else share,
        unit=test.unit if unit is None else unit,  # type: ignore[arg-type]
        cap=test.cap if cap is None else nano(cap),
    )


def _span(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if not found:
        raise InputError(f"--window={text!r} is no span of time; write it like 7d or 24h")
    return int(found[1]) * _SPANS[found[2]]


def _table(found: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("")
    for column in ("a", "b"):
        table.add_column(column, justify="right", no_wrap=True)
    rows: tuple[tuple[str, object], ...] = (
        ("requests", lambda arm: f"{arm.requests:,}"),
        (f"{found.unit}s that count", lambda arm: f"{arm.units:,}"),
        ("labelled", lambda arm: f"{arm.labelled:,}"),
        ("quality", lambda arm: "-" if arm.quality is None else f"{arm.quality:.1%}"),
        ("USD a request", lambda arm: "-" if arm.cost is None else f"{arm.cost:.6f}"),
        ("escalated", lambda arm: f"{arm.escalated:,}"),
        ("from the cache", lambda arm: f"{arm.cached:,}"),
        ("failed", lambda arm: f"{arm.failed:,}"),
        ("upgrades later", lambda arm: f"{arm.upgrades:,}"),
    )
    for title, cell in rows:
        table.add_row(title, *(cell(found.arms[arm]) for arm in ("a", "b")))  # type: ignore[operator]
    return table


def sentences(found: Comparison) -> list[str]:
    """What may be said, and what a reader must know."""
    level = f"{1 - found.delta:.0%}"
    lines = [_told("Quality", "points", found.quality, 100)]
    if found.cost.low is None:
        lines.append(
            "The cost has no interval, because nothing bounds it: say what a request counts for at most, with --cap."
        )
    else:
        assert found.cap is not None
        lines.append(_told("Cost", "USD per 1,000 requests", found.cost, 1000))
        capped = sum(arm.capped for arm in found.arms.values())
        if capped:
            lines.append(f"{capped:,} requests cost more than {found.cap:g} USD, and count as that.")
    lines.append(f"Both hold together with a probability of {level}, at this look and at all others.")
    lines.append(_verdict(found))
    if found.waiting:
        lines.append(f"{found.waiting:,} {found.unit}s do not count yet: their {_days(found.window)} are not over.")
    if found.crossed:
        lines.append(f"{found.crossed:,} {found.unit}s were seen in both arms and are left out.")
    if found.outside:
        lines.append(f"{found.outside:,} requests since it began are not in it.")
    if any(arm.upgrades for arm in found.arms.values()):
        spent = ", ".join(_spent(name, arm) for name, arm in found.arms.items())
        lines.append(f"Upgrades are not in the cost of a request: {spent}.")
    return [*lines, *found.warnings]


def _spent(name: str, arm: ArmFigures) -> str:
    return f"{arm.upgrades_cost:.6f} USD in {name}"


def _told(what: str, unit: str, found: Difference, scale: float) -> str:
    assert found.low is not None
    assert found.high is not None
    if found.mean is None:
        return f"{what}: nothing to compare yet."
    return (
        f"{what}: b less a is {found.mean * scale:+.4g} {unit}, and truly from {found.low * scale:+.4g} to "
        f"{found.high * scale:+.4g} ({found.blocks:,} held against each other)."
    )


def _verdict(found: Comparison) -> str:
    loss = f" beyond the margin of {100 * found.margin:g} points" if found.margin else ""
    return {
        "take b": f"Take b: it is better and not surely dearer, or cheaper and not worse{loss}.",
        "keep a": f"Keep a: b is worse{loss}, or no better and dearer.",
        "choose": "b is better and dearer: which counts for more is yours to say.",
        "go on": "Nothing is settled yet: go on.",
    }[found.verdict]


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:g} days"
