"""Two tiers and a score per prompt: what routing by the score comes to, at every threshold.

A score is higher where the strong tier is worth more. Prompts of the same score move together, so that no order among
them is made up: between two thresholds the curve is straight, which is what choosing among them at random gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from router.errors import InputError
from router.features import Floats
from training.benchmarks.proof import MOST_POINTS
from training.benchmarks.recovered import Charged, Ordered, Places, Ranked, aiq, path_of, ranked_of
from training.benchmarks.text_neighbours import NEIGHBOURS, neighbours
from training.bootstrap import DRAWS, bounds

__all__ = [
    "Charged",
    "Further",
    "Pair",
    "Ranked",
    "Scored",
    "averaged",
    "baselines",
    "curve",
    "figures",
    "intervals",
    "refuse_overlap",
]

Further = Callable[[Places], Mapping[str, float]]
"""Figures that are not of the order alone, of the rows at these places, in which a row may stand several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What a weak and a strong tier made of n prompts: quality and, both or neither, nano-dollars, each (n,).

    ``ids`` tell the prompts apart; ``texts`` is what a router may read.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    weak: Floats
    strong: Floats
    weak_cost: Floats | None = None
    strong_cost: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def taken(self, places: Places) -> Pair:
        """The prompts at ``places``."""
        return Pair(
            ids=[self.ids[place] for place in places],
            texts=[self.texts[place] for place in places],
            weak=self.weak[places],
            strong=self.strong[places],
            weak_cost=None if self.weak_cost is None else self.weak_cost[places],
            strong_cost=None if self.strong_cost is None else self.strong_cost[places],
        )

    def judged(self, score: Floats, *, charged: Charged = "chosen") -> dict[str, float | None]:
        """:func:`figures` of a score (n,) for these prompts."""
        return figures(
            score,
            weak=self.weak,
            strong=self.strong,
            weak_cost=self.weak_cost,
            strong_cost=self.strong_cost,
            charged=charged,
        )

    def scored(self, score: Floats, *, charged: Charged = "chosen", further: Further | None = None) -> Scored:
        """A score (n,) for these prompts, for :func:`intervals`."""
        return Scored(
            score=score,
            weak=self.weak,
            strong=self.strong,
            keys=self.ids,
            weak_cost=self.weak_cost,
            strong_cost=self.strong_cost,
            charged=charged,
            further=further,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A score with the outcomes (n,) that it is judged by; ``keys`` tell prompts, which may come in several runs.

    Costs are in nano-dollars, both or neither. ``further`` reads other figures of the same rows.
    """

    score: Floats
    weak: Floats
    strong: Floats
    keys: Sequence[str]
    weak_cost: Floats | None = None
    strong_cost: Floats | None = None
    charged: Charged = "chosen"
    further: Further | None = None


def figures(
    score: Floats,
    *,
    weak: Floats,
    strong: Floats,
    weak_cost: Floats | None = None,
    strong_cost: Floats | None = None,
    charged: Charged = "chosen",
) -> dict[str, float | None]:
    """The figures of :class:`Ranked`, and ``aiq``, by name, of routing by ``score`` (n,).

    Qualities and, both or neither, nano-dollars of each tier are (n,).

    Raises:
        InputError: the arrays do not fit together, or a score or a quality is not a number.
    """
    rows = Ordered.sorted(score, weak, strong, weak_cost, strong_cost, charged=charged)
    return {**asdict(ranked_of(rows)), "aiq": aiq(rows)}


def curve(
    score: Floats,
    *,
    weak: Floats,
    strong: Floats,
    weak_cost: Floats | None = None,
    strong_cost: Floats | None = None,
    charged: Charged = "chosen",
) -> list[list[float]]:
    """PGR over the share of strong calls, or with costs over the share of the extra cost: at most 101 points [x, y].

    Raises:
        InputError: the arrays do not fit together, or the strong tier is no better, so that there is no gap to recover.
    """
    path = path_of(Ordered.sorted(score, weak, strong, weak_cost, strong_cost, charged=charged))
    if path.recovered is None:
        raise InputError("the strong tier is no better than the weak one here, so no curve of the recovered gap exists")
    x = path.calls if path.spent is None else path.spent
    at = np.linspace(0, 1, MOST_POINTS)
    return [[float(each), float(value)] for each, value in zip(at, np.interp(at, x, path.recovered), strict=True)]


def baselines(
    train: Pair | None,
    test: Pair,
    *,
    p_weak: Floats | None = None,
    raw_confidence: Floats | None = None,
    charged: Charged = "chosen",
) -> dict[str, dict[str, Any]]:
    """What ours has to beat, on the rows of ``test``: by name, the figures of :func:`figures` or those of one tier.

    ``random_mix`` is what choosing at random comes to, which with two tiers is also their hull. ``length`` asks the
    strong tier for the longest prompts first. ``knn`` needs ``train``: the gain of the 100 most similar training
    prompts. ``weak_threshold`` needs the calibrated chance ``p_weak`` (n,) that the weak tier suffices, from the
    prompt; ``raw_confidence`` the weak answer's own. ``oracle`` reads the labels.

    Raises:
        InputError: a prompt of ``test`` is in ``train`` too, or arrays do not fit together.
    """
    found: dict[str, dict[str, Any]] = {
        "always_cheap": _single(test.weak, test.weak_cost, calls=0.0),
        "always_strong": _single(test.strong, test.strong_cost, calls=1.0),
        "random_mix": {**test.judged(np.zeros(len(test)), charged=charged)},
        "length": {**test.judged(np.array([float(len(text)) for text in test.texts]), charged=charged)},
    }
    found["best_single"] = max(found["always_cheap"], found["always_strong"], key=lambda tier: float(tier["quality"]))
    if train is not None:
        refuse_overlap(train, test)
        gain = neighbours(train.texts, train.strong - train.weak, test.texts)
        found["knn"] = {**test.judged(gain, charged=charged), "neighbours": min(NEIGHBOURS, len(train))}
    if p_weak is not None:
        found["weak_threshold"] = {**test.judged(1 - p_weak, charged=charged)}
    if raw_confidence is not None:
        found["raw_confidence"] = {**test.judged(-raw_confidence, charged=charged)}
    # Three values of a gain make three bins of the ten, so equal ones are put in some order first.
    order = np.random.default_rng(0).random(len(test)) * 1e-9
    found["oracle"] = {**test.judged(test.strong - test.weak + order, charged=charged)}
    return found


def refuse_overlap(train: Pair, test: Pair) -> None:
    """Refuse prompts, by id or by text without regard to case and blanks, that are trained on and judged by.

    Raises:
        InputError: there are such.
    """
    for what, known, asked in (
        ("id", set(train.ids), test.ids),
        ("text", {_bare(text) for text in train.texts}, [_bare(text) for text in test.texts]),
    ):
        shared = [place for place, one in enumerate(asked) if one in known]
        if shared:
            raise InputError(
                f"{len(shared)} prompts that are tested are trained on too, by their {what}, such as "
                f"{test.ids[shared[0]]!r}; leave them out of the training rows"
            )


def averaged(found: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """The mean of each figure over runs; None where no run has it."""
    told: dict[str, float | None] = {}
    for name in found[0]:
        known = [value for each in found if (value := each[name]) is not None]
        told[name] = float(np.mean(known)) if known else None
    return told


def intervals(runs: Sequence[Scored], *, draws: int = DRAWS, seed: int = 0) -> dict[str, tuple[float, float]]:
    """A 95 % interval for each figure's mean over ``runs``: a percentile bootstrap over runs and prompts together.

    Each draw takes as many runs and as many of all their prompts, both with replacement; a prompt that several runs
    score counts equally often in all of them. So the interval has in it both the luck of the training rows and that
    of the questions. ``aiq`` has none: hulls take too long.

    Raises:
        InputError: the arrays of a run do not fit together.
    """
    prompts, held = np.unique(np.concatenate([np.array(run.keys, str) for run in runs]), return_inverse=True)
    ready = []
    for run, place in zip(runs, np.split(held, np.cumsum([len(run.keys) for run in runs])[:-1]), strict=True):
        rows = Ordered.sorted(run.score, run.weak, run.strong, run.weak_cost, run.strong_cost, charged=run.charged)
        ready.append((rows, place[rows.order], run.further))
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(draws):
        often = np.bincount(random.integers(0, len(prompts), len(prompts)), minlength=len(prompts))
        found = []
        for pick in random.integers(0, len(ready), len(ready)):
            rows, place, further = ready[pick]
            again = np.repeat(np.arange(len(place)), often[place])
            if len(again):
                more = {} if further is None else further(rows.order[again])
                found.append({**asdict(ranked_of(rows.taken(again))), **more})
        for name, value in averaged(found).items() if found else ():
            if value is not None:
                drawn.setdefault(name, []).append(value)
    return {name: bounds(np.array(values)) for name, values in drawn.items()}


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def _single(quality: Floats, cost: Floats | None, *, calls: float) -> dict[str, Any]:
    told: dict[str, Any] = {"quality": float(quality.mean()), "strong_calls": calls}
    if cost is not None:
        told["cost_per_1k"] = float(cost.mean()) * 1000 / 1e9  # nano-dollars, told in USD
    return told
