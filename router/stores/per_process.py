"""Something of which each process has its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Gives what ``make`` makes, once for each process, at its first use.

    What was made before a fork is the parent's: a lock in it may be held for ever, what it guards half written, and a
    connection is not to be used, not even to close it. It is kept, so that it is not closed by being forgotten.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def __call__(self) -> T:
        """This process's own."""
        pid = os.getpid()
        found = self._made.get(pid)
        return self._made.setdefault(pid, self._make()) if found is None else found

    def pop(self) -> T | None:
        """This process's own, if it was made, which is then forgotten: the next use makes another."""
        return self._made.pop(os.getpid(), None)
