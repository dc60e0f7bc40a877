"""Work that goes on after its request has returned: on a few daemon threads, or as tasks of an event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

Job = Callable[[], object]

logger = logging.getLogger(__name__)

WORKERS = 2
"""Threads at most."""

BACKLOG = 32
"""Jobs at most that wait or run, beyond what requests under way may add."""


@dataclass(slots=True)
class _Work:
    """What one process has to do."""

    jobs: SimpleQueue[Job | None] = field(default_factory=SimpleQueue)
    threads: list[threading.Thread] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    open: int = 0

    def done(self) -> None:
        """Count one job less."""
        with self.lock:
            self.open -= 1


class Background:
    """Runs jobs later; what goes wrong in one is warned of and nobody else's business.

    Threads are started when they are needed, and are daemons: a process that ends without :meth:`drain` leaves
    what had not begun undone. What waits when a process forks is the parent's to do, and not the child's as well.
    """

    def __init__(self) -> None:
        self._by_process: dict[int, _Work] = {}

    @property
    def is_full(self) -> bool:
        """Whether there is so much to do that nothing should be added."""
        return self._work.open >= BACKLOG

    def submit(self, job: Job) -> None:
        """Run ``job`` on a thread, in its turn."""
        work = self._work
        with work.lock:
            work.open += 1
            work.jobs.put(job)
            work.threads = [thread for thread in work.threads if thread.is_alive()]
            if len(work.threads) < WORKERS:
                thread = threading.Thread(target=_perform, args=(work,), name="tierwise-background", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system gives no more threads; the job waits for one of the others
                    _warn(error)
                else:
                    work.threads.append(thread)

    def spawn(self, job: Coroutine[Any, Any, object]) -> None:
        """Run ``job`` as a task of the running event loop."""
        work = self._work

        def done(task: asyncio.Task[None]) -> None:
            work.tasks.discard(task)
            job.close()  # a task that is cancelled before it began never touched it
            work.done()

        with work.lock:
            work.open += 1
        task = asyncio.get_running_loop().create_task(_awaited(job))
        work.tasks.add(task)
        task.add_done_callback(done)

    def drain(self) -> None:
        """Wait until every job on a thread is done."""
        work = self._work
        with work.lock:
            threads, work.threads = work.threads, []
            for _ in threads:
                work.jobs.put(None)
        for thread in threads:
            thread.join()

    async def adrain(self) -> None:
        """Wait for this event loop's tasks, and for the jobs on threads."""
        loop, tasks = asyncio.get_running_loop(), tuple(self._work.tasks)
        await asyncio.gather(*(task for task in tasks if task.get_loop() is loop), return_exceptions=True)
        await asyncio.to_thread(self.drain)

    @property
    def _work(self) -> _Work:
        pid = os.getpid()
        return self._by_process.get(pid) or self._by_process.setdefault(pid, _Work())


def _perform(work: _Work) -> None:
    while (job := work.jobs.get()) is not None:
        try:
            job()
        except Exception as error:  # noqa: BLE001
            _warn(error)
        finally:
            work.done()


async def _awaited(job: Coroutine[Any, Any, object]) -> None:
    try:
        await job
    except Exception as error:  # noqa: BLE001
        _warn(error)


def _warn(error: Exception) -> None:
    logger.warning("work in the background failed (%s: %s)", type(error).__name__, error)
