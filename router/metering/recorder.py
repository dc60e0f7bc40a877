"""Writing decisions in the background, so that no caller waits for the ledger or learns of its faults."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from router.decision import Decision

logger = logging.getLogger(__name__)

BACKLOG = 10_000
"""Decisions at most that wait to be written; what comes beyond is dropped and counted."""

PATIENCE = 5.0
"""Seconds that a program that ends waits for decisions to be written."""


@dataclass(slots=True)
class _Work:
    """What one process has to write."""

    waiting: deque[Decision] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)
    running: bool = False
    lost: int = 0


def _ending() -> bool:
    """Whether the program has come to its end, and waits for its threads."""
    return not threading.main_thread().is_alive()


class Recorder:
    """Hands decisions to ``write``, one after another, on a thread that lives while there are any.

    The thread is no daemon, so that a program that ends writes what is left first, for PATIENCE seconds at most. What
    ``write`` raises is warned of: the first time, and then each time that what was lost has doubled. What waits when a
    process forks is the parent's to write.
    """

    def __init__(
        self,
        write: Callable[[Decision], object],
        *,
        backlog: int = BACKLOG,
        clock: Callable[[], float] = time.monotonic,
        ending: Callable[[], bool] = _ending,
    ) -> None:
        self._write = write
        self._backlog = backlog
        self._clock = clock
        self._ending = ending
        self._by_process: dict[int, _Work] = {}

    @property
    def lost(self) -> int:
        """Decisions of this process that were not written."""
        return self._work.lost

    def put(self, decision: Decision) -> None:
        """Have ``decision`` written; never waits, never raises."""
        work = self._work
        with work.changed:
            if len(work.waiting) >= self._backlog:
                self._lose(work, 1, f"{self._backlog:,} others wait to be written")
                return
            work.waiting.append(decision)
            if work.running:
                return
            work.running = True
        try:
            threading.Thread(target=self._drain, args=(work,), name="tierwise-metering", daemon=False).start()
        except RuntimeError:  # the interpreter is ending and gives no more threads
            self._drain(work)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was put is written or lost; False when ``timeout`` seconds were not enough."""
        work = self._work
        with work.changed:
            return work.changed.wait_for(lambda: not work.running, timeout)

    def _drain(self, work: _Work) -> None:
        until: float | None = None
        while True:
            with work.changed:
                if until is None and self._ending():
                    until = self._clock() + PATIENCE
                if until is not None and self._clock() > until and work.waiting:
                    self._lose(work, len(work.waiting), "the program ended")
                    work.waiting.clear()
                if not work.waiting:
                    work.running = False
                    work.changed.notify_all()
                    return
                decision = work.waiting.popleft()
            try:
                self._write(decision)
            except Exception as error:  # noqa: BLE001 - the call was answered; its caller has no part in this
                with work.changed:
                    self._lose(work, 1, f"{type(error).__name__}: {error}")

    def _lose(self, work: _Work, count: int, reason: str) -> None:
        before, work.lost = work.lost, work.lost + count
        if before.bit_length() != work.lost.bit_length():
            logger.warning("%d tracked calls are not in the ledger, the last because %s", work.lost, reason)

    @property
    def _work(self) -> _Work:
        pid = os.getpid()
        return self._by_process.get(pid) or self._by_process.setdefault(pid, _Work())
