"""``tierwise train``, also ``python -m training``: from labelled answers to a policy bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from router import config as configuration
from router.bundle import load
from router.planning import DEFAULT_BUNDLE, plan_of
from router.pricing import usd

app = typer.Typer(
    help="Train, tune and judge a policy on labelled answers.", no_args_is_help=True, pretty_exceptions_enable=False
)

_status = Console(stderr=True)

SAMPLE = Path("data/sample.parquet")

Data = Annotated[Path, typer.Option("--data", help="Labelled answers, Parquet in long format.")]
Configured = Annotated[
    str, typer.Option("--config", help="A tierwise.toml, or preset:NAME. Its tiers and prices are used.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def fit(
    data: Data = SAMPLE,
    config: Configured = "preset:local",
    out: Annotated[Path, typer.Option("--out", help="Where to write the bundle.")] = Path("policy.tierwise"),
    as_json: Json = False,
) -> None:
    """Fit the complexity classifier and the confidence scorer on the splits `fit` and `calibrate`."""
    from training.fit import fit as fit_all
    from training.records import read

    settings = configuration.load(config)
    records = read(data, settings.tiers)
    with _status.status("fitting") as status:
        fitted = fit_all(records, settings.tiers, report=status.update)
    version = fitted.bundle.save(out)
    facts = {"bundle": str(out), "version": version, **fitted.bundle.facts}
    _say(facts, f"wrote {out} ({version[:16]}), fitted on {fitted.bundle.facts['rows']['fit']:,} prompts", as_json)


@app.command()
def tune(
    data: Data = SAMPLE,
    config: Configured = "preset:local",
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle to tune.")] = Path("policy.tierwise"),
    out: Annotated[Path | None, typer.Option("--out", help="Where to write it; default: in place.")] = None,
    target_quality: Annotated[
        float | None, typer.Option(help="Least share of the strongest tier's quality, such as 0.95.")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Most USD per 1,000 requests.")] = None,
    as_json: Json = False,
) -> None:
    """Choose the decision rule on the split `tune`.

    Without a target or a budget: the best quality that costs less than always asking the strongest tier.
    """
    from training.fit import fingerprint
    from training.records import read
    from training.tune import Objective, single_tiers
    from training.tune import tune as tune_rule

    objective = Objective(target_quality=target_quality, budget=budget)
    settings = configuration.load(config)
    untuned = load(bundle)
    plan = plan_of(settings, bundle=untuned)
    records = read(data, settings.tiers)
    _same_data(untuned.facts, fingerprint(records), bundle)
    rows = records.split("tune").labelled()
    with _progress("replaying the policy library") as advance:
        tuned = tune_rule(rows, plan, objective, progress=advance)
    facts = {
        "tuned": {
            "target_quality": target_quality,
            "budget": budget,
            "met": tuned.met,
            "rule": tuned.chosen.rule.as_dict(),
            "quality": tuned.chosen.quality,
            "cost_per_1k": usd(round(tuned.chosen.cost)) * 1000,
            "rules_tried": len(tuned.candidates),
            "rows": len(rows),
            "tiers": [
                {"tier": name, "quality": quality, "cost_per_1k": usd(round(cost)) * 1000}
                for name, (quality, cost) in zip(plan.ladder.names, single_tiers(rows, plan), strict=True)
            ],
        }
    }
    target = out or bundle
    version = replace(untuned.with_rule(tuned.chosen.rule), facts={**untuned.facts, **facts}).save(target)
    told = f"wrote {target} ({version[:16]}): {tuned.chosen.rule.as_dict()}" + (
        "" if tuned.met else "; NOTHING met the objective, so the strongest tier is always asked"
    )
    _say({"bundle": str(target), "version": version, **facts["tuned"]}, told, as_json)


@app.command()
def evaluate(
    data: Data = SAMPLE,
    config: Configured = "preset:local",
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle to judge.")] = DEFAULT_BUNDLE,
    split: Annotated[str, typer.Option("--split", help="fit, calibrate, tune or test.")] = "test",
    as_json: Json = False,
) -> None:
    """Judge a bundle against always-cheap, always-strong, the best single tier, a random mix and the oracle."""
    from training.evaluate import evaluate as judge
    from training.fit import fingerprint
    from training.records import read

    settings = configuration.load(config)
    loaded = load(bundle)
    records = read(data, settings.tiers)
    _same_data(loaded.facts, fingerprint(records), bundle)
    result = judge(records.split(split), plan_of(settings, bundle=loaded), split=split)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        Console().print(_table(result))


def _same_data(facts: Any, found: str, bundle: Path) -> None:
    """Warn when the bundle was fitted on other data: its fitting rows may then be among the ones judged."""
    if facts.get("data") not in (None, found):
        told = (
            f"{bundle} was fitted on other data ({facts['data']}) than this ({found}); make sure that none of these "
            "prompts were in it."
        )
        _status.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _table(result: dict[str, Any]) -> Table:
    """Quality and cost of the policy beside its baselines."""
    table = Table(title=f"{result['n']:,} prompts, {result['protocol'].split(';')[0]}", title_justify="left")
    for column in ("", "quality", "95 % interval", "USD per 1,000", "of strong"):
        table.add_column(column, justify="left" if not column else "right")
    strong = result["baselines"]["always_strong"]["cost_per_1k"]
    low, high = result["policy"]["quality_interval"]
    for name, row in {"policy": result["policy"], **result["baselines"]}.items():
        label = f"{name.replace('_', ' ')}" + (f" ({row['tier']})" if "tier" in row else "")
        bounds = f"{low:.1%} to {high:.1%}" if name == "policy" else ""
        cost = row["cost_per_1k"]
        table.add_row(label, f"{row['quality']:.1%}", bounds, f"{cost:.6f}", f"{cost / strong:.0%}")
    return table


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, as a callable that takes what is done and the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_status, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say(facts: dict[str, Any], sentence: str, as_json: bool) -> None:
    typer.echo(json.dumps(facts, indent=2) if as_json else sentence)


if __name__ == "__main__":
    from router.cli.main import guarded

    guarded(app)
