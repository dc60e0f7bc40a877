"""``tierwise cache fit``: the threshold of the semantic cache, from labelled pairs, with a bound on wrong hits."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from router.errors import InputError

if TYPE_CHECKING:
    from router.cache.semantic.fitting import Pair, Sides
    from router.embed import Embedder

_PAGE = 256


def fit(
    pairs: Annotated[Path, typer.Option(help='Lines of {"a": ..., "b": ..., "same": true or false}.')],
    embedder: Annotated[str, typer.Option(help="Whose vectors to compare; see the documentation.")] = "wordllama",
    max_wrong: Annotated[float, typer.Option(help="The largest share of wrong hits, as 0.01 for one in 100.")] = 0.01,
    confidence: Annotated[float, typer.Option(help="How sure the bound is to be.")] = 0.95,
    split: Annotated[
        str | None, typer.Option(help="Fit on the pairs of this split alone, and judge by `test`.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write the fit.")] = Path("cache-fit.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit the threshold at which a question may be taken for another one."""
    from router.embedders.naming import embedder_named

    if not 0 < max_wrong < 1:
        raise InputError(f"--max-wrong must be between 0 and 1, like 0.01 for one in a hundred, not {max_wrong:g}")
    if not 0.5 <= confidence < 1:
        raise InputError(f"--confidence must be at least 0.5 and below 1, not {confidence:g}")
    say = Console(stderr=True)
    found = report(
        pairs, embedder_named(embedder), max_wrong=max_wrong, confidence=confidence, split=split, out=out,
        say=lambda text: say.print(text, markup=False, highlight=False),
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        show(found, Console())


def report(
    path: Path,
    embedder: Embedder,
    *,
    max_wrong: float,
    confidence: float,
    split: str | None,
    out: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Fit on the pairs at ``path``, write the fit to ``out``, and say how it does, and how cosines do alone.

    Raises:
        InputError: the file is no list of pairs, they are too few, or too many of the closest ones differ.
        EmbedderError: the embedder cannot be loaded or used.
    """
    from router.cache.semantic.fit_file import Fit, dump
    from router.cache.semantic.fitting import fitted, judged
    from router.cache.semantic.pairs import read_pairs
    from router.embed import imprint_of

    every = read_pairs(path)
    used = [pair for pair in every if split is None or pair.split == split]
    if not used:
        raise InputError(f"no pair of {path} has the split {split!r}; leave --split out to use all of them")
    say(f"{len(used):,} pairs, {sum(pair.same for pair in used):,} of which ask the same")
    cosines = cosines_of(embedder, used)
    closed = gates_of(used)
    opened = [gate is None for gate in closed]
    same = [pair.same for pair in used]
    threshold = fitted(cosines, opened, same, max_wrong=max_wrong, confidence=confidence)
    made = Fit(threshold=threshold, imprint=imprint_of(embedder), pairs=hashlib.sha256(path.read_bytes()).hexdigest())
    text = dump(made)
    out.write_text(text, encoding="utf-8")
    found: dict[str, Any] = {
        "wrote": str(out),
        "hash": json.loads(text)["hash"],
        "embedder": embedder.name,
        "threshold": threshold.value,
        "max_wrong": max_wrong,
        "confidence": confidence,
        "fit": _plain(threshold.sides),
        "cosine_alone": _plain(
            judged([bool(each >= threshold.value) for each in cosines], same, confidence=confidence)
        ),
        "gates": dict(
            Counter(gate for gate, alike in zip(closed, same, strict=True) if gate is not None and not alike)
        ),
    }
    held = [pair for pair in every if split is not None and pair.split == "test" and split != "test"]
    if held:
        found["test"] = _plain(_sides(embedder, held, threshold.value, confidence))
    return found


def cosines_of(embedder: Embedder, pairs: Sequence[Pair]) -> Any:
    """The cosine of each pair, (n,)."""
    import numpy as np

    parts = [
        (
            embedder([pair.one for pair in pairs[start : start + _PAGE]])
            * embedder([pair.other for pair in pairs[start : start + _PAGE]])
        ).sum(axis=1)
        for start in range(0, len(pairs), _PAGE)
    ]
    return np.concatenate(parts)


def gates_of(pairs: Sequence[Pair]) -> list[str | None]:
    """The gate that keeps each pair apart, None where all are open."""
    from router.cache.semantic.gates import shut

    return [shut(pair.one, pair.other) for pair in pairs]


def _sides(embedder: Embedder, pairs: Sequence[Pair], threshold: float, confidence: float) -> Sides:
    from router.cache.semantic.fitting import judged

    near = cosines_of(embedder, pairs) >= threshold
    hits = [bool(close) and gate is None for close, gate in zip(near, gates_of(pairs), strict=True)]
    return judged(hits, [pair.same for pair in pairs], confidence=confidence)


def _plain(sides: Sides) -> dict[str, Any]:
    return asdict(sides) | {"precision": sides.precision, "recall": sides.recall}


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was fitted."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    for name in ("", "pairs", "hits", "wrong", "precision", "recall", "wrong hits at most"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    names = {"fit": "gates and threshold", "cosine_alone": "threshold alone", "test": "on the pairs held out"}
    for key, name in names.items():
        if key in found:
            each = found[key]
            shares = [_share(each["precision"]), _share(each["recall"]), _share(each["bound"])]
            table.add_row(name, f"{each['pairs']:,}", f"{each['hits']:,}", f"{each['wrong']:,}", *shares)
    console.print(table)
    console.print(
        f"A cosine of {found['threshold']:.4f} by {found['embedder']} keeps wrong hits at {found['max_wrong']:.2%} or "
        f"below, with {found['confidence']:.0%} confidence, on traffic like these pairs and if they were drawn "
        f"independently of each other.\nwrote {found['wrote']}; next, in tierwise.toml: [cache.semantic] fit = "
        f'"{found["wrote"]}"',
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
