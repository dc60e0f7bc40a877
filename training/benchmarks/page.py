"""The page of benchmarks, made from saved outcomes alone, so that it says what was measured and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.errors import InputError
from router.report.table import Table, inert
from training.benchmarks.page_plot import plot
from training.benchmarks.page_tables import compared, further, summary, verdicts
from training.benchmarks.page_words import GLOSSARY
from training.benchmarks.proof import Proof
from training.benchmarks.registry import PUBLIC
from training.benchmarks.result import told_seeds
from training.benchmarks.saved import load_all, replace_text

OPENING = (
    "Each figure below was written by the command that stands beside it, on public data, and this page by `tierwise "
    "train benchmark page` from what the commands saved in [benchmarks/](benchmarks/): no figure of ours is typed by "
    "hand. The public files are looked for in `../shared/data` or in `$TIERWISE_BENCHMARKS`. Other people's routers "
    "are installed when they are first asked, about 2 GB, into `$TIERWISE_BENCH_ENVS` or `.bench/`, which is not "
    "counted in the seconds. Every choice was made by cross-validation inside training rows, unless the benchmark "
    "says otherwise; test rows are opened once, by the command. Intervals are 95 %. The best published figure is of "
    "the same metric, with whatever labels its authors had: what differs is told with each benchmark. Where a target "
    "is missed, it says so."
)


def write(results: Path, out: Path) -> list[Path]:
    """Write the page ``out`` and its plots, into the folder of the same name beside it; the paths, the page first.

    Raises:
        InputError: ``results`` is no folder, an outcome in it is quick or damaged, or the page cannot be written.
    """
    if not results.is_dir():
        raise InputError(f"{results}: there is no such folder; save outcomes into it with --save, or pass --results")
    proofs = load_all(results)
    plots = out.with_suffix("")
    files = made(proofs, folder=plots.name)
    try:
        plots.mkdir(parents=True, exist_ok=True)
        for name in PUBLIC:
            if f"{plots.name}/{name}.svg" not in files:
                (plots / f"{name}.svg").unlink(missing_ok=True)
        for name, text in files.items():
            replace_text(out.parent / name if name else out, text)
    except OSError as error:
        raise InputError(f"{out}: it cannot be written ({error.strerror}); pass --out") from None
    return [out.parent / name if name else out for name in files]


def made(proofs: Mapping[str, Proof], *, folder: str) -> dict[str, str]:
    """The page, under the empty name, and its plots under theirs, ``folder/NAME.svg``.

    Raises:
        InputError: an outcome is quick, so not to be quoted.
    """
    for name, proof in proofs.items():
        if proof.quick:
            raise InputError(f"the outcome of {name!r} is of a quick run; run it in full, with --save, for the page")
    plots = {name: drawn for name, proof in proofs.items() if (drawn := plot(proof)) is not None}
    return {
        "": _page(proofs, {name: f"{folder}/{name}.svg" for name in plots}),
        **{f"{folder}/{name}.svg": drawn for name, drawn in plots.items()},
    }


def _page(proofs: Mapping[str, Proof], plots: Mapping[str, str]) -> str:
    counts = [verdicts(proof) for proof in proofs.values()]
    reached, asked = sum(count.met for count in counts), sum(count.of for count in counts)
    blocks = ["# Benchmarks", OPENING]
    if asked:
        blocks += [f"Of {asked} targets {reached} are met and {asked - reached} missed.", summary(proofs).markdown()]
    missing = [name for name in PUBLIC if name not in proofs]
    if missing:
        blocks.append(f"Not measured yet: {', '.join(f'`{name}`' for name in missing)}.")
    for name, proof in proofs.items():
        blocks += _section(proof, plots.get(name))
    blocks += ["## What the names mean", "\n".join(f"- **{inert(name)}**: {inert(says)}." for name, says in GLOSSARY)]
    return "\n\n".join(blocks) + "\n"


def _section(proof: Proof, drawn: str | None) -> list[str]:
    entry = PUBLIC[proof.name]
    blocks = [f"## {proof.name}", f"{inert(entry.summary[0].upper() + entry.summary[1:])}."]
    blocks += [f"```\ntierwise train benchmark {proof.name}\n```", _facts(proof), inert(proof.protocol)]
    if proof.differs:
        blocks += ["What differs from the published setting:", "\n".join(f"- {inert(each)}" for each in proof.differs)]
    if drawn is not None:
        blocks.append(f"![{inert(f'{proof.name}: {proof.axes[1]} over {proof.axes[0]}')}]({drawn})")
    for table in compared(proof):
        blocks += [f"**{inert(table.caption)}**", table.markdown()]
    more = further(proof)
    if more:
        blocks += ["<details><summary>All other figures</summary>", *_folded(more), "</details>"]
    return blocks


def _folded(tables: list[Table]) -> list[str]:
    return [block for table in tables for block in (f"**{inert(table.caption)}**", table.markdown())]


def _facts(proof: Proof) -> str:
    train = (
        f"{proof.n_train:,}"
        if isinstance(proof.n_train, int)
        else ", ".join(f"{count:,} ({inert(name.replace('_', ' '))})" for name, count in proof.n_train.items())
    )
    peak = "" if proof.peak_mib is None else f", {proof.peak_mib:,.0f} MiB at most"
    return (
        f"Trained on {train}; tested on {proof.n_test:,}; seeds {told_seeds(proof.seeds)}. "
        f"{proof.seconds:,.0f} s{peak}."
    )
