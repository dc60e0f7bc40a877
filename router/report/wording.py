"""Figures in words: one way each to write a share, a price, a difference and an interval."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from router.report.interval import Interval

UNKNOWN = "not known"
MINUS = "−"

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def share(value: float | None) -> str:
    """A share as a percentage with one decimal; more of them near 0."""
    if value is None:
        return UNKNOWN
    decimals = 1 if value == 0 or abs(value) >= 0.001 else 3
    return _signed(f"{value:.{decimals}%}")


def dollars(value: float | None) -> str:
    """USD with three significant figures, whole cents from one dollar up."""
    if value is None:
        return UNKNOWN
    if value == 0 or abs(value) >= 1:
        return _signed(f"${abs(value):,.2f}", negative=value < 0)
    decimals = min(12, 2 - math.floor(math.log10(abs(value))))
    return _signed(f"${abs(value):.{decimals}f}", negative=value < 0)


def plain(value: float | None) -> str:
    """A number with up to four significant figures."""
    if value is None:
        return UNKNOWN
    return _signed(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}")


def fixed(value: float | None) -> str:
    """A figure between 0 and 1 with three decimals, so that a column of them can be compared."""
    return UNKNOWN if value is None else _signed(f"{_nought(value, 3):.3f}")


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return UNKNOWN if value is None else f"{round(value):,}"


def points(value: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return UNKNOWN if value is None else _signed(f"{_nought(value * 100, 1):+.1f} points").replace("+0.0", "0.0")


def change(value: float | None) -> str:
    """A relative difference in per cent, with its sign."""
    return UNKNOWN if value is None else _signed(f"{_nought(value, 3):+.1%}").replace("+0.0%", "0.0%")


def between(interval: Interval | None, write: Callable[[float | None], str]) -> str:
    """An interval as "97.0% to 99.6%", empty where there is none."""
    return "" if interval is None else f"{write(interval.low).removesuffix(' points')} to {write(interval.high)}"


def listed(words: Sequence[str], *, most: int = 4) -> str:
    """Words joined as prose, the ones beyond ``most`` counted."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def plural(number: int, noun: str) -> str:
    """``number`` with its noun, such as "1 slice" and "3 slices"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def clean(words: str) -> str:
    """``words`` without what XML forbids or what would turn the writing direction of the text around it."""
    return _FORBIDDEN.sub("\ufffd", words.replace("\u2028", " ").replace("\u2029", " "))


def shortened(words: str, most: int) -> str:
    """At most ``most`` characters of ``words`` on one line, an ellipsis for the rest."""
    line = " ".join(clean(words).split())
    return line if len(line) <= most else line[: max(1, most - 1)].rstrip() + "…"


def width_of(words: str, *, size: float = 13.0) -> float:
    """About how wide ``words`` are in a sans-serif of ``size`` pixels; too wide rather than too narrow."""
    narrow = sum(each in "iljtfrI.,:;'|!()[] " for each in words)
    wide = sum(each in "mwMW@%" or ord(each) > 0x2E80 for each in words)
    return size * (0.6 * (len(words) - narrow - wide) + 0.4 * narrow + wide)


def fitted(words: str, room: float) -> str:
    """As much of ``words`` as goes into ``room`` pixels of plot text, an ellipsis for the rest."""
    line = shortened(words, 200)
    most = len(line)
    while width_of(line) > room and most > 1:
        most -= 1
        line = shortened(words, most)
    return line


def _nought(value: float, decimals: int) -> float:
    """``value``, or a plain 0 where nothing else would be written, so that no "-0.0" is."""
    return 0.0 if round(value, decimals) == 0 else value


def _signed(written: str, *, negative: bool = False) -> str:
    """The typographer's minus, which is as wide as a plus."""
    return (MINUS + written) if negative else written.replace("-", MINUS)
