"""Performing :class:`router.ops.Embed` within its time: on threads of its own, since a call that hangs cannot be ended.

Not on those of the event loop or of the requests: an embedder that hangs must not take these with it. What is asked for
at about the same time may be embedded in one call, since a model takes little longer for several texts than for one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from router.embed import Vectors
from router.errors import EmbedderError
from router.ops import Embed

logger = logging.getLogger(__name__)

WORKERS = 8
"""Threads at most."""

MOST = 64
"""Texts that one call embeds together at most."""

_Job = tuple["Future[Vectors]", Embed]


@dataclass(slots=True)
class _Pool:
    """The threads of one process; ``lost`` of them are in calls that nobody waits for any more."""

    jobs: SimpleQueue[_Job | None] = field(default_factory=SimpleQueue)
    threads: list[threading.Thread] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    gathering: threading.Lock = field(default_factory=threading.Lock)
    lost: int = 0


class Embedding:
    """Embeds on a few daemon threads; the first failure is warned of, and every one is an error of its operation.

    Threads are started when they are needed, and end with :meth:`close` or with this object. What one embedder is asked
    for within ``window`` seconds is embedded together, 0 for each on its own.
    """

    def __init__(self, *, window: float = 0.0) -> None:
        self._window = window
        self._by_process: dict[int, _Pool] = {}
        self._warned = False
        weakref.finalize(self, _end, self._by_process)

    def perform(self, op: Embed) -> Vectors:
        """Wait for the vectors in this thread.

        Raises:
            EmbedderError: there are none, or none in time.
            BundleError: it is another model than the bundle was trained with.
        """
        with self._noted():
            pending = self._begun(op)
            try:
                return pending.result(op.timeout)
            except TimeoutError:
                raise self._late(op, pending) from None

    async def aperform(self, op: Embed) -> Vectors:
        """:meth:`perform`, on the running event loop."""
        with self._noted():
            pending = self._begun(op)
            try:
                return await asyncio.wait_for(asyncio.wrap_future(pending), op.timeout)
            except TimeoutError:
                raise self._late(op, pending) from None

    def close(self) -> None:
        """Let the threads end when they have done what they began; without waiting, for a call may hang."""
        _end(self._by_process)

    @property
    def _pool(self) -> _Pool:
        pid = os.getpid()
        return self._by_process.get(pid) or self._by_process.setdefault(pid, _Pool())

    def _begun(self, op: Embed) -> Future[Vectors]:
        pool, pending = self._pool, Future[Vectors]()
        with pool.lock:
            if pool.lost >= WORKERS:
                raise EmbedderError(
                    f"the embedder {op.embedder.name!r} is still at {pool.lost} earlier calls that took too long"
                )
            pool.jobs.put((pending, op))
            if len(pool.threads) < WORKERS:
                thread = threading.Thread(
                    target=_work, args=(pool.jobs, pool.gathering, self._window), name="tierwise-embedding", daemon=True
                )
                with suppress(RuntimeError):  # the system gives no more threads; another one may do it in time
                    thread.start()
                    pool.threads.append(thread)
        return pending

    def _late(self, op: Embed, pending: Future[Vectors]) -> EmbedderError:
        """What is said of a call that is waited for no longer; it counts as lost until it ends, if it had begun."""
        pool = self._pool

        def ended(_: Future[Vectors]) -> None:
            with pool.lock:
                pool.lost -= 1

        if not pending.cancel():
            with pool.lock:
                pool.lost += 1
            pending.add_done_callback(ended)
        return EmbedderError(f"the embedder {op.embedder.name!r} gave no vector within {op.timeout:.3g} s")

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except EmbedderError as error:
            if not self._warned:
                self._warned = True
                logger.warning("%s; such prompts are judged without it", error)
            raise


def _work(jobs: SimpleQueue[_Job | None], gathering: threading.Lock, window: float) -> None:
    while group := _gathered(jobs, gathering, window):
        begun = [(pending, op) for pending, op in group if pending.set_running_or_notify_cancel()]
        if len(begun) > 1:
            _together(begun)
        for pending, op in begun:
            if not pending.done():
                try:
                    pending.set_result(op.embedder(op.texts))
                except BaseException as error:  # noqa: BLE001
                    pending.set_exception(error)
            del pending, op
        group, begun = [], []  # or the last prompt would stay in memory for as long as no other comes


def _gathered(jobs: SimpleQueue[_Job | None], gathering: threading.Lock, window: float) -> list[_Job]:
    """The next job, and those for the same embedder that come within the ``window``; none when the thread is to end."""
    if window <= 0:
        job = jobs.get()
        return [] if job is None else [job]
    with gathering:  # one thread alone, or each would gather one job
        first = jobs.get()
        if first is None:
            return []
        group, others, until = [first], [], time.monotonic() + window
        while sum(len(op.texts) for _, op in group) < MOST and (left := until - time.monotonic()) > 0:
            try:
                job = jobs.get(timeout=left)
            except Empty:
                break
            if job is not None and job[1].embedder is first[1].embedder:
                group.append(job)
            else:
                others.append(job)
        for each in others:
            jobs.put(each)
        return group


def _together(group: list[_Job]) -> None:
    """Embed what all ask for in one call; where that fails, each is still to be tried on its own."""
    texts = [text for _, op in group for text in op.texts]
    try:
        vectors = group[0][1].embedder(texts)
    except BaseException:  # noqa: BLE001 - one text may be to blame
        return
    begin = 0
    for pending, op in group:
        pending.set_result(vectors[begin : begin + len(op.texts)])
        begin += len(op.texts)


def _end(by_process: dict[int, _Pool]) -> None:
    pool = by_process.get(os.getpid())
    if pool is not None:
        with pool.lock:
            threads, pool.threads = pool.threads, []
            for _ in threads:
                pool.jobs.put(None)
