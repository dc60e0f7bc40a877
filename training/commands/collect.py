"""``tierwise train collect``: the answers that a policy is learned from, asked for afterwards."""

from __future__ import annotations

import time
from datetime import UTC
from typing import Annotated, Any, cast

import typer

from router import config as configuration
from router.cli.cost import moment
from router.errors import InputError
from router.planning import ledger_of, plan_of
from router.pricing import nano, usd
from training.commands.console import Found, Json, progress, say, status


def collect(
    count: Annotated[int, typer.Argument(min=1, help="Of how many requests to have every tier's answer.")],
    budget: Annotated[float, typer.Option(help="Most USD to spend now; calls are set aside at their worst case.")],
    config: Found = None,
    by: Annotated[
        str, typer.Option(help="margin: more of the requests whose decision was nearly a tie. uniform: all alike.")
    ] = "margin",
    since: Annotated[
        str | None, typer.Option(help="Requests from when on: 7d, 24h, 2026-11-01 (UTC).", show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before when, written likewise.", show_default=False)] = None,
    workers: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 4,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would ask and cost at most, and stop.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask, for some of the ledger's requests, every tier that has not answered them. A rerun goes on.

    A router that is not trained asks the strongest tier only, so its ledger cannot say what the cheaper ones would have
    been worth. The answers go into the ledger, with the probability with which each request was drawn; label them next.
    """
    from router.providers.clients import Clients
    from router.verifying import Verifier, verify_named
    from training import collect as collecting
    from training.draw import By, draw

    if by not in ("margin", "uniform"):
        raise InputError(f"--by={by!r} is neither margin nor uniform")
    limit = nano(budget)
    if limit < 0:
        raise InputError(f"--budget is at least 0 USD, not {budget}")
    settings = configuration.load(config)
    opened = ledger_of(settings)
    if opened is None:
        raise InputError("the ledger is switched off in the configuration, so there is nothing to collect for")
    now = time.time()
    plan = plan_of(settings)
    with opened as ledger:
        with status.status("drawing requests"):
            found = draw(
                ledger, settings.tiers, count, by=cast("By", by),
                since=moment("--since", since, UTC, now), until=moment("--until", until, UTC, now),
            )  # fmt: skip
        if not found.candidates:
            raise InputError(
                "the ledger has no request to collect answers for: its text must be kept, some tier must have answered "
                "it, and the caller must not have bounded its tiers"
            )
        todo = [one for one in found.drawn if one.missing]
        facts: dict[str, Any] = {
            "candidates": found.candidates,
            "requests": len(found.drawn),
            "complete": len(found.drawn) - len(todo),
            "least_inclusion": min(one.inclusion for one in found.drawn),
            "worst_case": usd(sum(collecting.worst_case(one, plan) for one in todo)),
            "budget": budget,
        }
        if dry_run:
            calls = sum(len(one.missing) for one in todo)
            told = f"would make {calls:,} calls for {len(todo):,} of {found.candidates:,} requests"
            facts |= {"status": "planned", "calls": calls}
            say(facts, f"{told}, for ${facts['worst_case']:.4f} at the very most", as_json=as_json)
            return
        verifier = None if settings.policy.verify is None else Verifier(verify_named(settings.policy.verify))
        provider = Clients()
        try:
            with progress("collecting") as advance:
                done = collecting.collect(
                    found.drawn, plan, ledger=ledger, limit=limit, workers=workers, clock=time.monotonic,
                    sleep=time.sleep, progress=advance,
                    send=provider.complete
                    if verifier is None
                    else lambda op: verifier.verified(op, provider.complete(op)),
                )  # fmt: skip
        finally:
            provider.close()
    left = len(todo) - done.requests
    facts |= {
        "status": done.stopped,
        "collected": done.requests,
        "failed": done.failed,
        "left": left,
        "calls": done.calls,
        "unreported": done.unreported,
        "spent": usd(done.spent),
    }
    told = (
        f"{facts['complete'] + done.requests:,} of {found.candidates:,} requests have every tier's answer now; "
        f"{done.calls:,} calls cost ${facts['spent']:.4f}"
    )
    if done.stopped == "budget":
        told += f"; stopped at the budget with {left:,} left: run again with more to finish the draw"
    elif left:
        told += f"; {left:,} failed, and running again asks them again"
    say(facts, f"{told}. Next: tierwise train label --help", as_json=as_json)
