"""The small strip in a tile: a share of the strongest tier with its interval, against 100% and the target."""

from __future__ import annotations

from router.report.drawing import Anchor, Drawing
from router.report.scale import Scale
from router.report.wording import share
from training.report.verdict import Claim

WIDTH, HEIGHT = 250, 58


def strip(claim: Claim) -> Drawing | None:
    """The drawing, or None where the claim has no figure to draw."""
    if claim.value is None:
        return None
    shown = [1.0, claim.value]
    shown += [claim.interval.low, claim.interval.high] if claim.interval is not None else []
    shown += [claim.target] if claim.target is not None else []
    low, high = min(shown), max(shown)
    # A cost is read from nothing; a quality, which is always near 1, from where it begins to differ.
    low = 0.0 if claim.name == "cost" else low - max(0.01, (high - low) * 0.25)
    high += (high - low) * 0.06
    x, middle = Scale(low, high, 2, WIDTH - 8), 28.0
    drawing = Drawing(WIDTH, HEIGHT)
    drawing.line((x.start, middle), (x.end, middle), "grid")
    drawing.line((x(1.0), middle - 9), (x(1.0), middle + 9), "tick")
    drawing.text((x(1.0), HEIGHT - 4), "strongest", "small", anchor="end" if x(1.0) > WIDTH - 40 else "middle")
    if claim.target is not None:
        drawing.line((x(claim.target), middle - 9), (x(claim.target), middle + 9), "rule")
        # Above the line, because the strongest tier's label below it is often too near.
        anchor: Anchor = "start" if x(claim.target) < 40 else "end" if x(claim.target) > WIDTH - 40 else "middle"
        drawing.text((x(claim.target), 12), f"target {share(claim.target)}", "small", anchor=anchor)
    if claim.interval is not None:
        drawing.line((x(claim.interval.low), middle), (x(claim.interval.high), middle), "whisker accent")
    drawing.dot((x(claim.value), middle), 5.5, "dot accent", tip=claim.figure)
    return drawing
