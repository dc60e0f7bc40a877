"""Answering a whole file, and going on with it after a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.batch.answers import asked, content_of
from router.batch.journal import Journal, peek
from router.batch.means import Means
from router.batch.records import Line, Tally
from router.batch.rounds import Rounds
from router.batch.rows import Row, read, rejected_path, write_whole
from router.errors import BatchError, InputError
from router.pricing import usd
from router.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a batch came to. ``batched`` requests were answered through a batch API, in ``batches`` of the providers.
    ``cost`` and ``standard``, what the same calls would have cost without it, are in nano-dollars.
    """

    requests: int
    answered: int
    failed: int
    rejected: int
    batched: int
    batches: int
    cost: int
    standard: int
    out: Path
    rejects: Path | None

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, money in USD."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "cost": usd(self.cost),
            "standard": usd(self.standard),
            "out": str(self.out),
            "rejects": None if self.rejects is None else str(self.rejects),
        }


def journal_path(out: Path) -> Path:
    """Where the journal of the batch is whose output is ``out``."""
    return out.parent / f"{out.name}.journal"


def run_file(
    source: Path,
    means: Means,
    *,
    out: Path,
    resume: bool = False,
    applied: Callable[[Request], Request],
    report: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Answer every request of the file ``source``, and write their answers to ``out``, in order, when all are there.

    All that is done is in a journal beside ``out``. With ``resume`` an earlier run is gone on with, however it ended;
    without, there must be none.

    Raises:
        InputError: the file cannot be read, or an output or a journal is in the way.
        BatchError: the file or the provider needs a look; what was done is kept.
    """
    _free(out, source, resume=resume)
    where = journal_path(out)
    rows = read(source, means.plan(), applied=applied)
    journal = Journal(where)
    try:
        if journal.note("source", rows.digest) != rows.digest:
            raise BatchError(
                f"{source}: the file is not the one that {where} was begun with; give that one back, or another --out"
            )
        journal.add(_line(row, means) for row in rows.rows)
        _answer(means, journal, report)
        tally = journal.tally()
        write_whole(out, journal.outcomes())
    finally:
        journal.close()
    return Summary(
        requests=tally.requests,
        answered=tally.done - tally.failed,
        failed=tally.failed,
        rejected=len(rows.rejects),
        batched=tally.batched,
        batches=tally.batches,
        cost=tally.cost,
        standard=tally.standard,
        out=out,
        rejects=rejected_path(source) if rows.rejects else None,
    )


def tally_of(path: Path) -> Tally:
    """How far the journal at ``path`` has come.

    Raises:
        InputError: there is none.
        BatchError: it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"there is no journal {path}; name the output of a batch that was begun")
    return peek(path)


def _answer(means: Means, journal: Journal, report: Callable[[str], None]) -> None:
    rounds = Rounds(means, journal, report=report)
    try:
        waiting = journal.waiting()
        for line in waiting:
            rounds.add(line, asked(line))
        report(f"{len(waiting):,} requests to answer")
        while rounds.busy:
            pause = rounds.advance()
            if rounds.busy:
                rounds.wait(pause)
    finally:
        rounds.close()


def _free(out: Path, source: Path, *, resume: bool) -> None:
    """See that the output writes over nothing but what an earlier run of the same journal wrote."""
    if not out.name or out.is_dir():
        raise InputError(f"{out} is a folder; name a file as --out")
    if not source.name or source.is_dir():
        raise InputError(f"{source} is a folder; name a file of requests")
    for path, use in ((source, "is the file to be answered"), (rejected_path(source), "is for its broken lines")):
        if out.resolve() == path.resolve():
            raise InputError(f"{out} {use}; pass another --out")
    where = journal_path(out)
    if where.exists() and not resume:
        raise InputError(f"{where} is there from an earlier run; pass --resume to go on with it, or another --out")
    if out.exists() and not where.exists():
        raise InputError(f"{out} exists; move it away, or pass another --out")


def _line(row: Row, means: Means) -> Line:
    birth = means.birth()
    content = content_of(row.request, name=row.name)
    return Line(id=row.id, position=row.line, content=content, birth=birth.id, created=birth.created)
