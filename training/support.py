"""How far a bandit log supports the evaluation of a rule, and the refusal where it does not."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from router.errors import InputError
from router.features import Floats
from training.bandit import BanditLog, Trails

FLOOR = 25.0
"""Effective observations of what the logging rule does only by chance, below which nothing is said."""

TOLERATED = 0.01
"""The share of requests about which the log may be silent all the same."""


@dataclass(frozen=True, slots=True)
class Support:
    """What a log can say of a rule's walks.

    ``by_chance`` is the share of requests for which the rule asks a tier that the logging rule would not surely
    have asked. ``effective`` is the effective sample size (sum w)^2 / sum w^2 over the requests whose walk is whole
    in the log, ``effective_by_chance`` the same over those by chance: the harder figure. ``most_weight`` is the
    largest weight before clipping, ``clipped`` the share of the whole walks by chance that were clipped, ``silent``
    the share of requests for which the rule asks a tier that the log could never have shown.
    """

    by_chance: float
    effective: float
    effective_by_chance: float
    most_weight: float
    clipped: float
    silent: float

    def as_dict(self) -> dict[str, float]:
        """The figures for JSON."""
        return asdict(self)


def support_of(log: BanditLog, trails: Trails, *, clip: float, floor: float) -> Support:
    """What ``log`` supports of the walks ``trails``, with weights clipped at ``clip``.

    Raises:
        InputError: propensities are missing though they are needed, the log is silent about more than TOLERATED of
            the requests, or fewer than ``floor`` effective observations stand for what it shows by chance.
    """
    n, whole = len(trails.steps), trails.whole
    if whole.all():
        return Support(
            by_chance=0.0,
            effective=_effective(log.share),
            effective_by_chance=0.0,
            most_weight=1.0,
            clipped=0.0,
            silent=0.0,
        )
    _need_propensities(log, trails)
    reached = np.nan_to_num(trails.inclusion[np.arange(n), trails.steps - 1], nan=0.0)
    weights = np.where(whole, 1 / np.where(whole, reached, 1.0), 0.0)
    chance = reached < 1
    seen_by_chance = weights[chance & whole]
    found = Support(
        by_chance=float(chance.mean()),
        effective=_effective(weights * log.share),
        effective_by_chance=_effective((weights * log.share)[chance & whole]),
        most_weight=float(weights.max(initial=0.0)),
        clipped=float(np.mean(seen_by_chance > clip)) if seen_by_chance.size else 0.0,
        silent=float(np.mean(~whole & (trails.inclusion[np.arange(n), trails.steps - 1] == 0))),
    )
    if found.silent > TOLERATED:
        raise InputError(
            f"for {found.silent:.1%} of {n:,} requests this rule asks a tier that the logging rule asks with "
            f"probability 0 ({_asked_in_vain(log, trails)}), so the log says nothing about them; switch audits on, or "
            "judge a rule that escalates less"
        )
    if found.by_chance > TOLERATED and found.effective_by_chance < floor:
        raise InputError(
            f"for {found.by_chance:.1%} of {n:,} requests this rule asks a tier that the log shows only by chance, and "
            f"{found.effective_by_chance:.1f} effective observations stand for them where at least {floor:g} are "
            "needed; audit more requests, or judge a rule nearer to the one that wrote the log"
        )
    return found


def _need_propensities(log: BanditLog, trails: Trails) -> None:
    shown = np.arange(trails.asked.shape[1])[None, :] < trails.seen[:, None]
    missing = int((shown & np.isnan(trails.inclusion)).any(axis=1).sum())
    if missing:
        raise InputError(
            f"the log has no propensities for {missing:,} of {len(trails.steps):,} requests, and it lacks answers "
            f"that this rule asks for ({_asked_in_vain(log, trails)}); without propensities it supports only rules "
            "that ask nothing it does not have, such as one that escalates less: log the propensity of each step"
        )


def _asked_in_vain(log: BanditLog, trails: Trails) -> str:
    """The tiers that walks broke off at, most frequent first."""
    broken = ~trails.whole
    counts = np.bincount(trails.asked[broken, trails.steps[broken] - 1], minlength=len(log.tiers))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda rank: -counts[rank])
    return ", ".join(f"{log.tiers[rank]} for {counts[rank]:,}" for rank in order)


def _effective(weights: Floats) -> float:
    """Kish's effective sample size; 0 of nothing."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
