"""How numbers are spread: quantiles and a histogram, from their counts in ascending order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many numbers lie from ``low`` to ``high``, both included."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The spread of ``count`` whole numbers of at least 0.

    ``quantiles`` has, for each share of QUANTILES, the least of the numbers that so large a share does not exceed:
    exact, and one of the numbers. ``bins`` double in width, from 0 alone to the one that holds ``most``.
    """

    count: int = 0
    total: int = 0
    least: int = 0
    most: int = 0
    quantiles: tuple[tuple[float, int], ...] = ()
    bins: tuple[Bin, ...] = ()

    @property
    def mean(self) -> float | None:
        """None of no numbers."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> int | None:
        """The quantile at one of QUANTILES; None of no numbers."""
        return dict(self.quantiles).get(share)

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "count": self.count,
            "total": self.total,
            "mean": self.mean,
            "least": self.least,
            "most": self.most,
            "quantiles": {f"p{share * 100:g}": value for share, value in self.quantiles},
            "histogram": [{"low": each.low, "high": each.high, "count": each.count} for each in self.bins],
        }


def spread(counts: Iterable[tuple[int, int]], size: int) -> Spread:
    """The spread of ``size`` numbers, from (number, how often) in ascending order; one pair is in memory at a time."""
    left = [(share, _rank(share, size)) for share in reversed(QUANTILES)]
    quantiles: list[tuple[float, int]] = []
    bins: dict[int, int] = {}
    seen = total = most = 0
    least: int | None = None
    for number, often in counts:
        least = number if least is None else least
        seen, total, most = seen + often, total + number * often, number
        bins[number.bit_length()] = bins.get(number.bit_length(), 0) + often
        while left and seen >= left[-1][1]:
            quantiles.append((left.pop()[0], number))
    if least is None:
        return Spread()
    return Spread(
        count=seen,
        total=total,
        least=least,
        most=most,
        quantiles=tuple(quantiles),
        bins=tuple(
            Bin(low=(1 << bits) >> 1, high=(1 << bits) - 1, count=bins.get(bits, 0))
            for bits in range(min(bins), max(bins) + 1)
        ),
    )


def _rank(share: float, size: int) -> int:
    """The place, from 1, of the least number that a share of ``size`` numbers does not exceed."""
    hundredths = round(share * 100)
    return max(1, -(-hundredths * size // 100))
