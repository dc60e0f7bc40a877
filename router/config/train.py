"""`[train]`: what `tierwise train run` is to aim for when its command line does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from router.config.embedder import embedder_in
from router.config.table import Table
from router.profiles import DEFAULT_PROFILE

_KEYS = ("target_quality", "budget", "delta")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainGoal:
    """What one profile is tuned for.

    ``target_quality`` is the least share of the strongest tier's quality, ``budget`` the most USD per 1,000 requests,
    ``delta`` how often the certificate may be wrong. None: the file does not say.
    """

    target_quality: float | None = None
    budget: float | None = None
    delta: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """`[train]` and `[train.profiles.NAME]`: the goal of requests that name no profile, and of those that do.

    ``embedder`` names what embeds prompts for the classifier; None takes that of `[policy]`.
    """

    goal: TrainGoal = field(default_factory=TrainGoal)
    profiles: Mapping[str, TrainGoal] = field(default_factory=dict)
    embedder: str | None = None


def train_settings(table: Table | None, folder: Path) -> TrainSettings:
    """Read `[train]`; paths in it start from ``folder``."""
    if table is None:
        return TrainSettings()
    table.only(*_KEYS, "profiles", "embedder")
    named = table.table("profiles") or Table(raw={})
    goals: dict[str, TrainGoal] = {}
    for name in named.raw:
        if name == DEFAULT_PROFILE:
            raise named.error("is what requests have that name no profile; write its goal in [train] itself", name)
        inner = named.table(name)
        assert inner is not None
        inner.only(*_KEYS)
        goals[name] = _goal(inner)
        if goals[name].target_quality is None and goals[name].budget is None:
            raise inner.error("has neither `target_quality` nor `budget`, so there is nothing to tune for")
    return TrainSettings(goal=_goal(table), profiles=goals, embedder=embedder_in(table, folder))


def _goal(table: Table) -> TrainGoal:
    return TrainGoal(
        target_quality=table.number("target_quality", above=0, most=2),
        budget=table.number("budget", above=0),
        delta=table.number("delta", above=0, most=0.5),
    )
