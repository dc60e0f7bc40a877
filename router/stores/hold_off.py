"""Leaving a store alone for a while that could not be reached, so that requests do not all wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HOLD_OFF = 1.0
"""Seconds for which it is left alone."""


class HoldOff:
    """Asks a store unless it could not be reached a moment ago; ``away`` is the error that says so.

    ``clock`` is monotonic.
    """

    def __init__(self, away: type[Exception], *, clock: Callable[[], float]) -> None:
        self._error, self._clock = away, clock
        self._away: tuple[float, str] | None = None

    @property
    def until(self) -> float | None:
        """When it may be asked again, by the clock; None where it was there when it was last asked."""
        return None if self._away is None else self._away[0]

    def ask(self, act: Callable[[], T]) -> T:
        """What ``act`` gives; while the store is left alone, the error that began this is raised again."""
        away = self._away
        if away is not None and self._clock() < away[0]:
            raise self._error(away[1])
        try:
            found = act()
        except self._error as error:
            self._away = (self._clock() + HOLD_OFF, str(error))
            raise
        if away is not None:
            self._away = None
        return found

    def end(self) -> None:
        """Ask again at once, as when the store is another one."""
        self._away = None
