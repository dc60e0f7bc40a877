"""``tierwise doctor``: is everything there that a request needs, and if not, what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from router.cli.faults import sentence
from router.errors import MissingKey, TierwiseError
from router.profiles import DEFAULT_PROFILE

if TYPE_CHECKING:
    from router.config import Config
    from router.tiers import Tier

_FAILURES = (TierwiseError, OSError, ImportError)

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
    """Look at everything in the order in which a request meets it; whatever fails is a finding, and raises nothing."""
    from router import config as configuration

    try:
        settings = configuration.load(source)
    except _FAILURES as error:
        yield Finding("configuration", "problem", sentence(error))
        return
    yield from _told("configuration", _configuration(settings, source))
    for tier in settings.tiers.tiers:
        yield from _told(f"tier {tier.name}", _tier(tier))
    yield from _told("policy", _policy(settings))
    yield from _told("ledger", _ledger(settings))


def _told(subject: str, found: Iterator[Finding]) -> Iterator[Finding]:
    try:
        yield from found
    except _FAILURES as error:
        yield Finding(subject, "problem", sentence(error))


def _configuration(settings: Config, source: str | None) -> Iterator[Finding]:
    names = " < ".join(settings.tiers.names)
    yield Finding("configuration", "ok", f"{settings.source or source}: tiers {names}, version {settings.version}")
    for line in settings.warnings(datetime.now().astimezone().date()):
        yield Finding("configuration", "warning", line)


def _tier(tier: Tier) -> Iterator[Finding]:
    from router.providers.sdks import account

    subject = f"tier {tier.name}"
    if tier.api == "local":
        yield _local(tier)
        return
    try:
        has_key = account(tier, os.environ).key != "none"
    except MissingKey as error:
        yield Finding(subject, "problem", f"set the environment variable {error.variable} to its API key")
        return
    key = f"key in {tier.api_key_env or 'the environment'}" if has_key else "no key needed"
    rates = tier.price.rates
    yield Finding(
        subject,
        "ok",
        f"{tier.model}, {key}, ${rates.input / 1e6:g} in and ${rates.output / 1e6:g} out per million tokens",
    )


def _local(tier: Tier) -> Finding:
    from router.local_models import DEMO_MODELS
    from router.providers.local import model_path

    subject, path = f"tier {tier.name}", model_path(tier)
    if find_spec("xllamacpp") is None:
        return Finding(subject, "problem", "llama.cpp is not installed; run `pip install 'tierwise[local]'`")
    if path.is_file():
        return Finding(subject, "ok", f"{path}")
    remedy = "run `tierwise local pull`" if tier.model in DEMO_MODELS else "give the path of a GGUF file"
    return Finding(subject, "problem", f"the model {tier.model} is not at {path}; {remedy}")


def _policy(settings: Config) -> Iterator[Finding]:
    from router.in_force import InForce

    found = InForce.read(settings)
    plan = found.trained
    if plan.policy_version == "untrained":
        yield Finding(
            "policy",
            "warning",
            "no policy has been trained for these tiers, so every request goes to the strongest one; bring the "
            "others' answers with `tierwise train collect`, label them, and run `tierwise train run`",
        )
    else:
        yield Finding("policy", "ok", f"bundle {plan.policy_version}, a rule of kind {plan.rule.as_dict()['kind']!r}")
        if plan.embedder is not None:
            yield Finding("policy", "ok", f"embedder {plan.embedder.name}, the model that it was trained with")
        others = sorted(set(plan.profiles or ()) - {DEFAULT_PROFILE})
        if others:
            yield Finding("policy", "ok", f"profiles: {', '.join(others)}")
    if found.plan.fallen is not None:
        yield Finding("policy", "warning", f"a safer policy is in force: {found.plan.fallen}")


def _ledger(settings: Config) -> Iterator[Finding]:
    from router.planning import ledger_of

    ledger = ledger_of(settings)
    if ledger is None:
        yield Finding("ledger", "warning", "switched off: no cost is recorded and nothing can be learned from it")
        return
    with ledger:
        ledger.open()
        count = ledger.count()
    yield Finding("ledger", "ok", f"{count:,} decisions")
