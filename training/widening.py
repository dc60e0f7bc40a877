"""Estimators and rules of a bundle, made room in for one more tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from router.estimators import Calibration, DenseModel
from router.features import HAND, Floats
from router.policy import Always, CascadeRouting, CostAware, Induction, Mixture, Noted, Rule, Thresholds
from router.signals import NAMES
from router.trees import Blend

Column = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the new tier comes in: its ``rank`` in a ladder that then has ``tiers`` tiers."""

    rank: int
    tiers: int

    def of(self, old: int) -> int:
        """The rank that the tier of rank ``old`` has from then on."""
        return old + (old >= self.rank)

    @property
    def known(self) -> tuple[int, ...]:
        """The ranks of the tiers that were there before."""
        return tuple(rank for rank in range(self.tiers) if rank != self.rank)


def run_of(mask: int) -> tuple[int, ...]:
    """The ranks in a bit mask, ascending."""
    return tuple(rank for rank in range(mask.bit_length()) if mask >> rank & 1)


def columns(tiers: int, run: Sequence[int]) -> list[Column]:
    """A name for each of the scorer's inputs, laid out as :func:`router.assess.scorer_row`: by ranks, so that they can
    be told to move.
    """
    found: list[Column] = [("logit", rank, 0, 0) for rank in range(tiers)]
    found += [("hand", place, 0, 0) for place in range(len(HAND))]
    found += [("signal", rank, place, 0) for rank in run for place in range(len(NAMES))]
    return found + [("agreement", one, other, part) for one, other in combinations(run, 2) for part in range(2)]


def moved(mask: int, place: Place, *, answered: bool) -> list[int]:
    """For each input of an old state, its place among the inputs of the new one; there the new tier has ``answered``
    too, or not.
    """
    old = run_of(mask)
    run = sorted([place.of(rank) for rank in old] + [place.rank] * answered)
    where = {column: position for position, column in enumerate(columns(place.tiers, run))}
    return [where[_moved(column, place)] for column in columns(place.tiers - 1, old)]


def _moved(column: Column, place: Place) -> Column:
    kind, one, other, part = column
    if kind == "hand":
        return column
    return (kind, place.of(one), place.of(other) if kind == "agreement" else other, part)


def wider(model: DenseModel | Blend, places: Sequence[int], width: int, place: Place) -> DenseModel | Blend:
    """The same model over ``width`` inputs, its own at ``places``, with a column of zeros for the new tier.

    What it says of the tiers that were there is the same.
    """
    if isinstance(model, Blend):
        linear = wider(model.linear, places, width, place)
        assert isinstance(linear, DenseModel)
        trees = replace(
            model.trees,
            feature=np.asarray(places, np.uint32)[model.trees.feature],
            head=np.asarray(place.known, np.uint32)[model.trees.head],
            intercept=np.insert(model.trees.intercept, place.rank, 0.0),
            value=np.insert(model.trees.value, place.rank, 0.0, axis=1)
            if model.trees.value.ndim > 1
            else model.trees.value,
        )
        return Blend(linear, trees)
    mean, scale, weights = np.zeros(width), np.ones(width), np.zeros((width, place.tiers))
    mean[places], scale[places] = model.mean, model.scale
    weights[np.ix_(list(places), list(place.known))] = model.weights
    return DenseModel(mean, scale, weights, np.insert(model.intercept, place.rank, 0.0))


def with_head(
    model: DenseModel | Blend, place: Place, *, weights: Floats, intercept: float, scales: DenseModel | None = None
) -> DenseModel | Blend:
    """``model`` with a linear head for the new tier over its inputs as they come, before they are standardised.

    ``scales``: the mean and scale of inputs that no other head reads.
    """
    if isinstance(model, Blend):
        linear = with_head(model.linear, place, weights=weights, intercept=intercept, scales=scales)
        assert isinstance(linear, DenseModel)
        return Blend(linear, model.trees)
    mean = model.mean if scales is None else scales.mean
    scale = model.scale if scales is None else scales.scale
    every, start = model.weights.copy(), model.intercept.copy()
    every[:, place.rank] = weights * scale
    start[place.rank] = intercept + float(weights @ mean)
    return DenseModel(mean, scale, every, start)


def with_identity(calibration: Calibration, place: Place) -> Calibration:
    """The same maps, with one that changes nothing for the new tier."""
    width = max(calibration.x.shape[1], 2)
    padding = ((0, 0), (0, width - calibration.x.shape[1]))
    identity = np.pad([0.0, 1.0], (0, width - 2), mode="edge")
    return Calibration(
        slope=np.insert(calibration.slope, place.rank, 1.0),
        shift=np.insert(calibration.shift, place.rank, 0.0),
        x=np.insert(np.pad(calibration.x, padding, mode="edge"), place.rank, identity, axis=0),
        y=np.insert(np.pad(calibration.y, padding, mode="edge"), place.rank, identity, axis=0),
    )


def is_platt(calibration: Calibration) -> bool:
    """Whether its knots change nothing, so that what it does is linear in the logits."""
    return bool((calibration.x == calibration.y).all())


def extended(rule: Rule, place: Place) -> Rule:
    """What ``rule`` comes to with the new tier.

    Rules with a price of cost weigh it at the same price, as :class:`router.policy.CostAware` does: what else they
    learned, they learned of other tiers. Thresholds ask it whenever the prompt promises enough for a tier that they
    use, and accept it from their highest bar. A rule that always asks one tier goes on asking that one.
    """
    if isinstance(rule, Noted):
        return extended(rule.rule, place)
    if isinstance(rule, Always):
        before = place.tiers - 2 if rule.rank is None else rule.rank
        return Always(place.of(before), rule.why)
    if isinstance(rule, Mixture):
        return replace(rule, first=extended(rule.first, place), second=extended(rule.second, place))
    if isinstance(rule, CostAware):
        return rule
    if isinstance(rule, CascadeRouting | Induction):
        return CostAware(quality_per_dollar=rule.quality_per_dollar)
    assert isinstance(rule, Thresholds)
    # The strongest tier's own bar was never used: nothing stronger could be asked.
    bars = rule.accept[:-1]
    highest = max(bars, default=1.0)
    accept = np.insert([*bars, 0.0], place.rank, highest)
    if place.rank == place.tiers - 1:
        accept[-2:] = highest, 0.0
    start = np.insert(np.array(rule.start, float), place.rank, min(rule.start))
    return Thresholds(start=tuple(start.tolist()), accept=tuple(accept.tolist()), keep=rule.keep)
