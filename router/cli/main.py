"""The command ``tierwise``: thin wrappers around the library, each with ``--json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from router.cli.audit import audit
from router.cli.batch import batch
from router.cli.budget import budget
from router.cli.cache import cache
from router.cli.cost import cost
from router.cli.doctor import doctor
from router.cli.faults import sentence
from router.cli.feedback import feedback
from router.cli.local import local
from router.cli.plan import plan
from router.cli.report import report
from router.errors import InputError, TierwiseError
from router.options import Options

app = typer.Typer(
    help="Route every LLM call to the cheapest model that will do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(audit)
app.command()(cost)
app.command()(doctor)
app.command()(feedback)
app.command()(report)
app.add_typer(cache, name="cache")
app.add_typer(budget, name="budget")
app.add_typer(batch, name="batch")
app.add_typer(local, name="local")
app.add_typer(plan, name="plan")

Prompt = Annotated[str, typer.Argument(help="The prompt; - reads it from standard input.", show_default=False)]
ConfigFile = Annotated[
    str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME; default: found as documented.")
]
System = Annotated[str | None, typer.Option(help="A system prompt.")]
MaxTokens = Annotated[int | None, typer.Option(help="The longest answer, in tokens.")]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature, where the tier has one.")]
StopAt = Annotated[list[str] | None, typer.Option("--stop", help="End the answer at this string; may be repeated.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE, to attribute the cost; may be repeated.")]
User = Annotated[str | None, typer.Option(help="Whom the cost is for.")]
Deadline = Annotated[float | None, typer.Option(help="Seconds over all tiers and retries.")]
Floor = Annotated[str | None, typer.Option(help="The weakest tier that may answer.")]
Ceiling = Annotated[str | None, typer.Option(help="The strongest tier that may answer.")]
Profile = Annotated[str | None, typer.Option(help="Which of the bundle's rules decides; default: the configuration's.")]
Freshness = Annotated[
    str | None, typer.Option(help="How old a cached answer may be: a class of [cache.freshness], or live.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def route(
    prompt: Prompt,
    config: ConfigFile = None,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    stop: StopAt = None,
    tag: Tags = None,
    user: User = None,
    deadline: Deadline = None,
    floor: Floor = None,
    ceiling: Ceiling = None,
    profile: Profile = None,
    freshness: Freshness = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it comes, once it is sure.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Explain the choice, on standard error.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a prompt with the cheapest model that will do."""
    from router.engine import Router

    options: Options = {
        "system": system, "max_tokens": max_tokens, "temperature": temperature, "stop": stop, "tags": _tags(tag),
        "user": user, "deadline": deadline, "floor": floor, "ceiling": ceiling, "profile": profile,
        "freshness": freshness,
    }  # fmt: skip
    with Router.from_config(config) as router:
        if stream and not as_json:
            pieces = router.stream(_text(prompt), **options)
            for piece in pieces:
                typer.echo(piece, nl=False)
            typer.echo()
            response = pieces.response
            assert response is not None
        else:
            response = router.route(_text(prompt), **options)
            if as_json:
                told = {
                    "text": response.text,
                    "tool_calls": [asdict(call) for call in response.tool_calls],
                    "stop": response.stop,
                    "decision": response.decision.as_dict(),
                }
                typer.echo(json.dumps(told, indent=2))
            else:
                typer.echo(response.text)
    if why:
        typer.echo(response.decision.explain(), err=True)


@app.command()
def decide(
    prompt: Prompt,
    config: ConfigFile = None,
    system: System = None,
    max_tokens: MaxTokens = None,
    floor: Floor = None,
    ceiling: Ceiling = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Say which tier would be asked first, and why. Nothing is sent, spent or written."""
    from router import config as configuration
    from router.engine import Router
    from router.in_force import InForce
    from router.providers.clients import Clients

    settings = configuration.load(config)
    router = Router(settings, plan=InForce.read(settings), provider=Clients())
    decision = router.decide(
        _text(prompt), system=system, max_tokens=max_tokens, floor=floor, ceiling=ceiling, profile=profile
    )
    typer.echo(json.dumps(decision.as_dict(), indent=2) if as_json else decision.explain())


@app.command()
def explain(
    decision: Annotated[str | None, typer.Argument(help="A decision's id; default: the last one.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Explain a decision that is in the ledger: which model, why, what it cost."""
    from router import config as configuration
    from router.planning import ledger_of

    ledger = ledger_of(configuration.load(config))
    if ledger is None:
        raise InputError("the ledger is switched off in the configuration, so there is nothing to explain")
    found = ledger.find(decision)
    if found is None:
        raise InputError(f"the ledger has no decision {decision!r}" if decision else "the ledger is still empty")
    typer.echo(json.dumps(found.as_dict(), indent=2) if as_json else found.explain())


@app.command()
def init(
    preset: Annotated[str, typer.Option(help="Which tiers to start from; `--list` names them.")] = "local",
    out: Annotated[Path, typer.Option("--out", help="Where to write the configuration.")] = Path("tierwise.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    names: Annotated[bool, typer.Option("--list", help="Name the presets and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Write a tierwise.toml to start from."""
    from router.catalogue import preset_names, preset_toml

    if names:
        typer.echo(json.dumps({"presets": preset_names()}) if as_json else "\n".join(preset_names()))
        return
    text = preset_toml(preset)
    try:
        if out.exists() and not force:
            raise InputError(f"{out} exists; pass --force to overwrite it, or --out to write elsewhere")
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {out} ({error.strerror}); pass --out to write elsewhere") from None
    typer.echo(json.dumps({"wrote": str(out)}) if as_json else f"wrote {out}; next: tierwise doctor")


def _text(prompt: str) -> str:
    return sys.stdin.read() if prompt == "-" else prompt


def _tags(pairs: list[str] | None) -> dict[str, str]:
    tags = {}
    for pair in pairs or ():
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise InputError(f"--tag takes KEY=VALUE, not {pair!r}")
        tags[key] = value
    return tags


def guarded(run: Callable[[], Any]) -> None:
    """Run a command line; what went wrong is one sentence on standard error, and exit status 2."""
    try:
        run()
    except BrokenPipeError:
        raise SystemExit(0) from None
    except (TierwiseError, OSError, ImportError) as error:
        # Text, because a message may hold a TOML table or a user's words, which look like markup.
        line = Text.assemble(("error:", "bold red"), " ", sentence(error))
        Console(stderr=True).print(line, highlight=False, soft_wrap=True)
        raise SystemExit(2) from None


def main() -> None:
    """Run ``tierwise``, with the commands that installed packages add (``tierwise train`` is one)."""
    for point in entry_points(group="tierwise.commands"):
        try:
            command = point.load()
        except ImportError as error:
            command = _missing(error)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=point.name)
        else:
            app.command(name=point.name)(command)
    guarded(app)


def _missing(error: ImportError) -> Callable[[], None]:
    def command() -> None:
        """Not installed: run it to see what is missing."""
        raise error

    return command
