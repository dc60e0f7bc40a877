"""``tierwise train report``: the page, the Markdown and the plots of an evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from router.errors import InputError
from training.commands.console import Json, say, warn
from training.report import Rendered, ReportContext, render

KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "str": ("text", (str,)),
    "float | None": ("a number", (int, float, type(None))),
    "bool": ("true or false", (bool,)),
    "Literal['share', 'absolute']": ("share or absolute", (str,)),
}
"""How a field of the context is written in JSON, by its annotation."""


def report(
    evaluation: Annotated[
        Path, typer.Option("--evaluation", help="What `tierwise train evaluate --json` printed, as a file.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to write report.html, report.md and plots/ to.")],
    context: Annotated[
        Path | None, typer.Option("--context", help="JSON with target, data, rungs, versions and so on.")
    ] = None,
    champion: Annotated[
        Path | None, typer.Option("--champion", help="The champion's evaluation on the same rows, as JSON.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="The title of the page.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Say on top that the data is simulated.")] = False,
    as_json: Json = False,
) -> None:
    """Write an evaluation as one self-contained page, as Markdown, and its plots as SVG files."""
    result = _object(evaluation)
    about = ReportContext() if context is None else context_of(_object(context), where=str(context))
    changes: dict[str, Any] = {"simulated": simulated or about.simulated}
    if champion is not None:
        changes["champion"] = _object(champion)
    if title is not None:
        changes["title"] = title
    _say(render(result, context=replace(about, **changes), out=out), as_json=as_json)


def context_of(raw: Mapping[str, Any], *, where: str) -> ReportContext:
    """The context that ``raw``, an object of JSON, describes.

    Raises:
        InputError: a key that the context does not have, or a value of another kind; ``where`` is named in it.
    """
    known = {field.name: str(field.type) for field in fields(ReportContext)}
    for key, value in raw.items():
        if key not in known:
            raise InputError(f"{where}: `{key}` is no part of a report's context; it has {', '.join(sorted(known))}")
        kind = known[key]
        told, types = KINDS.get(kind) or _kind(kind)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise InputError(f"{where}: `{key}` has to be {told}")
    if raw.get("target_kind", "share") not in {"share", "absolute"}:
        raise InputError(f"{where}: `target_kind` has to be share or absolute")
    return ReportContext(**raw)


def _kind(annotation: str) -> tuple[str, tuple[type, ...]]:
    told, kind = ("a list", list) if annotation.startswith("Sequence") else ("an object", dict)
    return told, (kind, type(None)) if annotation.endswith("None") else (kind,)


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a file of JSON") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: is not JSON ({error}); `tierwise train evaluate --json > {path.name}` writes one"
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no JSON object; `tierwise train evaluate --json` prints one")
    return found


def _say(rendered: Rendered, *, as_json: bool) -> None:
    if rendered.missing:
        warn(f"no figures for {', '.join(rendered.missing)}: left out, and the report says so")
    facts = {
        "html": str(rendered.html),
        "markdown": str(rendered.markdown),
        "plots": [str(plot) for plot in rendered.plots],
        "missing": list(rendered.missing),
    }
    say(facts, f"wrote {rendered.html}", as_json=as_json)
