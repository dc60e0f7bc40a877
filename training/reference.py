"""What traffic looked like when a policy was trained: small enough to travel in the bundle's facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.errors import InputError
from router.features import HAND, Floats
from training.stability import Histogram, Tally
from training.window import Window

SAMPLE = 200
"""Prompts whose hand-made features are kept; no text can be told from them."""

DIGITS = 4
"""Significant digits of a kept feature."""


@dataclass(frozen=True)
class Reference:
    """The spread of ``score``, ``cost`` (nano-dollars), ``length`` and ``tier`` in training, a ``sample`` (m, F) of the
    prompts' hand-made features, and the mean quality ``target`` that returned answers must keep, None for none.
    """

    score: Histogram
    cost: Histogram
    length: Histogram
    tier: Tally
    sample: Floats
    target: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The reference as JSON numbers: a key "reference" in a bundle's facts."""
        return {
            "score": self.score.as_dict(),
            "cost": self.cost.as_dict(),
            "length": self.length.as_dict(),
            "tier": self.tier.as_dict(),
            "features": list(HAND),
            "sample": self.sample.tolist(),
            "target": self.target,
        }


def reference_of(window: Window, *, target: float | None = None, seed: int = 0) -> Reference:
    """Sum up ``window``, the policy replayed on rows that it was not fitted on.

    Raises:
        InputError: the window is empty, or the target is no quality.
    """
    if not len(window):
        raise InputError("there is no request to make a drift reference from; pass held-out rows")
    if target is not None and not 0 < target < 1:
        raise InputError(f"the quality to hold is a mean between 0 and 1, not {target}")
    known = window.known
    chosen = np.sort(np.random.default_rng(seed).permutation(len(known))[:SAMPLE])
    return Reference(
        score=Histogram.of(window.score),
        cost=Histogram.of(window.cost),
        length=Histogram.of(window.length),
        tier=Tally.of(window.tier),
        sample=rounded(known[chosen]),
        target=target,
    )


def reference_from(facts: Mapping[str, Any]) -> Reference:
    """The reference that :meth:`Reference.as_dict` wrote.

    Raises:
        InputError: it is missing, damaged, or of another feature schema.
    """
    try:
        if tuple(facts["features"]) != HAND:
            raise InputError("the drift reference has other prompt features than this version; train the bundle anew")
        sample = np.array(facts["sample"], float).reshape(len(facts["sample"]), len(HAND))
        target = facts["target"]
        found = Reference(
            score=_histogram(facts["score"]),
            cost=_histogram(facts["cost"]),
            length=_histogram(facts["length"]),
            tier=Tally({str(name): float(share) for name, share in facts["tier"]["shares"].items()}, _n(facts["tier"])),
            sample=sample,
            target=None if target is None else float(target),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("the bundle has no drift reference that can be read; train it anew") from None
    return found


def rounded(rows: Floats) -> Floats:
    """Each number to ``DIGITS`` significant digits."""
    with np.errstate(divide="ignore"):
        size = np.where(rows == 0, 0, np.floor(np.log10(np.abs(rows))))
    scale = 10.0 ** (DIGITS - 1 - size)
    found: Floats = np.round(rows * scale) / scale
    return found


def _histogram(facts: Mapping[str, Any]) -> Histogram:
    edges, shares = tuple(map(float, facts["edges"])), tuple(map(float, facts["shares"]))
    if len(shares) != len(edges) + 2 or not all(map(math.isfinite, (*edges, *shares))):
        raise ValueError("shares do not fit the edges")
    return Histogram(edges, shares, _n(facts))


def _n(facts: Mapping[str, Any]) -> int:
    return int(facts["n"])
