"""How amounts of money are printed."""

from __future__ import annotations

import math


def in_dollars(dollars: float) -> str:
    """Dollars with three digits that say something, at least cents."""
    sign, size = "-" if dollars < 0 else "", abs(dollars)
    if size == 0 or size >= 1:
        return f"{sign}${size:,.2f}"
    return f"{sign}${size:.{min(12, 2 - math.floor(math.log10(size)))}f}"
