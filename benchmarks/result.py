"""One line of output, and how much is measured."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SEED = 7


@dataclass(frozen=True, kw_only=True)
class Result:
    """A measurement beside its peer's, from the same run.

    ``ratio`` is the peer's value divided by ours, so larger is better; None where there was no peer to measure.
    ``n`` counts our measured calls. ``target`` is the ratio that we promise, None where we promise none.
    """

    name: str
    value: float | None
    unit: str
    against: str
    ratio: float | None
    n: int
    target: float | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The result as one line of JSON."""
        head = {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "against": self.against,
            "ratio": rounded(self.ratio),
            "n": self.n,
            "target": self.target,
        }
        return json.dumps(head | self.more)


def rounded(value: float | None) -> float | None:
    """``value`` to four significant digits."""
    return None if value is None else float(f"{value:.4g}")


def median(values: Sequence[float]) -> float:
    """The median: one round that was disturbed does not move it."""
    return statistics.median(values)


def quartiles(values: Sequence[float]) -> list[float | None]:
    """Lower and upper quartile, so that a reader sees how restless the machine was."""
    if len(values) < 2:
        return [rounded(values[0])] * 2
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return [rounded(low), rounded(high)]


def say(text: str) -> None:
    """Tell how far we are; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)
