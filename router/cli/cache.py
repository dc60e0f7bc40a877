"""``tierwise cache``: what the cache of answers holds and saves, and how to empty it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.cache_fit import fit
from router.errors import CacheError, InputError
from router.pricing import usd

if TYPE_CHECKING:
    from router.cache.settings import CacheSettings
    from router.config import Config
    from router.ledger import Ledger
    from router.stores.hits import Hits

_PATIENCE = 5.0
"""Seconds for each word with the store: a person waits longer than a request."""

cache = typer.Typer(help="What the cache of answers holds and saves.", no_args_is_help=True)
cache.command()(fit)

ConfigFile = Annotated[
    str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, money in USD, times in seconds.")]


@cache.command()
def stats(
    since: Annotated[str | None, typer.Option(help="From when: 7d, 24h, 2026-11-01 or 2026-11-01T08:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show how many requests the cache answered, what that saved, and what it holds."""
    from router import config as configuration

    found = report(configuration.load(config), since=since, until=until, now=time.time())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        show(found, Console())


@cache.command()
def clear(
    tag: Annotated[str | None, typer.Option(help="KEY=VALUE: answers to requests with that tag.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All answers.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Forget answers: those to requests with a tag, or all."""
    from router import config as configuration
    from router.cache.clearing import cleared, configured
    from router.drivers import run
    from router.stores.caching import Caching

    if (tag is None) != every:
        raise InputError("say what to forget: either --tag KEY=VALUE or --all")
    key, sign, value = (tag or "").partition("=")
    if tag is not None and not (key and sign):
        raise InputError(f"--tag takes KEY=VALUE, not {tag!r}")
    settings = configured(configuration.load(config).cache)
    if settings.store == "memory":
        raise CacheError(
            "the cache is in the memory of each process, which nobody else can reach; call its router's "
            "`clear_cache`, or set [cache] `store` to a file or a server"
        )
    caching = Caching(replace(settings, timeout=_PATIENCE))
    try:
        if settings.path is not None and not settings.path.exists():
            forgotten: int | None = 0
        else:
            which = cleared(settings) if tag is None else cleared(settings, key, value)
            forgotten = run(which, caching.shell)
    finally:
        caching.close()
    if as_json:
        typer.echo(json.dumps({"forgotten": forgotten}))
    else:
        typer.echo("forgot them" if forgotten is None else f"forgot {forgotten:,} {_entries(forgotten)}")


def report(config: Config, *, since: str | None, until: str | None, now: float) -> dict[str, Any]:
    """What the ledger and the store say, for JSON.

    Raises:
        InputError: a time cannot be read, or there is no cache.
        LedgerError: the ledger cannot be read.
    """
    from router.cache.clearing import configured
    from router.cli.cost import moment
    from router.planning import ledger_of

    settings = configured(config.cache)
    start, end = moment("--since", since, UTC, now), moment("--until", until, UTC, now)
    ledger = ledger_of(config)
    return {
        "since": start,
        "until": end,
        "store": settings.place,
        **({"requests": None, "hits": None} if ledger is None else _used(ledger, start, end)),
        **_held(settings, now),
    }


def show(found: dict[str, Any], console: Console) -> None:
    """Print a report as a table."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column()

    def row(name: str, value: str) -> None:
        table.add_row(name, Text(value))

    row("store", found["store"])
    hits = found["hits"]
    if found["requests"] is None:
        row("hits", "not known, since the ledger is switched off")
    elif not found["requests"]:
        row("hits", "the ledger has no requests in this time")
    else:
        rate = f"{found['hit_rate']:.1%} of {found['requests']:,} requests"
        row("hits", f"{hits['all']:,} ({rate}): {hits['exact']:,} exact, {hits['semantic']:,} by meaning")
        row("misses", f"{found['misses']:,}")
        saved = found["saved"]
        row("saved", f"${saved['cost']:.6f}, what the answers had cost (known of {saved['known']:,} hits)")
        row("", f"${saved['strong']:.6f}, what the strongest tier costs (known of {saved['strong_known']:,})")
        age = found["age"]
        if age["mean"] is not None:
            row("age", f"{_span(age['mean'])} on the mean when handed out, {_span(age['most'])} at most")
    holds = found["holds"]
    if holds is None:
        row("holds", found["holds_unknown"])
    else:
        whose = " (the whole server, which does not tell them apart)" if holds["whole_server"] else ""
        row("holds", f"{holds['entries']:,} {_entries(holds['entries'])}, {holds['bytes']:,} bytes{whose}")
        if holds["oldest"] is not None:
            row("", f"the oldest {_span(holds['oldest'])} old, the newest {_span(holds['newest'])}")
    console.print(table)


def _used(ledger: Ledger, since: float | None, until: float | None) -> dict[str, Any]:
    from router.stores.hits import hits

    with ledger:
        found: Hits = hits(ledger, since=since, until=until)
    return {
        "requests": found.requests,
        "hits": {"all": found.hits, "exact": found.exact, "semantic": found.semantic, "by_tier": dict(found.by_tier)},
        "misses": found.misses,
        "hit_rate": found.rate,
        "saved": {
            "cost": usd(found.spared),
            "known": found.known,
            "strong": usd(found.strong),
            "strong_known": found.strong_known,
        },
        "age": {"mean": found.mean_age, "most": found.oldest},
    }


def _held(settings: CacheSettings, now: float) -> dict[str, Any]:
    from router.stores.answers import Stock
    from router.stores.caching import Caching

    if settings.store == "memory":
        return {"holds": None, "holds_unknown": "not known: it is in the memory of each process"}
    caching = Caching(replace(settings, timeout=_PATIENCE))
    try:
        made = settings.path is None or settings.path.exists()
        stock = caching.stock() if made else Stock(entries=0, bytes=0)
    except CacheError as error:
        return {"holds": None, "holds_unknown": f"not known: {error}"}
    finally:
        caching.close()
    ages = {
        name: None if when is None else max(now - when, 0.0)
        for name, when in (("oldest", stock.oldest), ("newest", stock.newest))
    }
    holds = {"entries": stock.entries, "bytes": stock.bytes, "whole_server": stock.shared, **ages}
    return {"holds": holds, "holds_unknown": None}


def _entries(count: int) -> str:
    return "entry" if count == 1 else "entries"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
