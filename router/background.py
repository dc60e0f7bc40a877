"""Work that goes on after its request has returned: on a few daemon threads, or as tasks of an event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any

Job = Callable[[], object]

logger = logging.getLogger(__name__)

WORKERS = 2
"""Threads at most."""

BACKLOG = 32
"""Jobs at most that wait or run, beyond what requests under way may add."""


class Background:
    """Runs jobs later; what goes wrong in one is warned of and nobody else's business.

    Threads are started when they are needed, and are daemons: a process that ends without :meth:`drain` leaves
    what had not begun undone.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._open = 0

    @property
    def is_full(self) -> bool:
        """Whether there is so much to do that nothing should be added."""
        return self._open >= BACKLOG

    def submit(self, job: Job) -> None:
        """Run ``job`` on a thread, in its turn."""
        with self._lock:
            self._open += 1
            self._threads = [thread for thread in self._threads if thread.is_alive()]  # none is, after a fork
            self._jobs.put(job)
            if len(self._threads) < WORKERS:
                thread = threading.Thread(target=self._work, name="tierwise-background", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system gives no more threads; the job waits for one of the others
                    _warn(error)
                else:
                    self._threads.append(thread)

    def spawn(self, job: Coroutine[Any, Any, object]) -> None:
        """Run ``job`` as a task of the running event loop."""

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            job.close()  # a task that is cancelled before it began never touched it
            self._done()

        with self._lock:
            self._open += 1
        task = asyncio.get_running_loop().create_task(_awaited(job))
        self._tasks.add(task)
        task.add_done_callback(done)

    def drain(self) -> None:
        """Wait until every job on a thread is done."""
        with self._lock:
            threads, self._threads = self._threads, []
            for _ in threads:
                self._jobs.put(None)
        for thread in threads:
            thread.join()

    async def adrain(self) -> None:
        """Wait for this event loop's tasks, and for the jobs on threads."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(task for task in tuple(self._tasks) if task.get_loop() is loop), return_exceptions=True)
        await asyncio.to_thread(self.drain)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:  # noqa: BLE001
                _warn(error)
            finally:
                self._done()

    def _done(self) -> None:
        with self._lock:
            self._open -= 1


async def _awaited(job: Coroutine[Any, Any, object]) -> None:
    try:
        await job
    except Exception as error:  # noqa: BLE001
        _warn(error)


def _warn(error: Exception) -> None:
    logger.warning("work in the background failed (%s: %s)", type(error).__name__, error)
