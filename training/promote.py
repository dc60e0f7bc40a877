"""Whether a challenger deserves the champion's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from router.bundle import PolicyBundle
from router.config import Config
from router.errors import BundleError, EmbedderError, InputError
from router.features import Floats
from router.plan import Plan
from router.planning import misfit, plan_of
from router.policy import Always
from router.pricing import usd
from training.embedding import under
from training.errors import NotPromoted
from training.heads import ACCEPTABLE
from training.metrics import ece, interval
from training.records import Records, row_weight
from training.replay import replay_all, with_rule

FEWEST_ROWS = 30
"""Held-out rows below which no comparison is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """How much worse a challenger may look. ``quality``: of mean quality, absolute. ``calibration``: of ECE.
    ``cost``: what counts as equal cost, as a share of the champion's.
    """

    quality: float = 0.01
    calibration: float = 0.02
    cost: float = 0.01

    def __post_init__(self) -> None:
        if not (0 <= self.quality < 1 and 0 <= self.calibration < 1 and 0 <= self.cost < 1):
            raise InputError(f"margins are shares of at least 0 and below 1: {self}")


@dataclass(frozen=True)
class Judged:
    """What one policy did on the held-out rows, in their order: quality and nano-dollars per row, (n,), and the
    confidence in the answer returned, NaN where none was judged. ``weight`` (n,): how many requests each row stands
    for; None where each stands for itself.
    """

    version: str
    quality: Floats
    cost: Floats
    confidence: Floats
    weight: Floats | None = None

    @property
    def ece(self) -> float | None:
        """The calibration error of the confidences, None where there are none."""
        known = ~np.isnan(self.confidence)
        if not known.any():
            return None
        weight = None if self.weight is None else self.weight[known]
        return ece(self.confidence[known], (self.quality[known] >= ACCEPTABLE).astype(float), weight=weight)

    def mean(self, values: Floats) -> float:
        """The mean of ``values`` (n,) over the rows, weighted."""
        return float(np.average(values, weights=self.weight))


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, with every reason in words and the figures behind them."""

    promote: bool
    reasons: tuple[str, ...]
    figures: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The verdict for JSON."""
        return {"promote": self.promote, "reasons": list(self.reasons), "figures": dict(self.figures)}


def judge(records: Records, plan: Plan) -> Judged:
    """Replay a plan over held-out rows through the runtime's own cascade.

    Raises:
        InputError: the log does not say how probable it was that a row was observed.
        EmbedderError: the plan reads embeddings, and some prompt has none.
    """
    done = replay_all(records, plan)
    accepted = [decision.accepted for decision in done.decisions]
    confidence = [np.nan if one is None or one.confidence is None else one.confidence for one in accepted]
    weight = np.array(list(map(row_weight, records.queries)))
    if np.isnan(weight).any():
        raise InputError(
            f"query {records.queries[int(np.isnan(weight).argmax())].id!r} does not say with which probability its "
            "answers were observed, so nothing can be compared on it; leave it out or complete it"
        )
    return Judged(plan.policy_version, done.quality, done.cost, np.array(confidence, float), weight)


def gate(challenger: Judged, champion: Judged, *, keys: tuple[str, ...], margins: Margins) -> Verdict:
    """Promote iff quality is not worse, cost is lower or quality better at equal cost, and calibration not worse.

    Both were judged on the same rows; ``keys`` are the rows' split keys. Not worse: the lower end of the 95 %
    interval of the paired difference (bootstrap over keys) lies above minus the margin. Lower cost: the upper end
    of its interval lies below 0. Better: the lower end lies above 0.
    """
    n = len(keys)
    if not n == len(challenger.quality) == len(champion.quality):
        raise InputError(f"the gate compares the same rows: {len(challenger.quality)}, {len(champion.quality)}, {n}")
    gained, spent = challenger.quality - champion.quality, challenger.cost - champion.cost
    low, high = interval(gained, keys, weight=challenger.weight)
    cost_low, cost_high = interval(spent, keys, weight=challenger.weight)
    mean, was = challenger.mean, challenger.mean(champion.cost)
    figures: dict[str, Any] = {
        "n": n,
        "quality": mean(challenger.quality),
        "champion_quality": mean(champion.quality),
        "quality_difference": mean(gained),
        "quality_difference_interval": [low, high],
        "cost_per_1k": _per_1k(mean(challenger.cost)),
        "champion_cost_per_1k": _per_1k(was),
        "cost_difference_per_1k": _per_1k(mean(spent)),
        "cost_difference_interval_per_1k": [_per_1k(cost_low), _per_1k(cost_high)],
        "ece": challenger.ece,
        "champion_ece": champion.ece,
    }
    checks = [
        (
            n >= FEWEST_ROWS,
            f"{n} held-out rows are enough to compare on",
            f"{n} held-out rows are too few to compare on; at least {FEWEST_ROWS} are needed",
        ),
        (
            low > -margins.quality,
            f"quality is not worse: {mean(gained):+.4f}, at least {low:+.4f}, margin {margins.quality}",
            f"quality may be worse: {mean(gained):+.4f}, perhaps {low:+.4f}, margin {margins.quality}",
        ),
        _worth(gained=low, spent=mean(spent), cost_high=cost_high, was=was, margins=margins),
        _calibrated(challenger.ece, champion.ece, margins),
    ]
    reasons = tuple(good if held else bad for held, good, bad in checks)
    return Verdict(all(held for held, _, _ in checks), reasons, figures)


def _worth(*, gained: float, spent: float, cost_high: float, was: float, margins: Margins) -> tuple[bool, str, str]:
    change = spent / was if was else 0.0
    if cost_high < 0:
        return True, f"cost is lower: {change:+.1%}", ""
    if gained > 0 and change <= margins.cost:
        return True, f"quality is better at equal cost ({change:+.1%})", ""
    return False, "", f"neither clearly cheaper ({change:+.1%}) nor clearly better at equal cost"


def _calibrated(mine: float | None, theirs: float | None, margins: Margins) -> tuple[bool, str, str]:
    if mine is None or theirs is None:
        return True, "calibration cannot be compared: one of the two judges no answers", ""
    told = f"calibration error {mine:.3f} against {theirs:.3f}, margin {margins.calibration}"
    return mine <= theirs + margins.calibration, f"{told}: not worse", f"{told}: worse"


def weigh(
    challenger: PolicyBundle,
    champion: PolicyBundle | None,
    records: Records,
    config: Config,
    *,
    margins: Margins | None = None,
) -> Verdict:
    """The verdict on a challenger from held-out ``records``.

    Without a champion, or with one for other tiers, the challenger is held to its own certificate, and must cost
    less than always asking the strongest tier. A bundle from simulated data, or from data that is for evaluation
    only, is never deserving.

    Raises:
        InputError: no row is labelled at every tier.
        BundleError: the challenger does not fit the configuration.
        EmbedderError: a prompt has no embedding, or the champion's embedder cannot be loaded.
    """
    margins = margins or Margins()
    barred = _barred(challenger.facts)
    if barred is not None:
        return Verdict(promote=False, reasons=(barred,), figures={})
    if champion is not None and champion.version == challenger.version:
        return Verdict(promote=False, reasons=("the challenger is the champion",), figures={})
    rows = records.labelled()
    if not len(rows):
        raise InputError("no held-out row has a label at every tier, so there is nothing to compare on")
    keys = tuple(query.split_key for query in rows.queries)
    plan = plan_of(config, bundle=challenger)
    wrong = None if champion is None else misfit(champion, under(config, champion))
    theirs = None if champion is None or wrong is not None else _champion_plan(champion, config)
    mine = judge(rows, plan)
    if champion is None or theirs is None:
        strong = judge(rows, with_rule(plan, Always()))
        return _unopposed(challenger, mine, strong, keys, because=wrong or "there is no champion yet")
    verdict = gate(mine, judge(rows, theirs), keys=keys, margins=margins)
    if champion.facts.get("data") == challenger.facts.get("data"):
        return verdict
    caution = "the champion was fitted on other data, some of which may be among these rows: that can only flatter it"
    return Verdict(verdict.promote, (*verdict.reasons, caution), verdict.figures)


def _champion_plan(champion: PolicyBundle, config: Config) -> Plan:
    """The champion's plan with its embedder loaded: without its vectors it would look worse than it is.

    Raises:
        EmbedderError: that cannot be loaded, or is another model by now.
    """
    plan = plan_of(under(config, champion), bundle=champion)
    if plan.embedder is not None:
        try:
            plan.embedder(())
        except (EmbedderError, BundleError) as error:
            raise EmbedderError(f"the champion cannot be judged, so nothing takes its place: {error}") from error
    return plan


def _barred(facts: Mapping[str, Any]) -> str | None:
    if facts.get("use") == "evaluate only":
        return "its data is for evaluation only, so nothing that was fitted on it may serve"
    return "its data is simulated, so nothing that was fitted on it may serve" if facts.get("simulated") else None


def _unopposed(
    challenger: PolicyBundle, mine: Judged, strong: Judged, keys: tuple[str, ...], *, because: str
) -> Verdict:
    certificate = challenger.facts.get("certificate") or {}
    certified = bool(certificate.get("certified"))
    _, high = interval(mine.cost - strong.cost, keys, weight=mine.weight)
    dear = mine.mean(strong.cost)
    spent = mine.mean(mine.cost) / dear if dear else 1.0
    cheaper = high < 0
    reasons = (
        f"{because}, so the challenger is held to its certificate",
        "it is certified" if certified else "it is not certified",
        f"it costs {spent:.0%} of always asking the strongest tier"
        + ("" if cheaper else ", which is not clearly less"),
    )
    figures = {
        "n": len(keys),
        "quality": mine.mean(mine.quality),
        "strong_quality": mine.mean(strong.quality),
        "cost_per_1k": _per_1k(mine.mean(mine.cost)),
        "strong_cost_per_1k": _per_1k(dear),
    }
    return Verdict(certified and cheaper, reasons, figures)


def serving_path(config: Config, given: Path | None) -> Path:
    """Where the champion serves from: ``given``, else what `[policy] bundle` says.

    Raises:
        NotPromoted: neither says, or the configuration pins the bundle that serves now.
    """
    if config.policy.sha256 is not None:
        raise NotPromoted(
            "the configuration pins one bundle with [policy] `sha256`, and a service would refuse another; remove the "
            "pin first"
        )
    if given is not None:
        return given
    if config.policy.bundle == "default":
        raise NotPromoted(
            'the configuration names no bundle of its own; add [policy] bundle = "policy.tierwise" to it, or pass --to'
        )
    return config.policy.bundle


def _per_1k(nano: float) -> float:
    return usd(round(nano * 1000))
