"""Group commit: concurrent callers share one transaction, without a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

BATCH = 256
"""The most items that one transaction takes, so that nobody waits long for strangers' rows."""


class _Ticket(Generic[T]):
    """One caller's item. ``gate`` is held until the caller may go on: its item is done, or it is to lead."""

    __slots__ = ("done", "error", "gate", "item", "leads")

    def __init__(self, item: T) -> None:
        self.item = item
        self.done = False
        self.leads = False
        self.error: Exception | None = None
        self.gate: threading.Lock | None = None

    def close_gate(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()

    def wait(self) -> None:
        if self.gate is not None:
            self.gate.acquire()

    def wake(self) -> None:
        """Open the gate, once or more often."""
        if self.gate is not None and self.gate.locked():
            self.gate.release()


class GroupCommit(Generic[T]):
    """Hands items to ``commit`` one batch at a time, in the thread of one of the callers.

    The first caller leads: it takes what is queued, commits it, wakes those whose items were in the batch, and
    makes the first of those still waiting the next leader. ``commit`` is never entered twice at once. It
    returns, for each item, None or why that item alone was not committed; what it raises, no item was.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[Exception | None]]) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._queue: list[_Ticket[T]] = []
        self._batch: list[_Ticket[T]] = []
        self._led = False

    def submit(self, item: T) -> None:
        """Return once ``item`` is committed.

        Raises:
            Exception: what ``commit`` returned for the item, or raised.
        """
        ticket = _Ticket(item)
        try:
            with self._lock:
                self._queue.append(ticket)
                if self._led:
                    ticket.close_gate()
                else:
                    self._led = ticket.leads = True
            ticket.wait()
            if not ticket.done:
                self._lead(ticket)
        except BaseException:
            self._leave(ticket)
            raise
        if ticket.error is not None:
            raise ticket.error

    def _lead(self, own: _Ticket[T]) -> None:
        with self._lock:
            self._batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        outcomes: Sequence[Exception | None]
        try:
            outcomes = self._commit([ticket.item for ticket in self._batch])
        except Exception as error:  # noqa: BLE001 - every caller of the batch raises it
            outcomes = [error] * len(self._batch)
        for ticket, outcome in zip(self._batch, outcomes, strict=True):
            ticket.error, ticket.done = outcome, True
            ticket.wake()
        with self._lock:
            own.leads, self._batch = False, []
            self._appoint()

    def _appoint(self) -> None:
        """Make the first in the queue the leader, or nobody; the lock is held."""
        self._led = bool(self._queue)
        if self._queue:
            self._queue[0].leads = True
            self._queue[0].wake()

    def _leave(self, ticket: _Ticket[T]) -> None:
        """Give up ``ticket`` because its thread was interrupted (Ctrl-C); a leader that leaves appoints another.

        Whether an interrupted batch was committed is unknown, so the others' items go again: committing an item
        twice must be harmless.
        """
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket.leads:
                ticket.leads = False
                for other in self._batch:
                    if other.done:
                        other.wake()
                self._queue[:0] = [other for other in self._batch if not other.done and other is not ticket]
                self._batch = []
                self._appoint()
