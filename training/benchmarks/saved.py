"""Outcomes of public benchmarks as files, a JSON each, from which the page is made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from router.errors import InputError
from training.benchmarks.proof import Proof, Target
from training.benchmarks.registry import PUBLIC

COMMITTED = Path(__file__).parents[2] / "docs" / "benchmarks"
"""Where the checkout keeps the outcomes that its page is made from; an installed package has none."""

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "name": str,
    "protocol": str,
    "n_train": (int, dict),
    "n_test": int,
    "seeds": list,
    "metrics": dict,
    "intervals": dict,
    "baselines": dict,
    "published": dict,
    "targets": dict,
    "differs": list,
    "curves": dict,
    "axes": list,
    "quick": bool,
    "seconds": (int, float),
    "peak_mib": (int, float, type(None)),
}


def save(proof: Proof, folder: Path) -> Path:
    """Write ``NAME.json`` into ``folder``, whole or not at all.

    Raises:
        InputError: the folder cannot be written to.
    """
    path = folder / f"{proof.name}.json"
    text = json.dumps(proof.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    except OSError as error:
        raise InputError(f"{folder}: it cannot be written ({error.strerror}); choose another folder") from None
    return path


def replace_text(path: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that no reader sees half of it.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> Proof:
    """Read what :func:`save` wrote.

    Raises:
        InputError: the file cannot be read, is of no registered benchmark, or is not what was written.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise InputError(f"{path}: it is no JSON ({error}); run the benchmark again with --save") from None
    return _proof(told, path)


def load_all(folder: Path) -> dict[str, Proof]:
    """The outcomes in ``folder``, in the order in which the benchmarks are registered; none where it is not there.

    Raises:
        InputError: a file cannot be read, or is not what was written.
    """
    found = {path.stem: load(path) for path in sorted(folder.glob("*.json"))}
    return {name: found[name] for name in PUBLIC if name in found}


def _proof(told: Any, path: Path) -> Proof:
    if not isinstance(told, dict) or set(told) != set(_KINDS):
        wrong = sorted(set(told) ^ set(_KINDS)) if isinstance(told, dict) else ["everything"]
        raise InputError(f"{path}: it is no benchmark's outcome ({', '.join(wrong)}); run it again with --save")
    for key, kinds in _KINDS.items():
        if not isinstance(told[key], kinds):
            raise InputError(f"{path}: {key} is {told[key]!r}, which no benchmark wrote; run it again with --save")
    if told["name"] != path.stem or told["name"] not in PUBLIC:
        raise InputError(f"{path}: it is of the benchmark {told['name']!r}; only {', '.join(PUBLIC)} have a page")
    targets: dict[str, Target] = told["targets"]
    return Proof(
        **{
            **told,
            "seeds": tuple(told["seeds"]),
            "differs": tuple(told["differs"]),
            "axes": tuple(told["axes"]),
            "targets": targets,
            "intervals": _pairs(told["intervals"]),
        }
    )


def _pairs(intervals: Any) -> Any:
    """Intervals as a proof holds them; files that were saved with pairs stay readable."""
    if not isinstance(intervals, dict):
        return intervals
    if set(intervals) == {"low", "high"}:
        return [intervals["low"], intervals["high"]]
    return {name: _pairs(inner) for name, inner in intervals.items()}
