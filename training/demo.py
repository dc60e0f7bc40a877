"""``tierwise demo``: real prompts through two real language models on this machine."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from router.config import Config, load
from router.decision import Response
from router.engine import Router
from router.errors import ConfigError, InputError
from router.local_models import path_of
from router.options import Options
from router.pricing import usd
from training.graders import JOINER, grade

SAMPLE = Path("data/sample.parquet")
MAX_TOKENS = 16


@dataclass(frozen=True)
class Question:
    """A prompt of the sample's test split and the answers that count as right."""

    prompt: str
    task: str
    accepted: tuple[str, ...]
    exact_case: bool


@dataclass(frozen=True)
class Tally:
    """What one way of answering came to: the share that was right, and USD per 1,000 requests."""

    name: str
    quality: float
    cost_per_1k: float


def demo(
    n: Annotated[int, typer.Option("--n", help="How many prompts.", min=10)] = 200,
    seed: Annotated[int, typer.Option(help="Which prompts.")] = 1,
    data: Annotated[Path, typer.Option(help="The sample.")] = SAMPLE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Route test prompts of the sample through two local models, live, and say what was saved and what was lost."""
    questions = draw(data, n, seed)
    config = load("preset:local")
    missing = [tier.model for tier in config.tiers.tiers if not path_of(tier.model).exists()]
    if missing:
        raise ConfigError(f"the model {missing[0]} is not here; run `tierwise local pull` first")
    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory() as folder:
        settings = Config.of(config.tiers.tiers, ledger={"path": str(Path(folder) / "demo.db")})
        began = time.perf_counter()
        with Router.from_config(settings) as router, _progress(console) as bar:
            task = bar.add_task("asking both models", total=len(questions) * (1 + len(settings.tiers)))
            tallies, shown, facts = play(router, questions, lambda: bar.advance(task))
        seconds = time.perf_counter() - began
    facts |= {"n": len(questions), "seconds": round(seconds, 1), "policy_version": router.plan.policy_version}
    if as_json:
        rows = {tally.name: {"quality": tally.quality, "cost_per_1k": tally.cost_per_1k} for tally in tallies}
        typer.echo(json.dumps({"rows": rows, **facts}, indent=2))
        return
    _show(console, questions, shown, tallies, facts)


def draw(data: Path, n: int, seed: int) -> list[Question]:
    """``n`` prompts of the sample's test split, drawn at random.

    Raises:
        InputError: the sample is not there.
    """
    import pyarrow.parquet

    if not data.is_file():
        raise InputError(f"{data}: the sample is not here; run this from a checkout, or pass --data")
    rows = pyarrow.parquet.read_table(data, columns=["prompt", "task", "tier", "split", "reference", "exact_case"])
    test = [row for row in rows.to_pylist() if row["split"] == "test" and row["tier"] == "small"]
    chosen = random.Random(seed).sample(test, min(n, len(test)))
    return [
        Question(row["prompt"], row["task"], tuple(row["reference"].split(JOINER)), row["exact_case"]) for row in chosen
    ]


def play(
    router: Router, questions: Sequence[Question], advance: Callable[[], None]
) -> tuple[list[Tally], list[Response], dict[str, Any]]:
    """Answer every question by the policy and by each tier alone; tallies in the order to be shown."""
    names = router.plan.ladder.names

    def answer(question: Question, tier: str | None = None) -> Response:
        advance()
        options: Options = {"max_tokens": MAX_TOKENS, "stop": ["\n"], "temperature": 0.0, "tags": {"feature": "demo"}}
        if tier is not None:
            options |= {"floor": tier, "ceiling": tier}
        return router.route(question.prompt, **options)

    def good(question: Question, response: Response) -> float:
        return grade(response.text, accepted=question.accepted, exact_case=question.exact_case)

    routed = [answer(question) for question in questions]
    alone = {name: [answer(question, name) for question in questions] for name in names}
    right = {name: [good(q, r) for q, r in zip(questions, alone[name], strict=True)] for name in names}
    mine = [good(q, r) for q, r in zip(questions, routed, strict=True)]

    tallies = [Tally("tierwise", _mean(mine), _per_1k(routed))]
    tallies += [Tally(f"always {name}", _mean(right[name]), _per_1k(alone[name])) for name in names]
    picks = [next((name for name in names if right[name][i]), names[0]) for i in range(len(questions))]
    oracle = [alone[name][i] for i, name in enumerate(picks)]
    tallies.append(Tally("oracle", _mean([right[name][i] for i, name in enumerate(picks)]), _per_1k(oracle)))
    best = max(names, key=lambda name: _mean(right[name]))
    strong = names[-1]
    pairs = list(zip(mine, right[strong], strict=True))
    facts = {
        "best_single": best,
        "escalated": _mean([float(response.decision.escalated) for response in routed]),
        "first_tier": {name: _mean([float(r.decision.start == name) for r in routed]) for name in names},
        "saved_against_strong": 1 - _per_1k(routed) / _per_1k(alone[strong]),
        "won_against_strong": sum(a > b for a, b in pairs),
        "lost_against_strong": sum(a < b for a, b in pairs),
    }
    return tallies, routed, facts


def _show(
    console: Console,
    questions: Sequence[Question],
    routed: Sequence[Response],
    tallies: Sequence[Tally],
    facts: dict[str, Any],
) -> None:
    """Three decisions in words, then the table."""
    cheap = next(iter(facts["first_tier"]))
    by_kind = (
        next((i for i, r in enumerate(routed) if r.decision.escalated), None),
        next((i for i, r in enumerate(routed) if r.decision.tier == cheap and not r.decision.escalated), None),
        next((i for i, r in enumerate(routed) if r.decision.start != cheap), None),
    )
    for place in by_kind:
        if place is None:
            continue
        last = questions[place].prompt.strip().splitlines()[-1]
        console.print(f"[bold]{questions[place].task}[/bold]  ...{last} [green]{routed[place].text.strip()}[/green]")
        console.print(routed[place].decision.explain() + "\n", highlight=False, soft_wrap=True)
    table = Table(title=f"{facts['n']} prompts of the test split, live on this machine in {facts['seconds']} s")
    for column in ("", "right", "USD per 1,000", "of always strong"):
        table.add_column(column, justify="left" if not column else "right")
    strong = next(t.cost_per_1k for t in tallies if t.name == f"always {list(facts['first_tier'])[-1]}")
    for tally in tallies:
        name = f"{tally.name} (best single)" if tally.name == f"always {facts['best_single']}" else tally.name
        table.add_row(name, f"{tally.quality:.1%}", f"{tally.cost_per_1k:.5f}", f"{tally.cost_per_1k / strong:.0%}")
    console.print(table)
    console.print(
        f"Saved {facts['saved_against_strong']:.0%} of the cost of always asking the strongest tier; "
        f"{facts['won_against_strong']} answers better than its, {facts['lost_against_strong']} worse. "
        f"Escalated {facts['escalated']:.0%}.",
        highlight=False,
    )
    console.print("Prices are nominal, in proportion to the measured time of a generated token.", style="dim")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _per_1k(responses: Sequence[Response]) -> float:
    return usd(sum(response.decision.cost for response in responses)) / len(responses) * 1000


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
