"""``tierwise train drift``: for cron, whether the champion still sees what it was trained on."""

from __future__ import annotations

import time
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer

from router import config as configuration
from router.alarms import alarm_path, raise_alarm
from router.bundle import load
from router.cli.cost import moment
from router.errors import InputError
from router.ledger import Ledger
from router.planning import bundle_path, ledger_of, plan_of
from training.commands.console import Found, Json, say

Since = Annotated[
    str | None, typer.Option(help="From when: 7d, 24h, 2026-11-01 or 2026-11-01T08:00 (UTC).", show_default=False)
]


def drift(
    config: Found = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="The champion; default: the configuration's.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Compare a log instead of the ledger.", show_default=False)
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
    ] = None,
    since: Since = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.", show_default=False)] = None,
    profile: Annotated[str, typer.Option(help="The profile whose traffic is compared.")] = "default",
    delta: Annotated[float, typer.Option(min=1e-9, max=0.5, help="Chance of ever a false alarm on quality.")] = 0.05,
    set_alarm: Annotated[
        bool, typer.Option("--set-alarm", help="On alarm, put an alarm file beside the bundle: a service falls back.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare traffic with the champion's training. Exit status: 0 no drift, 10 watch, 11 alarm."""
    from training.drift import EXIT_CODES
    from training.drift_check import check_ledger, check_records

    settings = configuration.load(config)
    path = bundle or bundle_path(settings)
    champion = load(path)
    now = time.time()
    if data is not None:
        if since is not None or until is not None or ledger is not None:
            raise InputError("--data compares a whole log; leave --since, --until and --ledger out")
        from training.embedding import under
        from training.ingest import ingest

        records = ingest(data, settings.tiers).records
        found = check_records(
            champion, records, plan_of(under(settings, champion), bundle=champion), profile=profile, delta=delta
        )
    else:
        chosen = Ledger(ledger) if ledger is not None else ledger_of(settings)
        if chosen is None:
            raise InputError("the ledger is switched off in the configuration; pass --ledger or --data")
        start, end = moment("--since", since, UTC, now), moment("--until", until, UTC, now)
        with chosen:
            found = check_ledger(champion, chosen, profile=profile, since=start, until=end, delta=delta)
    facts: dict[str, Any] = {"bundle": str(path), "version": champion.version, "profile": profile, **found.as_dict()}
    facts["exit_code"] = EXIT_CODES[found.level]
    if set_alarm and found.level == "alarm":
        raise_alarm(path, "; ".join(found.reasons), created=now, policy_version=champion.version)
        facts["alarm_file"] = str(alarm_path(path))
    reasons = "".join(f"\n- {reason}" for reason in found.reasons)
    say(facts, f"{found.level}: {found.n:,} requests compared with the training of {path}{reasons}", as_json=as_json)
    raise typer.Exit(EXIT_CODES[found.level])
