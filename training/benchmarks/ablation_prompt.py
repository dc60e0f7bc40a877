"""What each part of the complexity classifier adds: groups of features left out, and other ways to rank by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from router.embed import Embedder
from router.features import FIGURES as RECKONED
from router.features import HAND, Floats, PromptFeatures, prompt_features
from training.benchmarks.pairs import STRONG, WEAK, Pairs
from training.benchmarks.priced_gain import even_price, per_cost, regrets
from training.benchmarks.ranking import Pair, Scored, averaged, intervals
from training.classifier import fit_features
from training.embedding import with_embeddings
from training.prompt_fit import fit_kernel

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "length": (
            "log_chars", "log_words", "mean_word", "log_longest_word", "type_token_ratio", "log_tail_chars",
            "log_tail_words", "log_stops",
        ),
        "numbers": (
            "digit_share", "log_numbers", "longest_number", "operator_share", "bracket_share", "tail_digit_share",
            "tail_longest_number", "tail_operator_share", "has_latex",
        ),
        "wording": ("constraints", "reasoning_words", "negations", "log_questions"),
        "figures": RECKONED,
    }
)  # fmt: skip
"""Hand-made features by what they look at; all others are about the layout."""

WHOLE = "words_and_features"
EMBEDDED = "with_embeddings"
DIFFICULTY, PER_DOLLAR = "difficulty_for_gain", "gain_per_dollar"
TIERS_ALONE = "without_gain_heads"
TREELESS = "without_trees"

FIGURES = ("apgr", "apgr_deciles", "cost_apgr", "auroc_gain", "regret")


Seen = Callable[[PromptFeatures], PromptFeatures]
"""What a variant lets the classifier see of a prompt."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Rows to learn from and rows to judge on, with the features of both read."""

    train: Pairs
    test: Pairs
    known: Sequence[PromptFeatures]
    asked: Sequence[PromptFeatures]


@dataclass(frozen=True, kw_only=True)
class Found:
    """By variant the figures' means over the runs, their intervals, and ``change``: the APGR less that of the whole."""

    metrics: dict[str, dict[str, float | None]]
    intervals: dict[str, dict[str, tuple[float, float]]]


def read(pairs: Pairs, embedder: Embedder | None) -> tuple[PromptFeatures, ...]:
    """The features of all prompts, with their embeddings where there is an embedder."""
    features = tuple(map(prompt_features, pairs.requests))
    return features if embedder is None else with_embeddings(features, pairs.requests, embedder)


def variants(*, embedded: bool) -> dict[str, Seen]:
    """What each variant lets the classifier see; the last with embeddings, where prompts have them."""
    layout = [name for name in HAND if not any(name in names for names in GROUPS.values())]
    found = {WHOLE: _plain, "without_words": _wordless, "without_features": _without(HAND)}
    found |= {f"without_{group}": _without(names) for group, names in (*GROUPS.items(), ("layout", layout))}
    return found | ({EMBEDDED: lambda features: features} if embedded else {})


def scores(task: Task, *, embedded: bool) -> dict[str, Floats]:
    """By variant a score (m,) of the rows to judge."""
    told: dict[str, Floats] = {}
    for name, seen in variants(embedded=embedded).items():
        fitted = fit_features([seen(item) for item in task.known], task.train.quality, keys=task.train.keys)
        chances = fitted.chances_of([seen(item) for item in task.asked])
        told[name] = chances[:, STRONG] - chances[:, WEAK]
        if name == WHOLE:
            side = side_of(task.test)
            told[DIFFICULTY] = 1 - chances[:, WEAK]
            told[TIERS_ALONE] = _tiers_alone(task, seen)
            told[TREELESS] = _treeless(task, seen)
            if side.weak_cost is not None and side.strong_cost is not None:
                told[PER_DOLLAR] = per_cost(told[name], weak_cost=side.weak_cost, strong_cost=side.strong_cost)
    return told


def judged(tasks: Sequence[Task], found: Sequence[Mapping[str, Floats]], *, draws: int) -> Found:
    """What the scores of each task come to, by variant."""
    metrics: dict[str, dict[str, float | None]] = {}
    bounds: dict[str, dict[str, tuple[float, float]]] = {}
    for name in found[0]:
        runs = [_run(task, each[name]) for task, each in zip(tasks, found, strict=True)]
        told = averaged([figures for _, figures in runs])
        if name in (DIFFICULTY, PER_DOLLAR):
            told["regret"] = None  # it asks where a gain exceeds its price, and neither is a gain
        between = intervals([scored for scored, _ in runs], draws=draws)
        metrics[name] = {figure: told.get(figure) for figure in FIGURES}
        bounds[name] = {figure: between[figure] for figure in FIGURES if figure in between and told[figure] is not None}
    whole = metrics[WHOLE]["apgr"]
    for figures in metrics.values():
        own = figures["apgr"]
        figures["change"] = None if own is None or whole is None else own - whole
    return Found(metrics=metrics, intervals=bounds)


def side_of(pairs: Pairs) -> Pair:
    """The same rows as two tiers to be ranked."""
    return Pair(
        ids=pairs.ids,
        texts=pairs.texts,
        weak=pairs.weak,
        strong=pairs.strong,
        weak_cost=None if pairs.cost is None else pairs.cost[:, WEAK],
        strong_cost=None if pairs.cost is None else pairs.cost[:, STRONG],
    )


def _run(task: Task, score: Floats) -> tuple[Scored, dict[str, Any]]:
    side = side_of(task.test)
    if task.train.cost is None or side.weak_cost is None or side.strong_cost is None:
        return side.scored(score), {**side.judged(score), "regret": None}
    cheap, dear = task.train.cost.T
    lost = regrets(
        score,
        weak=side.weak,
        strong=side.strong,
        weak_cost=side.weak_cost,
        strong_cost=side.strong_cost,
        price=even_price(weak=task.train.weak, strong=task.train.strong, weak_cost=cheap, strong_cost=dear),
    )
    scored = side.scored(score, further=lambda rows: {"regret": float(lost[rows].mean())})
    return scored, {**side.judged(score), "regret": float(lost.mean())}


def _tiers_alone(task: Task, seen: Seen) -> Floats:
    """How much more the strong tier is expected to be worth than the weak one (m,) by fits of one tier each.

    A fit that knows one tier has nothing to learn a gain from: what is left are the tiers' heads and their penalties.
    """
    known, asked = [seen(item) for item in task.known], [seen(item) for item in task.asked]
    weak, strong = (
        fit_features(known, task.train.quality[:, [tier]], keys=task.train.keys).chances_of(asked)[:, 0]
        for tier in (WEAK, STRONG)
    )
    return strong - weak


def _treeless(task: Task, seen: Seen) -> Floats:
    """The gain by the kernel heads alone, (m,)."""
    known, asked = [seen(item) for item in task.known], [seen(item) for item in task.asked]
    fitted = fit_features(known, task.train.quality, keys=task.train.keys, fitted_by=fit_kernel)
    chances = fitted.chances_of(asked)
    found: Floats = chances[:, STRONG] - chances[:, WEAK]
    return found


def _plain(features: PromptFeatures) -> PromptFeatures:
    return replace(features, embedding=None)


def _wordless(features: PromptFeatures) -> PromptFeatures:
    """The same one word for all, of which nothing can be learned."""
    return replace(features, words=np.ones(1, np.uint64), tail=1, embedding=None)


def _without(names: Sequence[str]) -> Seen:
    kept = np.array([name not in names for name in HAND], float)
    return lambda features: replace(features, hand=features.hand * kept, embedding=None)
