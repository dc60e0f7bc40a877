"""What a benchmark found, in the one shape that scripts read."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

Report = Callable[[str], None]
"""Is told in a few words what a benchmark is doing; a command shows it, the library never prints."""


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """What a benchmark found, and all that is needed to repeat it.

    ``protocol`` says in sentences what was done on which data. ``metrics`` maps names to figures, nested as deep
    as one likes; ``intervals`` has the same names, each a pair (low, high), for the figures that have one.
    ``seconds`` is wall time and ``peak_mib`` :func:`peak_mib` at the end. NaN is a figure that does not exist, such as
    the cost of an unreachable quality.
    """

    name: str
    protocol: str
    seeds: tuple[int, ...]
    metrics: Mapping[str, Any]
    intervals: Mapping[str, Any]
    seconds: float
    peak_mib: float | None

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON: plain numbers, lists and tables, NaN and infinities as None."""
        return {
            "name": self.name,
            "protocol": self.protocol,
            "seeds": list(self.seeds),
            "metrics": plain(self.metrics),
            "intervals": plain(self.intervals),
            "seconds": round(self.seconds, 2),
            "peak_mib": None if self.peak_mib is None else round(self.peak_mib, 1),
        }

    def table(self) -> Table:
        """The result for a console: a row a figure, its interval beside it, the protocol beneath."""
        from rich.table import Table

        seeds = told_seeds(self.seeds)
        peak = "" if self.peak_mib is None else f", {self.peak_mib:,.0f} MiB at most"
        table = Table(
            title=f"{self.name}: {self.seconds:.1f} s{peak}",
            caption=f"{self.protocol} Seeds: {seeds}.",
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("", overflow="fold")
        table.add_column("figure", justify="right")
        table.add_column("interval", justify="right")
        intervals = dict(leaves(plain(self.intervals), pairs=True))
        for name, value in leaves(plain(self.metrics), pairs=False):
            bounds = intervals.get(name)
            shown = "" if bounds is None else f"{figure(bounds[0])} to {figure(bounds[1])}"
            table.add_row(name, figure(value), shown)
        return table


def benchmark_result(
    name: str,
    *,
    protocol: str,
    seeds: Sequence[int],
    metrics: Mapping[str, Any],
    intervals: Mapping[str, Any],
    started: float,
) -> BenchmarkResult:
    """The result of a benchmark that began when ``time.perf_counter()`` was ``started`` and ends now."""
    return BenchmarkResult(
        name=name,
        protocol=protocol,
        seeds=tuple(seeds),
        metrics=metrics,
        intervals=intervals,
        seconds=time.perf_counter() - started,
        peak_mib=peak_mib(),
    )


def peak_mib() -> float | None:
    """The most memory that this process has held, in MiB; None where the system does not say.

    Workers that it has started and that still run, as a pool's do, are added, each with the most that it has held, on
    systems that tell of them (Linux).
    """
    try:
        import resource
    except ImportError:
        return None
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux tells it in KiB, macOS in bytes.
    return held / (2**20 if sys.platform == "darwin" else 2**10) + _workers_mib()


def _workers_mib() -> float:
    held = 0
    for listed in Path("/proc/self/task").glob("*/children"):
        for worker in _told(listed).split():
            most = re.search(r"^VmHWM:\s*(\d+) kB", _told(Path(f"/proc/{worker}/status")), re.MULTILINE)
            held += int(most[1]) if most else 0
    return held / 2**10


def _told(path: Path) -> str:
    """What the system tells there; nothing of a thread or a process that has ended meanwhile."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def plain(value: Any) -> Any:
    """Numbers as JSON has them; numpy's scalars and arrays by their own ``tolist``."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def leaves(value: Any, *, pairs: bool, name: str = "") -> Iterator[tuple[str, Any]]:
    """The figures of a nested table, each with its dotted name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, pairs=pairs, name=f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and not pairs:
        for place, inner in enumerate(value):
            yield from leaves(inner, pairs=pairs, name=f"{name}[{place}]")
    else:
        yield name, value


def figure(value: Any) -> str:
    """A figure to four digits, a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def told_seeds(seeds: Sequence[int]) -> str:
    """A run of seeds by its ends."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
