"""How every measured process times itself: the same few lines for us and for the peers.

A pass answers every prompt once; what counts is its mean time per request, so that cheap and dear requests weigh as
they come. The caller takes the median over passes. The standard library alone, since it runs in each peer's own
environment.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any


def work() -> dict[str, Any]:
    """What to do, from the file named on the command line."""
    return json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def settle() -> None:
    """Take what was loaded out of the garbage collector's rounds, as a server does after its start."""
    gc.collect()
    gc.freeze()


def timed(call: Callable[[Any], object], items: list[Any]) -> float:
    """Mean microseconds of ``call`` over one pass."""
    began = perf_counter()
    for item in items:
        call(item)
    return (perf_counter() - began) / len(items) * 1e6


async def atimed(call: Callable[[Any], Awaitable[object]], items: list[Any]) -> float:
    """:func:`timed`, on an event loop that is already running."""
    began = perf_counter()
    for item in items:
        await call(item)
    return (perf_counter() - began) / len(items) * 1e6


def report(**values: Any) -> None:
    """Hand the measurements to the parent process, as the last line of output."""
    print(json.dumps(values))
