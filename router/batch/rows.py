"""The requests of a batch file: one JSON object a line, a prompt or messages, and options."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.errors import BatchError, InputError
from router.ledger.redact import redact
from router.options import Options, request_of
from router.plan import Plan
from router.types import Request

WORST = 0.05
"""Share of broken lines beyond which nothing is sent: it is likelier that the file is not what was meant."""

_FIELDS = ("id", "prompt", "messages", *(name for name in Options.__annotations__ if name != "deadline"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the file: its number from 1, a stable ``id`` of ours, the caller's own ``name``, and the request."""

    line: int
    id: str
    name: str | None
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One line that is no request, and why."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A whole file: what it asks, what was refused, and the SHA-256 of its bytes."""

    rows: tuple[Row, ...]
    rejects: tuple[Reject, ...]
    digest: str


class _Refused(Exception):
    """A line that cannot be taken."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def read(path: Path, plan: Plan, *, applied: Callable[[Request], Request]) -> Rows:
    """Read the file at ``path``; ``applied`` adds the configuration's defaults to a request.

    Raises:
        InputError: it cannot be read, or is empty.
        BatchError: more than :data:`WORST` of its lines are broken.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    rows: list[Row] = []
    rejects: list[Reject] = []
    names: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_row(number, line, plan, names, applied))
        except _Refused as refused:
            rejects.append(Reject(line=number, field=refused.field, reason=str(refused)))
    if not rows and not rejects:
        raise InputError(f"{path}: is empty; write one JSON object with a `prompt` a line")
    _write_rejects(path, rejects)
    share = len(rejects) / (len(rows) + len(rejects))
    if share > WORST:
        first = rejects[0]
        raise BatchError(
            f"{path}: {len(rejects):,} of {len(rows) + len(rejects):,} lines ({share:.0%}) cannot be taken, more than "
            f"{WORST:.0%}, so nothing was sent; the first is line {first.line}, `{first.field}`: {first.reason}. "
            f"All are in {rejected_path(path)}"
        )
    return Rows(rows=tuple(rows), rejects=tuple(rejects), digest=hashlib.sha256(content).hexdigest())


def rejected_path(path: Path) -> Path:
    """Where the broken lines of ``path`` are told of."""
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.rejected.jsonl")


def write_whole(path: Path, lines: Iterator[str]) -> None:
    """Write ``lines`` to ``path`` at once, or nothing.

    Raises:
        BatchError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise BatchError(f"{path}: cannot be written ({error.strerror}); free some space and go on") from error


def _write_rejects(path: Path, rejects: list[Reject]) -> None:
    where = rejected_path(path)
    if not rejects:
        where.unlink(missing_ok=True)
        return
    write_whole(
        where,
        (json.dumps({"line": each.line, "field": each.field, "reason": redact(each.reason)}) for each in rejects),
    )


def _row(number: int, line: bytes, plan: Plan, names: dict[str, int], applied: Callable[[Request], Request]) -> Row:
    plain = _object(line)
    for key in plain:
        if key not in _FIELDS:
            told = "nobody waits for a batch, so it has no deadline" if key == "deadline" else "there is no such field"
            raise _Refused(key, told)
    name = plain.pop("id", None)
    if name is not None and not (isinstance(name, str) and name):
        raise _Refused("id", "must be text")
    if name is not None and name in names:
        raise _Refused("id", f"is also that of line {names[name]}")
    request = applied(_request(plain))
    _check(request, plan)
    if name is not None:
        names[name] = number
    digest = hashlib.sha256(line.strip()).hexdigest()
    return Row(line=number, id=f"{digest[:24]}-{number}", name=name, request=request)


def _object(line: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Refused("line", f"is not JSON ({error})") from None
    if not isinstance(plain, dict):
        raise _Refused("line", "is no JSON object")
    return plain


def _request(plain: dict[str, Any]) -> Request:
    if ("prompt" in plain) == ("messages" in plain):
        raise _Refused(
            "prompt", "is missing" if "prompt" not in plain else "is given beside `messages`; keep one of them"
        )
    field = "prompt" if "prompt" in plain else "messages"
    prompt = plain.pop(field)
    if field == "prompt" and not isinstance(prompt, str):
        raise _Refused(field, "must be text")
    options: Any = plain
    try:
        return request_of(prompt, options)
    except InputError as error:
        words = str(error)
        blamed = next((name for name in sorted(plain, key=len, reverse=True) if words.startswith(name)), None)
        blamed = blamed or ("tools" if words.startswith("a tool") and "tools" in plain else field)
        raise _Refused(blamed, words) from None
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise _Refused(field, f"cannot be read ({error})") from None


def _check(request: Request, plan: Plan) -> None:
    """See that what a request names is there: a typing error is to be found before anything is paid."""
    field = "floor"
    try:
        for field in ("floor", "ceiling"):
            named = getattr(request, field)
            if named is not None:
                plan.ladder.rank(named, where=field)
        field = "profile"
        plan.rule_of(plan.choice.of(request))
    except InputError as error:
        raise _Refused(field, str(error)) from None
