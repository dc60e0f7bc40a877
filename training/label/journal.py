"""The journal of a judging run: one line per judged answer, so that a rerun goes on where the last one stopped."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from router.errors import InputError
from training.lock import exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge said of one answer, and what asking cost in nano-dollars.

    ``quality`` is in [0, 1]; NaN where it gave no clear verdict, and then ``reason`` says why. ``settled``: it need not
    be asked again; otherwise the line only says what was spent before the budget or the tier gave out. ``swapped``:
    of a pair, whether the swapped order agreed; None for a score.
    """

    key: str
    judge: str
    query_id: str
    tier: str
    quality: float
    reason: str
    cost: int
    calls: int
    settled: bool = True
    swapped: bool | None = None


class Journal:
    """Verdicts in a JSONL file: those that are there, by key, and new ones appended whole, from any thread.

    ``spent`` is what all lines of this judge cost, in nano-dollars.
    """

    def __init__(self, file: IO[bytes], *, verdicts: dict[str, Verdict], spent: int) -> None:
        self.verdicts = verdicts
        self.spent = spent
        self._file = file
        self._lock = threading.Lock()

    def append(self, verdict: Verdict) -> None:
        """Write one line and hand it to the operating system before returning."""
        line = {
            "key": verdict.key,
            "judge": verdict.judge,
            "query_id": verdict.query_id,
            "tier": verdict.tier,
            "quality": None if math.isnan(verdict.quality) else verdict.quality,
            "reason": verdict.reason,
            "cost_nano": verdict.cost,
            "calls": verdict.calls,
            "settled": verdict.settled,
            "swapped": verdict.swapped,
        }
        with self._lock:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            self.spent += verdict.cost
            if verdict.settled:
                self.verdicts[verdict.key] = verdict


@contextmanager
def journal(path: Path, *, judge: str) -> Iterator[Journal]:
    """Open the journal at ``path`` for the verdicts of ``judge``, or begin one; other judges' lines stay unread.

    A half-written last line, which a crash leaves, is dropped.

    Raises:
        InputError: a line is not the journal's, or the file cannot be written.
        Locked: another run writes to it.
    """
    with exclusive(path.with_name(f"{path.name}.lock"), what=f"another run that writes {path}"):
        try:
            file = path.open("a+b")
        except OSError as error:
            raise InputError(f"{path}: the journal cannot be opened ({error.strerror}); pass another") from None
        with file:
            file.seek(0)
            text = file.read()
            whole = text.rfind(b"\n") + 1
            file.truncate(whole)
            verdicts: dict[str, Verdict] = {}
            spent = 0
            for place, line in enumerate(text[:whole].splitlines(), 1):
                verdict = _verdict(line, path, place)
                if verdict.judge == judge:
                    spent += verdict.cost
                    if verdict.settled:
                        verdicts[verdict.key] = verdict
            yield Journal(file, verdicts=verdicts, spent=spent)


def _verdict(line: bytes, path: Path, place: int) -> Verdict:
    try:
        told = json.loads(line)
        quality = math.nan if told["quality"] is None else float(told["quality"])
        return Verdict(
            key=str(told["key"]),
            judge=str(told["judge"]),
            query_id=str(told["query_id"]),
            tier=str(told["tier"]),
            quality=quality,
            reason=str(told["reason"]),
            cost=int(told["cost_nano"]),
            calls=int(told["calls"]),
            settled=bool(told["settled"]),
            swapped=told["swapped"],
        )
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path}: line {place} is not of a judging journal; move the file away") from None
