"""What a process has spent, and how much of it on audits."""

from __future__ import annotations

import threading

from router.decision import Decision


class Spend:
    """Nano-dollars since the process began; for any number of threads.

    An audit under way counts with what it was expected to cost, so that many at once cannot overdraw.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0
        self._audits = 0
        self._reserved = 0

    def note(self, decision: Decision) -> None:
        """Add what ``decision`` cost."""
        with self._lock:
            self._total += decision.cost
            if decision.audit_of is not None:
                self._audits += decision.cost

    def reserve(self, cost: int) -> None:
        """Count ``cost`` for an audit that begins."""
        with self._lock:
            self._reserved += cost

    def release(self, cost: int) -> None:
        """Count it no longer: the audit ended, and its real cost was noted."""
        with self._lock:
            self._reserved -= cost

    def within(self, share: float) -> bool:
        """Whether audits have had no more than ``share`` of the whole."""
        with self._lock:
            return self._audits + self._reserved <= share * (self._total + self._reserved)
