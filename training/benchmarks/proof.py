"""What a public benchmark proves: our figures beside the published ones, and all that is needed to doubt them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from router.errors import InputError
from training.benchmarks.environments import installing
from training.benchmarks.result import figure, leaves, peak_mib, plain, told_seeds

if TYPE_CHECKING:
    from rich.table import Table

SHARE_AXES = ("share of strong calls", "performance gap recovered")
MOST_POINTS = 101
"""Points that a curve has at most: more only make the file long."""


class Target(TypedDict):
    """What a metric was to reach."""

    reach: float
    better: Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One benchmark's outcome.

    ``protocol`` says in sentences what was done on which data, ``differs`` what differs from the published setting.
    ``metrics`` maps names to figures, nested as deep as one likes; ``intervals`` has the same names, each a pair (low,
    high), for the figures that have one; in JSON a pair is a table with ``low`` and ``high``. ``baselines`` maps the
    names of routers that ours is compared with, on the same rows in the same run, to figures of the same names;
    ``published`` those of others, by their authors' name. ``targets`` says of a metric, by its dotted name, what it was
    to reach; whether it did is computed from the two. ``curves`` has lists of [x, y] by name, what x and y are is told
    by ``axes``. ``quick``: on fewer seeds or rows, so not to be quoted. ``peak_mib`` is
    :func:`training.benchmarks.result.peak_mib` at the end. NaN is a figure that does not exist.
    """

    name: str
    protocol: str
    n_train: int | Mapping[str, int]
    n_test: int
    seeds: tuple[int, ...]
    metrics: Mapping[str, Any]
    intervals: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    differs: tuple[str, ...] = ()
    curves: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    axes: tuple[str, str] = SHARE_AXES
    quick: bool
    seconds: float
    peak_mib: float | None

    def __post_init__(self) -> None:
        """Refuse a target or an interval of nothing, which would pass unseen, and curves that are too long."""
        known = dict(leaves(plain(self.metrics), pairs=True))
        for what, names in (
            ("target", self.targets),
            ("interval", [name for name, _ in leaves(plain(self.intervals), pairs=True)]),
        ):
            for name in names:
                if name not in known:
                    raise InputError(
                        f"benchmark {self.name!r}: the {what} {name!r} is of no metric; there is {', '.join(known)}"
                    )
        for name, points in self.curves.items():
            if len(points) > MOST_POINTS or any(len(point) != 2 for point in points):
                raise InputError(
                    f"benchmark {self.name!r}: the curve {name!r} is no list of at most {MOST_POINTS} pairs [x, y]; "
                    "thin it"
                )

    def as_dict(self) -> dict[str, Any]:
        """The outcome for JSON: plain numbers, lists and tables, NaN and infinities as None."""
        return {
            "name": self.name,
            "protocol": self.protocol,
            "n_train": plain(self.n_train),
            "n_test": self.n_test,
            "seeds": list(self.seeds),
            "metrics": plain(self.metrics),
            "intervals": named_bounds(plain(self.intervals)),
            "baselines": plain(self.baselines),
            "published": plain(self.published),
            "targets": plain(self.targets),
            "differs": list(self.differs),
            "curves": _rounded(plain(self.curves)),
            "axes": list(self.axes),
            "quick": self.quick,
            "seconds": round(self.seconds, 2),
            "peak_mib": None if self.peak_mib is None else round(self.peak_mib, 1),
        }

    def table(self) -> Table:
        """The outcome for a console: ours with intervals and targets, then the baselines, then what was published."""
        from rich.table import Table

        peak = "" if self.peak_mib is None else f", {self.peak_mib:,.0f} MiB at most"
        differs = f"\nDiffers from the published setting: {' '.join(self.differs)}" if self.differs else ""
        quick = "QUICK, not to be quoted. " if self.quick else ""
        table = Table(
            title=f"{self.name}: {self.seconds:.1f} s{peak}",
            caption=f"{quick}{self.protocol} Seeds: {told_seeds(self.seeds)}.{differs}",
            title_justify="left",
            caption_justify="left",
        )
        for column in ("", "figure", "interval", "target", ""):
            table.add_column(column, justify="left" if not column else "right", overflow="fold")
        intervals = dict(leaves(plain(self.intervals), pairs=True))
        for name, value in leaves(plain(self.metrics), pairs=True):
            bounds, target = intervals.get(name), self.targets.get(name)
            table.add_row(
                name,
                figure(value),
                "" if bounds is None else f"{figure(bounds[0])} to {figure(bounds[1])}",
                "" if target is None else f"{'>=' if target['better'] == 'higher' else '<='} {figure(target['reach'])}",
                "" if target is None else "met" if met(value, target) else "missed",
            )
        for heading, rows in (("baselines", self.baselines), ("published", self.published)):
            table.add_section()
            for name, value in leaves(plain(rows), pairs=True):
                table.add_row(f"{heading}.{name}", figure(value))
        return table


def proof(
    name: str,
    *,
    protocol: str,
    n_train: int | Mapping[str, int],
    n_test: int,
    seeds: Sequence[int],
    metrics: Mapping[str, Any],
    started: float,
    quick: bool,
    intervals: Mapping[str, Any] | None = None,
    baselines: Mapping[str, Mapping[str, Any]] | None = None,
    published: Mapping[str, Any] | None = None,
    targets: Mapping[str, Target] | None = None,
    differs: Sequence[str] = (),
    curves: Mapping[str, Sequence[Sequence[float]]] | None = None,
    axes: tuple[str, str] = SHARE_AXES,
) -> Proof:
    """The outcome of a benchmark that began when ``time.perf_counter()`` was ``started`` and ends now.

    The time that other people's packages took to be installed is not counted.

    Raises:
        InputError: a target or an interval is of no metric, or a curve has too many points.
    """
    return Proof(
        name=name,
        protocol=protocol,
        n_train=n_train,
        n_test=n_test,
        seeds=tuple(seeds),
        metrics=metrics,
        intervals=intervals or {},
        baselines=baselines or {},
        published=published or {},
        targets=targets or {},
        differs=tuple(differs),
        curves=curves or {},
        axes=axes,
        quick=quick,
        seconds=time.perf_counter() - started - installing(since=started),
        peak_mib=peak_mib(),
    )


def met(value: float | None, target: Target) -> bool:
    """Whether a figure reaches its target; one that does not exist reaches none."""
    if value is None or math.isnan(value):
        return False
    return value >= target["reach"] if target["better"] == "higher" else value <= target["reach"]


def named_bounds(intervals: Any) -> Any:
    """Intervals as scripts read them: ``{"low": x, "high": y}`` in place of each pair (low, high)."""
    if isinstance(intervals, dict):
        return {name: named_bounds(inner) for name, inner in intervals.items()}
    if isinstance(intervals, list) and len(intervals) == 2:
        return {"low": intervals[0], "high": intervals[1]}
    return intervals


def _rounded(curves: Mapping[str, Any]) -> dict[str, Any]:
    """Five digits draw a curve, and keep the file readable."""
    return {
        name: [[None if value is None else float(f"{value:.5g}") for value in point] for point in points]
        for name, points in curves.items()
    }
