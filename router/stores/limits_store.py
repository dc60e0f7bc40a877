"""What every store of limits can do."""

from __future__ import annotations

from typing import Protocol

from router.limits.gauges import Asking, Leaving, Verdict


class LimitStore(Protocol):
    """Keeps limits, for many threads. Both methods are atomic.

    Raises, each method: LimitsAway where it cannot be reached or used.
    """

    name: str

    def enter(self, asking: Asking) -> Verdict:
        """Let a call go at all its gauges, or at none."""
        ...

    def leave(self, leaving: Leaving) -> None:
        """End a call, or its wait."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class LimitsAway(Exception):
    """The store of the limits cannot be asked; calls go on without."""
