"""Drift: whether traffic is still what the policy was trained on, and answers still as good as was promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from training.betting import EProcess
from training.mmd import Discrepancy, discrepancy
from training.reference import Reference, rounded
from training.stability import Shift
from training.window import Window

Level = Literal["none", "watch", "alarm"]

FEWEST = 50
"""Requests below which nothing is said about their spread."""

MOST = 1000
"""Prompts that are compared with the reference's, evenly over the window."""

WATCH_PSI, ALARM_PSI = 0.1, 0.25
WATCH_P, ALARM_P = 0.01, 0.001
"""How unlikely a PSI must be without drift: with few requests a large one means nothing."""

MMD_P = 0.01

DELTA = 0.05
"""The chance that the quality alarm ever goes off falsely, however long it is watched."""

EXIT_CODES: Mapping[Level, int] = {"none": 0, "watch": 10, "alarm": 11}
"""For cron; apart from those of `tierwise train run`, so that one script can tell all of them."""


@dataclass(frozen=True)
class Drift:
    """The verdict on ``n`` requests. ``reasons`` says in words what moved, worst first, and what could not be
    compared.
    """

    level: Level
    reasons: tuple[str, ...]
    n: int
    shifts: Mapping[str, Shift]
    prompts: Discrepancy | None
    quality: EProcess | None
    target: float | None

    def as_dict(self) -> dict[str, Any]:
        """The verdict for JSON."""
        quality = None
        if self.quality is not None:
            quality = {"labels": self.quality.count, "target": self.target, "p_value": self.quality.p_value}
        return {
            "level": self.level,
            "reasons": list(self.reasons),
            "n": self.n,
            "psi": {name: asdict(shift) for name, shift in self.shifts.items()},
            "mmd": None if self.prompts is None else asdict(self.prompts),
            "quality": quality,
        }


def drift(reference: Reference, window: Window, *, quality: EProcess | None = None, delta: float = DELTA) -> Drift:
    """Compare ``window`` with ``reference``, and look at the e-process on audited quality.

    Watch: a PSI above 0.1 that has p < 0.01 without drift, or prompts with an MMD of p < 0.01. Alarm: a PSI above
    0.25 with p < 0.001, an MMD of p < 0.01 in the earlier and in the later half of the window as well as in all of it,
    or an e-process that ever reached 1 / ``delta``. So without drift an alarm comes in at most 1.4 % of windows from
    the four PSIs and the MMD together (by far less where the window is large, since PSI must pass 0.25 too), a watch in
    at most 5 %, and the quality alarm with probability ``delta`` over all time. The rates hold for requests that are
    independent of each other; a burst of one user's requests is drift in this sense.
    """
    if len(window) < FEWEST:
        shifts: dict[str, Shift] = {}
        found = _Found()
        found.notes.append(f"{len(window)} requests are too few to compare with training; {FEWEST} are needed")
        prompts = None
    else:
        shifts = {
            "score": reference.score.shift(window.score),
            "cost": reference.cost.shift(window.cost),
            "length": reference.length.shift(window.length),
            "tier": reference.tier.shift(window.tier),
        }
        found = _moved(shifts)
        prompts = _prompts(reference, window, found)
    if quality is not None and quality.crossed(delta):
        found.alarms.append(
            f"the quality of returned answers fell below {reference.target}: over {quality.count:,} labels the "
            f"evidence reached p {quality.p_value:.4f}, and such an alarm is false with probability {delta:g} at most"
        )
    level: Level = "alarm" if found.alarms else "watch" if found.watches else "none"
    reasons = (*found.alarms, *found.watches, *found.notes)
    return Drift(level, reasons, len(window), shifts, prompts, quality, reference.target)


@dataclass(frozen=True)
class _Found:
    """Reasons by what they call for."""

    alarms: list[str] = field(default_factory=list)
    watches: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


_NAMES = {"score": "confidence", "cost": "cost", "length": "prompt length", "tier": "tier that answered"}


def _moved(shifts: Mapping[str, Shift]) -> _Found:
    found = _Found()
    for name, shift in shifts.items():
        told = f"the spread of the {_NAMES[name]} has moved: PSI {shift.psi:.2f} over {shift.n:,} requests"
        if shift.psi > ALARM_PSI and shift.p_value < ALARM_P:
            found.alarms.append(told)
        elif shift.psi > WATCH_PSI and shift.p_value < WATCH_P:
            found.watches.append(told)
    return found


def _prompts(reference: Reference, window: Window, found: _Found) -> Discrepancy | None:
    """Compare the prompts, and note in ``found`` when they differ."""
    known = window.known
    if min(len(known), len(reference.sample)) < FEWEST:
        found.notes.append(f"the text of {len(known):,} prompts was kept, too few to compare with training")
        return None
    chosen = rounded(known[np.linspace(0, len(known) - 1, min(len(known), MOST)).astype(int)])
    whole = discrepancy(reference.sample, chosen)
    if whole.p_value < MMD_P:
        told = f"the prompts differ from those of training: MMD^2 {whole.squared:.4f}, p {whole.p_value:.3f}"
        middle = len(chosen) // 2
        halves = [discrepancy(reference.sample, half) for half in (chosen[:middle], chosen[middle:])]
        if all(half.p_value < MMD_P for half in halves):
            found.alarms.append(f"{told}, in both halves of the window")
        else:
            found.watches.append(told)
    return whole
