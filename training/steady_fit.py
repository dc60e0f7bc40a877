"""Fitting a router whose tier does not hang on the wording: noised copies to learn from, and a rule tuned to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.errors import InputError
from router.features import Floats
from router.types import Request
from training.noise import noised_copies
from training.routing_only import asked, sweep
from training.shared_forest import LEAF, SharedForest, fit_forest
from training.steady import Steady, steady_rules
from training.steps import Ranks

COPIES = 2
"""Noised copies of each prompt."""

CostOf = Callable[[Sequence[Request]], Floats]
"""What a call is expected to cost for each of n requests at each of K tiers: (n, K) nano-dollars."""


@dataclass(frozen=True, kw_only=True)
class Steadied:
    """The estimates and the rule, and what they came to, held out, on the prompts they were tuned on.

    ``kept`` is the share of noised copies that have their original's tier, ``quality`` and ``cost`` are shares of the
    strongest tier's, ``mix`` (K,) the shares of the prompts that each tier has.
    """

    forest: SharedForest
    rule: Steady
    kept: float
    quality: float
    cost: float
    mix: tuple[float, ...]

    def ask(self, requests: Sequence[Request], cost: Floats) -> Ranks:
        """The tier of each request, (n,), at ``cost`` (n, K)."""
        return asked(self.forest.chances(requests), cost=cost, rule=self.rule)

    def facts(self, names: Sequence[str]) -> dict[str, Any]:
        """The figures by name, the tiers under ``names``."""
        mix: Mapping[str, float] = dict(zip(names, self.mix, strict=True))
        return {
            "robustness": 100 * self.kept,
            "share_of_strong_quality": self.quality,
            "share_of_strong_cost": self.cost,
            "mix": mix,
            "margin": self.rule.margin,
        }


def fit_steady(
    requests: Sequence[Request],
    quality: Floats,
    *,
    keys: Sequence[str],
    cost_of: CostOf,
    share: float,
    steady: float,
    largest: float,
    seed: int = 0,
) -> Steadied:
    """Fit trees on the prompts and their noised copies, then take the cheapest rule that is good and steady enough.

    Good enough: ``share`` of the strongest tier's mean quality (n, K), held out. Steady enough: a share ``steady`` of
    the copies keep their original's tier, by estimates that saw neither's label. No tier may have more than a share
    ``largest`` of the prompts: a constant rule never changes its mind. Where none is as steady, the steadiest of the
    good ones is taken, and ``kept`` tells.

    Raises:
        InputError: a label is missing, or no rule is good enough without being nearly constant.
    """
    copies = noised_copies(requests, copies=COPIES, seed=seed)
    rounds, tiers = 1 + COPIES, quality.shape[1]
    forest = fit_forest(
        [*requests, *copies],
        np.tile(quality, (rounds, 1)),
        keys=list(keys) * rounds,
        weight=np.full(rounds * len(requests), 1 / rounds),
        leaf=LEAF * rounds,
        seed=seed,
    )
    plain, noised = forest.held_out[: len(requests)], forest.held_out[len(requests) :]
    cost, noised_cost = cost_of(requests), cost_of(copies)
    strongest = quality.mean(axis=0)[-1]
    good = []
    for point in sweep(plain, quality=quality, cost=cost, rules=steady_rules(cost)):
        mix = np.bincount(point.chosen, minlength=tiers) / len(requests)
        if point.quality < share * strongest or mix.max() > largest:
            continue
        again = asked(noised, cost=noised_cost, rule=point.rule).reshape(COPIES, -1)
        assert isinstance(point.rule, Steady)
        good.append(
            Steadied(
                forest=forest,
                rule=point.rule,
                kept=float((again == point.chosen).mean()),
                quality=point.quality / float(strongest),
                cost=point.cost / float(cost.mean(axis=0)[-1]),
                mix=tuple(mix.tolist()),
            )
        )
    if not good:
        raise InputError(
            f"no rule keeps {share:.0%} of the strongest tier's quality with at most {largest:.0%} of the prompts at "
            "one tier; lower the one or raise the other"
        )
    enough = [found for found in good if found.kept >= steady]
    return min(enough, key=lambda found: found.cost) if enough else max(good, key=lambda found: found.kept)
