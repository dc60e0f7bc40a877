"""``tierwise plan``: what machines of one's own, fine-tuning and the whole would bring, on the ledger's own figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from router.cli import plan_tables
from router.cli.plan_ab import ab
from router.errors import InputError

if TYPE_CHECKING:
    from router.config import Config
    from router.ledger import Ledger
    from router.planner.machine import Machine
    from router.planner.timing import Speed
    from router.pricing import Price
    from router.tiers import Tier

_WIDE = 200

plan = typer.Typer(help="Decide with numbers: on your ledger, with every figure that goes in.", no_args_is_help=True)
plan.command()(ab)

Since = Annotated[str | None, typer.Option(help="From when: 30d, 24h, 2026-11-01 or 2026-11-01T08:00.")]
Until = Annotated[str | None, typer.Option(help="Before when, written likewise.")]
LedgerFile = Annotated[
    str | None, typer.Option(help="A ledger's path or URL; default: the configuration's.", show_default=False)
]
ConfigFile = Annotated[
    str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: money in USD, and all that went in.")]
Hourly = Annotated[float, typer.Option(help="What one machine costs an hour, in USD.")]
Reads = Annotated[float | None, typer.Option(help="Prompt tokens a second that one machine reads, over all requests.")]
Writes = Annotated[float | None, typer.Option(help="Tokens a second that it writes, over all requests.")]
Measure = Annotated[
    str | None, typer.Option("--measure", help="Time this tier of the configuration instead; its calls are paid.")
]
Concurrency = Annotated[int, typer.Option(help="Calls at once while measuring.")]
PromptWords = Annotated[int, typer.Option(help="Words of the long prompts while measuring.")]
MaxTokens = Annotated[int, typer.Option(help="Tokens of the long answers while measuring.")]
Utilization = Annotated[float, typer.Option(help="The share of the busiest quarter of an hour that may be filled.")]
Calls = Annotated[
    list[str] | None, typer.Option("--calls-of", help="Only the calls to this tier; may be repeated. Default: all.")
]


@plan.command("self-hosted")
def self_hosted(
    hourly_cost: Hourly,
    read_per_second: Reads = None,
    write_per_second: Writes = None,
    measure: Measure = None,
    concurrency: Concurrency = 4,
    prompt_words: PromptWords = 400,
    max_tokens: MaxTokens = 64,
    utilization: Utilization = 0.7,
    calls_of: Calls = None,
    since: Since = "30d",
    until: Until = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say what serving these calls on machines of your own costs, against what was paid and against each tier."""
    from router.planner.load import load_of
    from router.planner.own_machines import own_machines

    with _opened(ledger, config) as (settings, opened):
        speed = _speed(settings, measure, concurrency, prompt_words, max_tokens)
        machine = _machine(hourly_cost, read_per_second, write_per_second, utilization, speed)
        start, end = _span(since, until)
        load = load_of(opened, settings.tiers, tiers=_known(settings, calls_of), since=start, until=end)
    found = own_machines(load, machine).as_dict() | {"measured": None if speed is None else speed.as_dict()}
    _told(found, plan_tables.own_machines, as_json=as_json)


@plan.command()
def hybrid(
    hourly_cost: Hourly,
    read_per_second: Reads = None,
    write_per_second: Writes = None,
    measure: Measure = None,
    concurrency: Concurrency = 4,
    prompt_words: PromptWords = 400,
    max_tokens: MaxTokens = 64,
    utilization: Utilization = 0.7,
    calls_of: Calls = None,
    api: Annotated[str | None, typer.Option(help="The tier that takes the peaks; default: as paid.")] = None,
    since: Since = "30d",
    until: Until = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Find how many machines cost least when an API takes the peaks."""
    from router.planner.hybrid import hybrid as split
    from router.planner.load import PAID, load_of

    with _opened(ledger, config) as (settings, opened):
        _known(settings, None if api is None else [api], where="--api")
        speed = _speed(settings, measure, concurrency, prompt_words, max_tokens)
        machine = _machine(hourly_cost, read_per_second, write_per_second, utilization, speed)
        start, end = _span(since, until)
        load = load_of(opened, settings.tiers, tiers=_known(settings, calls_of), since=start, until=end)
    found = split(load, machine, api=api or PAID)
    shown = found.as_dict() | {"measured": None if speed is None else speed.as_dict()}
    shown["near"] = [each.as_dict() for each in found.near()]
    _told(shown, plan_tables.hybrid, as_json=as_json)


@plan.command()
def finetune(
    tier: Annotated[str, typer.Option(help="Whose calls the tuned model takes.")],
    model: Annotated[
        str | None, typer.Option(help="The tier of the configuration that has the tuned model's price.")
    ] = None,
    input_price: Annotated[float | None, typer.Option(help="Or its price: USD per million prompt tokens.")] = None,
    output_price: Annotated[float | None, typer.Option(help="And per million tokens written.")] = None,
    shorter: Annotated[
        float | None, typer.Option(help="The share of the prompt it will not need; default: the system prompts' share.")
    ] = None,
    handled: Annotated[
        float, typer.Option(help="The share of its answers that will do; the rest is asked again.")
    ] = 1.0,
    examples: Annotated[int | None, typer.Option(help="To train on; default: prompts with a good answer.")] = None,
    epochs: Annotated[int, typer.Option(help="Times that each is trained on.")] = 3,
    training_price: Annotated[float, typer.Option(help="USD per million training tokens.")] = 0.0,
    upfront: Annotated[float, typer.Option(help="What else it costs to begin with: labels, work; USD.")] = 0.0,
    hosting: Annotated[float, typer.Option(help="What the tuned model costs an hour beside its tokens; USD.")] = 0.0,
    since: Since = "30d",
    until: Until = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say what a fine-tuned, smaller model saves, and when it has paid for itself.

    The training files themselves come from `tierwise train finetune-export`.
    """
    from router.planner.fine_tuning import Tuning, fine_tuning
    from router.pricing import nano

    with _opened(ledger, config) as (settings, opened):
        _known(settings, [tier], where="--tier")
        tuning = Tuning(
            tier=tier,
            model=model or "the tuned model",
            price=_tuned_price(settings, model, input_price, output_price),
            shorter=shorter,
            handled=handled,
            examples=examples,
            epochs=epochs,
            training=nano(training_price),
            upfront=nano(upfront),
            hosting=nano(hosting),
        )
        start, end = _span(since, until)
        found = fine_tuning(opened, tuning, since=start, until=end).as_dict()
    _told(found, plan_tables.finetune, as_json=as_json)


@plan.command()
def roi(
    value: Annotated[float, typer.Option(help="What a useful answer is worth, in USD.")] = 0.0,
    minutes: Annotated[float, typer.Option(help="Minutes that a useful answer saves somebody.")] = 0.0,
    wage: Annotated[float, typer.Option(help="What an hour of theirs costs, in USD.")] = 0.0,
    useful: Annotated[
        float | None, typer.Option(help="The share of answers that are useful; default: the labels' mean quality.")
    ] = None,
    fixed: Annotated[float, typer.Option(help="What the application costs a month beside the calls, in USD.")] = 0.0,
    since: Since = "30d",
    until: Until = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Set what the answers are worth against what they cost."""
    from router.planner.returns import Worth, returns
    from router.pricing import nano

    worth = Worth(value=nano(value), minutes=minutes, wage=nano(wage), useful=useful, fixed=nano(fixed))
    start, end = _span(since, until)
    with _opened(ledger, config) as (_, opened):
        found = returns(opened, worth, since=start, until=end).as_dict()
    _told(found, plan_tables.roi, as_json=as_json)


@contextmanager
def _opened(ledger: str | None, config: str | None) -> Iterator[tuple[Config, Ledger]]:
    """The configuration, and its ledger or the one that is named."""
    from router import config as configuration

    settings = configuration.load(config)
    with _ledger(ledger, settings) as opened:
        yield settings, opened


def _ledger(named: str | None, config: Config) -> Ledger:
    from router.ledger import Ledger
    from router.planning import ledger_of

    found = ledger_of(config) if named is None else Ledger(named)
    if found is None:
        raise InputError("the ledger is switched off in the configuration; pass --ledger to read another")
    return found


def _span(since: str | None, until: str | None) -> tuple[float | None, float | None]:
    import time

    from router.cli.cost import moment

    now = time.time()
    return moment("--since", since, UTC, now), moment("--until", until, UTC, now)


def _known(config: Config, names: list[str] | None, *, where: str = "--calls-of") -> list[str]:
    for name in names or ():
        config.tiers.rank(name, where=where)
    return names or []


def _speed(config: Config, tier: str | None, concurrency: int, words: int, tokens: int) -> Speed | None:
    from router.planner.timing import timed
    from router.providers.clients import Clients

    if tier is None:
        return None
    chosen: Tier = config.tiers[config.tiers.rank(tier, where="--measure")]
    clients, console = Clients(), Console(stderr=True)
    try:
        return timed(
            chosen,
            clients.complete,
            concurrency=concurrency,
            prompt_words=words,
            max_tokens=tokens,
            report=lambda line: console.print(line, highlight=False),
        )
    finally:
        clients.close()


def _machine(hourly: float, reads: float | None, writes: float | None, share: float, speed: Speed | None) -> Machine:
    from router.planner.machine import Machine
    from router.pricing import nano

    if speed is not None:
        reads = speed.read_per_second if reads is None else reads
        writes = speed.write_per_second if writes is None else writes
    if reads is None or writes is None:
        raise InputError(
            "say how fast one machine is with --read-per-second and --write-per-second, or have a tier of yours timed "
            "with --measure TIER"
        )
    return Machine(hourly_cost=nano(hourly), read_per_second=reads, write_per_second=writes, utilization=share)


def _tuned_price(config: Config, model: str | None, input: float | None, output: float | None) -> Price:
    from router.pricing import Price, per_million

    if model is not None:
        if input is not None or output is not None:
            raise InputError("--model has a price already; leave --input-price and --output-price out")
        return config.tiers[config.tiers.rank(model, where="--model")].price
    if input is None or output is None:
        raise InputError("say what the tuned model costs: --model TIER, or --input-price and --output-price")
    try:
        return Price(rates=per_million(input=input, output=output))
    except ValueError as problem:
        raise InputError(str(problem)) from None


def _told(found: dict[str, Any], show: Callable[[dict[str, Any], Console], None], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = Console()
    # A pipe has no width; a table cut to 80 columns would lose digits.
    show(found, console if console.is_terminal else Console(width=_WIDE))
