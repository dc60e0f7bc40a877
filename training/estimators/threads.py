"""Keeping small problems on one core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS and OpenMP use one thread; a ``with`` block, or a decorator with its brackets.

    Fits of a few thousand rows gain little from more, and on a busy machine the threads wait for each other: one
    that takes 0.15 s of processor time was measured at 5 s.
    """
    with threadpool_limits(1):
        yield
