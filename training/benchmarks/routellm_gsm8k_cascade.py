"""RouteLLM's GSM8K after reading the weak model's answer: a cascade without log-probabilities."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from router.features import Floats
from training.benchmarks import ranking
from training.benchmarks.pairs import STRONG, WEAK, Pairs, apart, pairs_of
from training.benchmarks.peers import PeerMissing, score_answers
from training.benchmarks.proof import Proof, Target, proof
from training.benchmarks.result import Report
from training.benchmarks.routellm_published import COSTS, GSM8K, READINGS, reach
from training.benchmarks.text_neighbours import neighbours
from training.heads import Bools, folds_of
from training.metrics import ece
from training.public import routellm
from training.records import Query
from training.rungs import RUNGS, Rung
from training.scorer import Scored, fit_scorer

FOLDS = 10
SEEDS = range(3)
DRAWS = 300
WORKERS = 2
"""Processes that fit at the same time, where there are as many cores."""

FEW = 500
"""Questions up to which they are not worth starting."""

QUICK_FOLDS = 3
QUICK_DRAWS = 30

UNSEEN = "unseen_half"
_DEVELOPMENT = 100
"""The seed by which half of the questions were drawn to develop on."""

PROTOCOL = (
    "RouteLLM's GSM8K, Mixtral 8x7B against GPT-4 Turbo, 12 contaminated prompts dropped: 1,307 questions. The weak "
    "model answers each; the prompt and that answer's text are read, and there are no log-probabilities. The rung "
    "trees, linear heads and boosted trees blended. Ten folds, 9/10 of the questions learned from, all 1,307 scores "
    "ranked together by the chance that the strong model suffices less the weak one's, before the calibration, whose "
    "steps make ties; the folds dealt anew with 3 seeds. AUROC is of the confidence that the weak answer is right. In "
    "cost, whoever reads the answer has paid for it also where the strong model is asked; baselines that read the "
    f"prompt alone pay for the model they ask. Under {UNSEEN} the same scores, on the half of the questions that was "
    "not developed on. " + READINGS
)
QUICK = " Quick: 3 folds, 1 seed."

_BLIND = (
    "RouteLLM's routers read the prompt alone, before any answer, and saw Arena preferences and GPT-4's judgements, no "
    "GSM8K label; ours reads the weak answer and learns from GSM8K labels of other questions."
)
_DEVELOPED = (
    "The signals were developed, and the rung and the uncalibrated order chosen, on half of these questions, "
    "drawn by seed and cross-validated among themselves, so the figures over all rows are mildly flattered; of those "
    f"under {UNSEEN}, no judged row was developed on. Before the halves were drawn, twelve answers from all rows had "
    "been read, and an earlier set of signals measured on all rows."
)
_CONFIDENCE = (
    "There are no log-probabilities, so the baseline of a raw confidence is cascadeflow's; with two tiers the hull of "
    "single tiers is the random mix."
)
DIFFERS = (_BLIND, _DEVELOPED, COSTS, _CONFIDENCE)

TARGETS: dict[str, Target] = {
    **reach(apgr=0.82, cpt50=16, cpt80=36),
    "auroc": {"reach": 0.84, "better": "higher"},
}


@dataclass(frozen=True, kw_only=True)
class Answered:
    """n questions: ``queries`` with both models' answers, and ``pairs``, the same rows as numbers."""

    queries: tuple[Query, ...]
    pairs: Pairs

    def take(self, places: Bools) -> Answered:
        """The rows where ``places`` (n,) is true."""
        chosen = tuple(query for query, one in zip(self.queries, places, strict=True) if one)
        return Answered(queries=chosen, pairs=self.pairs.take(places))


@dataclass(frozen=True, kw_only=True)
class Held:
    """What was made of all n questions, each by fits on other folds: ``scored``, ``knn`` (n,), the gain of the nearest
    training prompts, and ``price``, at which the training rows make both models worth the same, in quality per
    nano-dollar.
    """

    scored: Scored
    knn: Floats
    price: float

    @property
    def gain(self) -> Floats:
        """What answers are ranked by, (n,)."""
        found: Floats = self.scored.raw[:, STRONG] - self.scored.raw[:, WEAK]
        return found


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Cross-validate the confidence scorer; ``quick`` with fewer folds and one seed.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    report("reading")
    records, ladder = routellm("gsm8k")
    data = Answered(queries=records.queries, pairs=pairs_of(records, ladder))
    return proved(data, peer=_cascadeflow(data, report), report=report, quick=quick, started=started)


def proved(
    data: Answered,
    *,
    peer: Floats | str,
    report: Report,
    quick: bool,
    started: float,
    ours: str = "trees",
    plain: str = "answer",
) -> Proof:
    """The outcome on ``data``; ``peer`` is cascadeflow's confidence (n,), or the sentence that says why there is none.

    ``ours`` and ``plain`` name the rung that is judged and the one that it is compared with.

    Raises:
        InputError: a fold to learn from has a question that is judged.
    """
    seeds, folds = (SEEDS[:1], QUICK_FOLDS) if quick else (SEEDS, FOLDS)
    draws = QUICK_DRAWS if quick else DRAWS
    trees, linear = (next(rung for rung in RUNGS if rung.name == name) for name in (ours, plain))
    runs = [crossed(data, trees, folds=folds, seed=seed, report=report) for seed in seeds]
    beside = crossed(data, linear, folds=folds, seed=seeds[0], report=report)
    unseen = ~developed(data.pairs.ids)
    whole, half = _side(data.pairs), _side(data.pairs.take(unseen))
    metrics = _figures(runs, data.pairs, np.ones(len(data.pairs), bool))
    intervals = _intervals(runs, whole, np.ones(len(data.pairs), bool), draws)
    if unseen.any():
        metrics[UNSEEN] = _figures(runs, data.pairs.take(unseen), unseen)
        intervals[UNSEEN] = _intervals(runs, half, unseen, draws)
    return proof(
        "routellm-gsm8k-cascade",
        protocol=PROTOCOL + (QUICK if quick else ""),
        n_train=round(len(data.pairs) * (folds - 1) / folds),
        n_test=len(data.pairs),
        seeds=seeds,
        metrics=metrics,
        intervals=intervals,
        baselines=_baselines(whole, runs[0], beside, peer),
        published=GSM8K,
        targets=TARGETS,
        differs=DIFFERS,
        curves={
            "ours": _curve(runs[0].gain, whole),
            "ours, before the answer": _curve(runs[0].scored.prompt[:, STRONG] - runs[0].scored.prompt[:, WEAK], whole),
        }
        | ({} if isinstance(peer, str) else {"cascadeflow's confidence": _curve(-peer, whole)}),
        started=started,
        quick=quick,
    )


def developed(ids: Sequence[str]) -> Bools:
    """Which questions the signals were developed on, (n,): half of them, whatever their order."""
    drawn = sorted(set(ids))
    random.Random(_DEVELOPMENT).shuffle(drawn)
    seen = set(drawn[: len(drawn) // 2])
    return np.array([id in seen for id in ids], bool)


def crossed(data: Answered, rung: Rung, *, folds: int, seed: int, report: Report) -> Held:
    """Score every answer by a scorer that was fitted on the other folds.

    Raises:
        InputError: a question stands on both sides.
    """
    fold = folds_of(data.pairs.keys, folds=folds, seed=seed)
    jobs = [(data.take(fold != number), data.take(fold == number)) for number in range(folds)]
    what = f"rung {rung.name}, seed {seed}"
    workers = min(WORKERS, os.cpu_count() or 1) if len(data.pairs) > FEW else 1
    found: list[Held] = []
    if workers == 1:
        for train, test in jobs:
            report(f"{what}: fold {len(found) + 1} of {folds}")
            found.append(_scored(train, test, rung))
    else:
        from joblib import Parallel, delayed

        report(f"{what}: {folds} folds, {workers} at the same time")
        for held in Parallel(n_jobs=workers, return_as="generator")(
            delayed(_scored)(train, test, rung) for train, test in jobs
        ):
            found.append(held)
            report(f"{what}: {len(found)} of {folds} folds done")
    back = np.argsort(np.concatenate([np.flatnonzero(fold == number) for number in range(folds)]))
    return Held(
        scored=Scored(
            *(
                np.concatenate([getattr(held.scored, name) for held in found])[back]
                for name in ("chances", "raw", "prompt")
            )
        ),
        knn=np.concatenate([held.knn for held in found])[back],
        price=float(np.mean([held.price for held in found])),
    )


def _scored(train: Answered, test: Answered, rung: Rung) -> Held:
    apart(train.pairs, test.pairs)
    scorer = fit_scorer(train.queries, rung)
    side = _side(train.pairs)
    assert side.weak_cost is not None
    assert side.strong_cost is not None
    return Held(
        scored=scorer.score([query.request for query in test.queries], [_weak(query) for query in test.queries]),
        knn=neighbours(side.texts, side.strong - side.weak, test.pairs.texts),
        price=ranking.even_price(
            weak=side.weak, strong=side.strong, weak_cost=side.weak_cost, strong_cost=side.strong_cost
        ),
    )


def _weak(query: Query) -> Any:
    outcome = query.outcomes[WEAK]
    assert outcome is not None  # fit_scorer has refused it otherwise
    return outcome.completion


def _cascadeflow(data: Answered, report: Report) -> Floats | str:
    try:
        answers = [_weak(query).text for query in data.queries]
        return score_answers("cascadeflow", data.pairs.texts, answers, report=report)
    except PeerMissing as missing:
        return str(missing)


def _figures(runs: Sequence[Held], pairs: Pairs, places: Bools) -> dict[str, Any]:
    """The means over the runs, of the questions at ``places``, which ``pairs`` are."""
    side = _side(pairs)
    told = []
    for held in runs:
        gain, chances = held.gain[places], held.scored.chances[places]
        found = dict(side.judged(gain, charged="both"))
        found["auroc_of_the_gain"] = found["auroc"]
        found["auroc"] = side.judged(-held.scored.raw[places, WEAK])["auroc"]
        found["auroc_calibrated"] = side.judged(-chances[:, WEAK])["auroc"]
        found["apgr_by_confidence"] = side.judged(-held.scored.raw[places, WEAK])["apgr"]
        found["ece"] = ece(chances[:, WEAK], side.weak)
        assert side.strong_cost is not None
        found["regret"] = ranking.regret(  # from where the weak answer is there, and paid
            chances[:, STRONG] - chances[:, WEAK],
            weak=side.weak,
            strong=side.strong,
            weak_cost=np.zeros(len(pairs)),
            strong_cost=side.strong_cost,
            price=held.price,
        )
        told.append(found)
    return dict(ranking.averaged(told))


def _intervals(runs: Sequence[Held], side: ranking.Pair, places: Bools, draws: int) -> dict[str, Any]:
    by_gain = ranking.intervals([side.scored(held.gain[places], charged="both") for held in runs], draws=draws)
    by_confidence = ranking.intervals([side.scored(-held.scored.raw[places, WEAK]) for held in runs], draws=draws)
    return {
        **{name: bounds for name, bounds in by_gain.items() if name != "auroc"},
        "auroc_of_the_gain": by_gain["auroc"],
        "auroc": by_confidence["auroc"],
        "apgr_by_confidence": by_confidence["apgr"],
    }


def _baselines(side: ranking.Pair, ours: Held, linear: Held, peer: Floats | str) -> Mapping[str, Mapping[str, Any]]:
    """Of the first run's folds: routers pay for the model that they ask, those that read the answer for it too."""
    before = ours.scored.prompt
    found = ranking.baselines(None, side, p_weak=before[:, WEAK])
    found["knn"] = dict(side.judged(ours.knn))
    found["classifier"] = dict(side.judged(before[:, STRONG] - before[:, WEAK]))
    found["linear_scorer"] = {
        **side.judged(linear.gain, charged="both"),
        "auroc": side.judged(-linear.scored.raw[:, WEAK])["auroc"],
    }
    found["cascadeflow_confidence"] = (
        {"missing": peer} if isinstance(peer, str) else dict(side.judged(-peer, charged="both"))
    )
    return found


def _curve(score: Floats, side: ranking.Pair) -> list[list[float]]:
    return ranking.curve(score, weak=side.weak, strong=side.strong)


def _side(pairs: Pairs) -> ranking.Pair:
    assert pairs.cost is not None
    made = ranking.Pair(ids=pairs.ids, texts=pairs.texts, weak=pairs.weak, strong=pairs.strong)
    return replace(made, weak_cost=pairs.cost[:, WEAK], strong_cost=pairs.cost[:, STRONG])
