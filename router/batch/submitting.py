"""Requests that are submitted one by one: collected for a while, then answered together, by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from router.batch.answers import asked, content_of
from router.batch.entry import Entry
from router.batch.journal import Journal
from router.batch.means import Means
from router.batch.records import Line
from router.batch.rounds import Rounds
from router.decision import Response
from router.errors import BatchError
from router.types import Request


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that was submitted; ``id`` is that of its decision, None where it is made when its turn comes."""

    id: str | None
    _future: Future[Response] = field(repr=False)

    def done(self) -> bool:
        """Whether it is answered, or has failed."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> Response:
        """Wait for the response, ``timeout`` seconds at most.

        Raises:
            TimeoutError: it is not there yet; the request goes on.
            TierwiseError: the request failed, or the router was closed: then the journal goes on with it.
        """
        return self._future.result(timeout)


class Submissions:
    """Answers what is submitted. The journal and the thread begin with the first request.

    Raises:
        BatchError: another process has the journal, or it cannot be written.
    """

    def __init__(self, means: Means, path: Path) -> None:
        self._means, self._path = means, path
        self._lock = threading.Lock()
        self._new: list[tuple[Line, Request]] = []
        self._since = 0.0
        self._waiting: dict[str, Future[Response]] = {}
        self._work: _Work | None = None
        self._closing = False
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, request: Request) -> Ticket:
        """Write ``request`` down, and have it answered with others."""
        birth = self._means.birth()
        line = Line(
            id=birth.id,
            position=int(birth.id[:15], 16),
            content=content_of(request, name=None),
            birth=birth.id,
            created=birth.created,
        )
        future: Future[Response] = Future()
        with self._lock:
            work = self._begun()
            work.journal.add([line])
            if not self._new:
                self._since = self._means.clock()
            self._new.append((line, request))
            self._waiting[line.id] = future
        work.rounds.wake.set()
        return Ticket(birth.id, future)

    def at_once(self, answer: Callable[[], Response]) -> Ticket:
        """Have ``answer`` called on another thread, as soon as one is free."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._means.settings.concurrency, thread_name_prefix="tierwise-submit")
            return Ticket(None, self._pool.submit(answer))

    def collect(self) -> int:
        """Answer all that an earlier process left, and all that is waiting; how many requests that were."""
        with self._lock:
            work = self._begun()
            count = work.journal.tally()
            self._closing = True
        work.rounds.wake.set()
        work.thread.join()
        with self._lock:
            self._closing = False
        if work.error is not None:
            raise work.error
        return count.requests - count.done

    def close(self) -> None:
        """Stop; what is not answered yet stays in the journal, and is gone on with by the next who submits there."""
        with self._lock:
            pool, self._pool = self._pool, None
            work = self._work
            if work is not None:
                work.stopped = True
        if pool is not None:
            pool.shutdown()
        if work is not None:
            work.rounds.wake.set()
            work.thread.join()

    def _begun(self) -> _Work:
        if self._work is None:
            journal = Journal(self._path)
            try:
                rounds = Rounds(self._means, journal, finished=self._finished)
            except BaseException:
                journal.close()
                raise
            for line in journal.waiting():
                rounds.add(line, asked(line))
            self._work = work = _Work(journal, rounds)
            work.thread = threading.Thread(target=self._run, args=(work,), name="tierwise-batch", daemon=True)
            work.thread.start()
        return self._work

    def _run(self, work: _Work) -> None:
        try:
            while not work.stopped:
                pause = self._taken_up(work)
                if work.rounds.busy:
                    pause = min(pause, work.rounds.advance())
                if not work.rounds.busy and self._idle(work):
                    return
                work.rounds.wait(pause)
            self._end(work, BatchError(f"the router was closed; the request is kept in {self._path}"))
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            self._end(work, error)

    def _taken_up(self, work: _Work) -> float:
        """Begin what was collected, when it is time; the seconds until then, infinite where there is nothing."""
        settings = self._means.settings
        with self._lock:
            if not self._new:
                return float("inf")
            left = self._since + settings.window - self._means.clock()
            if left > 0 and len(self._new) < settings.size and not self._closing:
                return left
            taken, self._new = self._new, []
        for line, request in taken:
            work.rounds.add(line, request)
        return 0.0

    def _idle(self, work: _Work) -> bool:
        """Tidy up when all is done; whether the work is to end."""
        with self._lock:
            if self._new:
                return False
            work.journal.forget()
            if not self._closing:
                return False
            self._work = None
            work.rounds.close()
            work.journal.close()
        return True

    def _end(self, work: _Work, error: Exception) -> None:
        with self._lock:
            self._work, self._new = None, []
            waiting, self._waiting = self._waiting, {}
            work.error = error
            work.rounds.close()
            work.journal.close()
        for future in waiting.values():
            with suppress(InvalidStateError):
                future.set_exception(error)

    def _finished(self, entry: Entry, came: Response | Exception) -> None:
        with self._lock:
            future = self._waiting.pop(entry.line.id, None)
        if future is None:
            return
        if isinstance(came, Exception):
            future.set_exception(came)
        else:
            future.set_result(came)


@dataclass(slots=True)
class _Work:
    """One thread at work on the journal."""

    journal: Journal
    rounds: Rounds
    thread: threading.Thread = field(default_factory=threading.Thread)
    stopped: bool = False
    error: Exception | None = None
