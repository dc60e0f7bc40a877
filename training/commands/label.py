"""``tierwise train label``: labels from graders and from a judging model, and a plan for the next ones."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from router import config as configuration
from router.errors import InputError
from router.ledger import Ledger
from router.planning import DEFAULT_BUNDLE, ledger_of, plan_of
from router.pricing import nano, usd
from training.commands.console import Found, Json, progress, say, status
from training.label.grader import Grader
from training.label.sheet import check_name, write_rows
from training.label.source import Source, source_of
from training.label.summary import summary
from training.label.work import work_of

app = typer.Typer(
    help="Label answers by graders or by a judging model, and plan which to label next.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

GRADERS = "exact, numeric, choice, regex, json-schema, parses, or your own module:function"

Data = Annotated[
    Path | None, typer.Option("--data", help="Answers in long format: .jsonl, .csv or .parquet.", show_default=False)
]
FromLedger = Annotated[bool, typer.Option("--ledger", help="Label the configuration's ledger, and write into it.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write the rows with their labels.")]


@app.command()
def grade(
    grader: Annotated[str, typer.Option("--grader", help=f"{GRADERS}.")],
    data: Data = None,
    out: Out = None,
    ledger: FromLedger = False,
    config: Found = None,
    tolerance: Annotated[float, typer.Option(help="numeric: the largest difference.")] = 0.0,
    relative: Annotated[float, typer.Option(help="numeric: the same as a share of the reference.")] = 1e-6,
    pattern: Annotated[str, typer.Option(help="regex: what to find; {reference} stands for the row's own.")] = "",
    schema: Annotated[Path | None, typer.Option(help="json-schema: the file with the schema.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Grade anew what is labelled already.")] = False,
    as_json: Json = False,
) -> None:
    """Grade answers by a program."""
    from training.label.grader import graded

    made = _grader(grader, tolerance=tolerance, relative=relative, pattern=pattern, schema=schema)
    with _source(data, ledger=ledger, config=config, out=out) as source:
        todo = [answer for answer in source.sheet.answers if replace or not answer.given.known]
        with status.status(f"grading {len(todo):,} answers"):
            labels = graded(todo, made)
        facts = {
            "grader": made.name,
            "source": made.source,
            **source.keep(labels, now=time.time()),
            **summary(source.sheet.answers, labels),
        }
    told = f"graded {facts['labelled']:,} answers by {made.name}, {_unclear(facts)}"
    if not todo:
        told = "every answer is labelled already; --replace grades them anew"
    say(_finite(facts), told, as_json=as_json)


@app.command()
def judge(
    tier: Annotated[str, typer.Option("--tier", help="The tier of the configuration that judges.")],
    data: Data = None,
    out: Out = None,
    ledger: FromLedger = False,
    config: Found = None,
    mode: Annotated[str, typer.Option(help="score: each answer alone. pair: against another tier's, twice.")] = "score",
    against: Annotated[str | None, typer.Option(help="pair: the tier whose answers are the other side.")] = None,
    scale: Annotated[str, typer.Option(help="score: 1-10 or 0-1.")] = "1-10",
    rubric: Annotated[Path | None, typer.Option(help="A text file that says what makes an answer good.")] = None,
    max_tokens: Annotated[int, typer.Option(help="The longest reply of the judge, in tokens.")] = 512,
    budget: Annotated[float | None, typer.Option(help="Most USD to spend, over all runs of this journal.")] = None,
    gold: Annotated[int, typer.Option(min=0, help="How many answers with trusted labels to measure it on.")] = 100,
    limit: Annotated[int | None, typer.Option(min=1, help="How many answers to judge at most.")] = None,
    journal: Annotated[Path | None, typer.Option(help="The run's progress; default: beside --out.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Calls at a time.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the draw of trusted answers.")] = 0,
    as_json: Json = False,
) -> None:
    """Let a model judge answers. A rerun goes on where the last one stopped."""
    from router.providers.clients import Clients
    from training.label.journal import journal as opened
    from training.label.judge import Judge, judge_all
    from training.label.rubric import CRITERIA, Mode, Rubric, Scale

    if (mode == "pair") != (against is not None):
        raise InputError("--mode pair needs --against TIER, and only it does")
    settings = configuration.load(config)
    criteria = CRITERIA if rubric is None else _read_text(rubric)
    asked = Rubric(criteria=criteria, scale=cast("Scale", scale), mode=cast("Mode", mode), max_tokens=max_tokens)
    judging = Judge(tier=settings.tiers[settings.tiers.rank(tier, where="--tier")], rubric=asked)
    notes = journal or (out.with_name(f"{out.name}.judge.jsonl") if out else None)
    if notes is None:
        raise InputError("pass --journal, the file that keeps what was judged so that a rerun does not pay again")
    spendable = None if budget is None else nano(budget)
    with _source(data, ledger=ledger, config=config, out=out) as source, opened(notes, judge=judging.id) as book:
        work = work_of(source.sheet.answers, against=against, gold=gold, limit=limit, seed=seed)
        provider = Clients()
        try:
            with progress("judging") as advance:
                judged = judge_all(
                    [*work.gold, *work.tasks], judging, send=provider.complete, journal=book, limit=spendable,
                    workers=workers, clock=time.monotonic, sleep=time.sleep, progress=advance,
                )  # fmt: skip
        finally:
            provider.close()
        labels = judged.labels([task.answer for task in work.tasks])
        measured = work.measured(judged.verdicts, seed=seed)
        facts = {
            "judge": judging.id,
            "stopped": judged.stopped,
            "spent": usd(judged.spent),
            "budget": budget,
            "calls": judged.calls,
            "reused": judged.reused,
            "failed": judged.failed,
            "unreported": judged.unreported,
            "swap_agreement": judged.swap_agreement,
            "gold": None if measured is None else asdict(measured),
            "journal": str(notes),
            **source.keep({**labels, **work.ties(labels)}, now=time.time()),
            **summary(source.sheet.answers, labels),
        }
    told = f"judged {facts['labelled']:,} answers for ${facts['spent']:.4f}, {_unclear(facts)}"
    if judged.stopped == "budget":
        told += "; stopped at the budget: raise it and run again to go on"
    say(_finite(facts), told, as_json=as_json)


def _unclear(facts: Mapping[str, Any]) -> str:
    """How many answers have no label, and why, the commonest reason first."""
    why = "; ".join(f"{count:,}: {reason}" for reason, count in facts["reasons"].items())
    return f"{facts['unclear']:,} unclear" + (f" ({why})" if why else "")


@app.command()
def plan(
    data: Annotated[Path, typer.Option("--data", help="Labelled answers, as `tierwise train ingest` writes them.")],
    config: Found = None,
    bundle: Annotated[
        Path, typer.Option("--bundle", help="The policy to certify.", show_default="the one that ships")
    ] = DEFAULT_BUNDLE,
    target_quality: Annotated[float, typer.Option(help="Least share of the strongest tier's quality.")] = 0.95,
    confidence: Annotated[float, typer.Option(help="How sure the certificate must be, such as 0.9.")] = 0.9,
    split: Annotated[str, typer.Option(help="The pilot: rows that the policy was not fitted on.")] = "certify",
    count: Annotated[int, typer.Option("--next", min=0, help="How many requests to choose for labelling.")] = 0,
    ledger: Annotated[bool, typer.Option("--ledger", help="Choose them from the ledger, not from --data.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write what to label next.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    as_json: Json = False,
) -> None:
    """Say how many labels a certificate needs, and which requests to label next.

    The pilot is the split that certifies, since on rows that it was fitted on a policy looks better than it is.
    """
    import numpy as np

    from router.bundle import load
    from training.embedding import under
    from training.label.candidates import of_queries, of_sheet, rows_to_label
    from training.label.choose import choose, kinds
    from training.label.logged import sheet_from
    from training.label.plan import labels_needed
    from training.records import read
    from training.replay import remembering, replay_all

    if count and out is None:
        raise InputError("pass --out, the file for the requests to label next")
    if out is not None:
        check_name(out)
    settings = configuration.load(config)
    records = read(data, settings.tiers)
    loaded = load(bundle)
    routed = plan_of(under(settings, loaded), bundle=loaded)
    labelled = records.labelled()
    pilot = labelled.split(split)
    with status.status("replaying the pilot"):
        quality = replay_all(pilot, remembering(routed)).quality
    strong = np.array([query.qualities[-1] for query in pilot.queries])
    # A query is in the pilot once its last label came, which the one chosen with the least probability brought.
    weight = np.array(
        [query.weight * max(outcome.weight for outcome in query.outcomes if outcome) for query in pilot.queries]
    )
    if np.isnan(weight).any():
        raise InputError("the log has no propensities, so what its labels say of all requests is not known")
    needed = labels_needed(
        quality - target_quality * strong,
        delta=1 - confidence,
        weight=weight,
        keys=[query.split_key for query in pilot.queries],
        seed=seed,
    )
    facts: dict[str, Any] = {
        "target_quality": target_quality,
        "confidence": confidence,
        "split": split,
        "have": needed.pilot,
        "in_all": None if needed.needed is None else math.ceil(needed.needed * len(labelled) / len(pilot)),
        **asdict(needed),
        "sentence": needed.sentence(have=needed.pilot, split=split),
        "next": None,
    }
    if count:
        assert out is not None
        if ledger:
            with _ledger(config) as opened:
                candidates = of_sheet(sheet_from(opened))
        else:
            candidates = of_queries(records.queries, routed)
        if not candidates:
            facts["next"] = {"requests": 0, "candidates": 0}
            say(_finite(facts), f"{facts['sentence']}; every answer is labelled already", as_json=as_json)
            return
        with status.status("grouping the requests by kind"):
            cluster = kinds([candidate.request for candidate in candidates], seed=seed)
        margins = np.array([candidate.margin for candidate in candidates])
        chosen = choose(min(count, len(candidates)), cluster=cluster, margin=margins, seed=seed)
        write_rows(rows_to_label(candidates, chosen, margins), out)
        facts["next"] = {
            "requests": len(chosen.rows),
            "candidates": len(candidates),
            "kinds": len(set(cluster.tolist())),
            "without_margin": int(np.isnan(margins).sum()),
            "least_inclusion": float(chosen.inclusion[chosen.rows].min()),
            "seed": seed,
            "out": str(out),
        }
    told = facts["sentence"] + (f"; wrote {facts['next']['requests']:,} requests to label to {out}" if count else "")
    say(_finite(facts), told, as_json=as_json)


def _grader(named: str, *, tolerance: float, relative: float, pattern: str, schema: Path | None) -> Grader:
    from training.label.form_graders import JsonSchema, Parses, Regex
    from training.label.reference_graders import Choice, Exact, Numeric
    from training.label.user_grader import user_function

    if named == "regex" and not pattern:
        raise InputError("--grader regex needs --pattern")
    if named == "json-schema" and schema is None:
        raise InputError("--grader json-schema needs --schema FILE")
    made: Mapping[str, Callable[[], Grader]] = {
        "exact": Exact,
        "numeric": lambda: Numeric(absolute=tolerance, relative=relative),
        "choice": Choice,
        "regex": lambda: Regex(pattern),
        "json-schema": lambda: JsonSchema(_read_schema(cast("Path", schema))),
        "parses": Parses,
    }
    if named in made:
        return made[named]()
    if ":" not in named:
        raise InputError(f"--grader={named!r} is no grader; the graders are {GRADERS}")
    return user_function(named)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: it is not UTF-8 ({error.reason}, byte {error.start})") from None


def _read_schema(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read_text(path))
    except ValueError as error:
        raise InputError(f"{path}: it is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: a JSON schema is an object")
    return found


@contextmanager
def _source(data: Path | None, *, ledger: bool, config: str | None, out: Path | None) -> Iterator[Source]:
    """The answers of the file or of the ledger, which is closed afterwards."""
    opened = _ledger(config) if ledger else None
    with opened or nullcontext():
        yield source_of(data, opened, out=out)


def _ledger(config: str | None) -> Ledger:
    found = ledger_of(configuration.load(config))
    if found is None:
        raise InputError("the ledger is switched off in the configuration, so it has nothing to label")
    return found


def _finite(value: Any) -> Any:
    """Make NaN null, which JSON has."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
