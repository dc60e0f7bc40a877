"""``tierwise doctor``: is everything there that a request needs, and if not, what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from router.errors import BundleError, ConfigError, LedgerError

if TYPE_CHECKING:
    from router.config import Config

Health = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what, how it is, and what to do about it."""

    subject: str
    health: Health
    detail: str


def doctor(
    config: Annotated[str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the configuration, keys, prices, bundle, ledger and local models; say what to fix. Nothing is sent."""
    findings = list(examine(config))
    if as_json:
        typer.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        console = Console()
        colours = {"ok": "green", "warning": "yellow", "problem": "red"}
        for finding in findings:
            # Text, because what is told may look like markup.
            mark = (f"{finding.health:7}", colours[finding.health])
            line = Text.assemble(mark, f"  {finding.subject}: {finding.detail}")
            console.print(line, highlight=False, soft_wrap=True)
    if any(finding.health == "problem" for finding in findings):
        raise typer.Exit(1)


def examine(source: str | None) -> Iterator[Finding]:
    """Look at everything in the order in which a request meets it."""
    from router import config as configuration

    try:
        settings = configuration.load(source)
    except ConfigError as error:
        yield Finding("configuration", "problem", str(error))
        return
    names = " < ".join(settings.tiers.names)
    yield Finding("configuration", "ok", f"{settings.source or source}: tiers {names}, version {settings.version}")
    for line in settings.warnings(datetime.now().astimezone().date()):
        yield Finding("configuration", "warning", line)
    yield from _tiers(settings)
    yield from _policy(settings)
    yield from _ledger(settings)


def _tiers(settings: Config) -> Iterator[Finding]:
    from router.local_models import DEMO_MODELS, path_of

    for tier in settings.tiers.tiers:
        subject = f"tier {tier.name}"
        if tier.api_key_env is not None and not os.environ.get(tier.api_key_env):
            yield Finding(subject, "problem", f"set the environment variable {tier.api_key_env} to its API key")
            continue
        if tier.api == "local":
            path = path_of(tier.model) if tier.model in DEMO_MODELS else Path(tier.model)
            if not path.exists():
                yield Finding(subject, "problem", f"the model {tier.model} is not here; run `tierwise local pull`")
                continue
            yield Finding(subject, "ok", f"{path}")
            continue
        key = f"key in {tier.api_key_env}" if tier.api_key_env else "no key needed"
        rates = tier.price.rates
        yield Finding(
            subject,
            "ok",
            f"{tier.model}, {key}, ${rates.input / 1e6:g} in and ${rates.output / 1e6:g} out per million tokens",
        )


def _policy(settings: Config) -> Iterator[Finding]:
    from router.planning import plan_of

    try:
        plan = plan_of(settings)
    except BundleError as error:
        yield Finding("policy", "problem", str(error))
        return
    if plan.policy_version == "untrained":
        yield Finding(
            "policy",
            "warning",
            "no policy has been trained for these tiers, so every request goes to the strongest one; label some "
            "answers and run `tierwise train fit` and `tierwise train tune`",
        )
    else:
        yield Finding("policy", "ok", f"bundle {plan.policy_version}: {plan.rule.as_dict()}")


def _ledger(settings: Config) -> Iterator[Finding]:
    from router.planning import ledger_of

    ledger = ledger_of(settings)
    if ledger is None:
        yield Finding("ledger", "warning", "switched off: no cost is recorded and nothing can be learned from it")
        return
    try:
        ledger.open()
        count = ledger.count()
    except LedgerError as error:
        yield Finding("ledger", "problem", str(error))
        return
    finally:
        ledger.close()
    yield Finding("ledger", "ok", f"{count:,} decisions")
