"""How shares and counts are printed."""

from __future__ import annotations


def share(part: float | None) -> str:
    """A share in whole per cent, a dash for none."""
    return "-" if part is None else f"{part:.0%}"


def short(count: int) -> str:
    """A count with three digits and a unit from ten thousand up."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10_000, "k")):
        if count >= size:
            return f"{count / (1000 if unit == 'k' else size):.3g}{unit}"
    return str(count)
