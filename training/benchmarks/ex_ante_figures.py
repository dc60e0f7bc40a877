"""What runs of routing before any answer come to: figures, intervals, baselines and peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import numpy as np

from router.features import Floats
from training.benchmarks import priced_gain, ranking
from training.benchmarks.ex_ante import Run
from training.benchmarks.pairs import STRONG, WEAK, Pairs
from training.benchmarks.peers import Absent, PeerMissing, PromptScorer, routellm_figures, score_prompts
from training.benchmarks.recovered import Places
from training.benchmarks.result import Report
from training.bootstrap import DRAWS
from training.metrics import ece

PEERS: tuple[PromptScorer, ...] = get_args(PromptScorer)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The mean of each figure over the runs, its interval, the same of the baselines, and the first run's ``curve``."""

    metrics: Mapping[str, Any]
    intervals: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, Any]]
    curve: Sequence[Sequence[float]]


class Parts:
    """Summaries put together: one at the top, the others under their names, which follow each baseline's name too."""

    def __init__(self) -> None:
        self._summaries: dict[str, Summary] = {}

    def put(self, name: str, found: Summary) -> None:
        """Add a summary; the empty name is the top."""
        self._summaries[name] = found

    @property
    def metrics(self) -> dict[str, Any]:
        """All figures."""
        return _nested({name: part.metrics for name, part in self._summaries.items()})

    @property
    def intervals(self) -> dict[str, Any]:
        """All intervals, of the figures that exist."""
        return _nested({name: part.intervals for name, part in self._summaries.items()})

    @property
    def baselines(self) -> dict[str, dict[str, Any]]:
        """By baseline the figures of the top, and under the other summaries' names theirs."""
        names = dict.fromkeys(name for part in self._summaries.values() for name in part.baselines)
        return {
            name: _nested(
                {
                    where: part.baselines[name]
                    for where, part in self._summaries.items()
                    if name in part.baselines and not (where and "missing" in part.baselines[name])
                }
            )
            for name in names
        }

    def curves(self, labels: Mapping[str, str]) -> dict[str, Sequence[Sequence[float]]]:
        """The curves of the summaries that ``labels`` has a label for."""
        return {label: self._summaries[name].curve for name, label in labels.items() if name in self._summaries}


def peer_scores(pairs: Pairs, *, absent: Absent = "install", report: Report) -> dict[str, Floats | str]:
    """Each peer's score of every prompt, (n,), or the sentence that says why there is none."""
    found: dict[str, Floats | str] = {}
    for name in PEERS:
        report(f"{name}: {len(pairs):,} prompts")
        try:
            found[name] = score_prompts(name, pairs.texts, absent=absent, report=report)
        except PeerMissing as missing:
            found[name] = str(missing)
    return found


Check = Callable[[Run], Mapping[str, Any]]
"""Reads the figures of a run once more, by other code."""


def by_their_code(run: Run, *, absent: Absent = "install", report: Report = lambda _: None) -> dict[str, Any]:
    """The run's figures by RouteLLM's own code, beside ours by the same reading, or why there are none."""
    side = _side(run.test)
    try:
        theirs = routellm_figures(run.gain, weak=side.weak, strong=side.strong, absent=absent, report=report)
    except PeerMissing as missing:
        return {"missing": str(missing)}
    own = side.judged(run.gain)
    return {**theirs, "same_run_by_ours": {name: own[name] for name in theirs}}


def summary(
    runs: Sequence[Run],
    *,
    among: Pairs,
    peers: Mapping[str, Floats | str],
    check: Check | None = None,
    draws: int = DRAWS,
) -> Summary:
    """What the runs come to; ``peers`` are :func:`peer_scores` of ``among``, which every test is a part of. What
    ``check`` makes of the first run stands among the baselines as ``first_run_by_routellms_code``.

    Beside :func:`training.benchmarks.ranking.figures` there are ``ece``, the calibration error of the chances, its mean
    over the tiers, and ``regret``, in quality per prompt at the run's ``price``. Intervals: a bootstrap over runs and
    questions together, ``draws`` times.
    """
    sides = [_side(run.test) for run in runs]
    place = {id: row for row, id in enumerate(among.ids)}
    metrics = ranking.averaged([_figures(run, side) for run, side in zip(runs, sides, strict=True)])
    baselines = []
    for run, side in zip(runs, sides, strict=True):
        rows = [place[id] for id in run.test.ids]
        baselines.append(
            ranking.baselines(None, side, p_weak=run.predicted.chances[:, WEAK])
            | {"knn": dict(side.judged(run.predicted.knn))}
            | {
                peer: {"missing": score} if isinstance(score, str) else dict(side.judged(score[rows]))
                for peer, score in peers.items()
            }
        )
    scored = [
        side.scored(run.gain, further=partial(_further, run, side)) for run, side in zip(runs, sides, strict=True)
    ]
    bounds = ranking.intervals(scored, draws=draws)
    return Summary(
        metrics=metrics,
        intervals=bounds,
        baselines={name: _mean([each[name] for each in baselines]) for name in baselines[0]}
        | ({} if check is None else {"first_run_by_routellms_code": check(runs[0])}),
        curve=ranking.curve(runs[0].gain, weak=sides[0].weak, strong=sides[0].strong),
    )


def _figures(run: Run, side: ranking.Pair) -> dict[str, float | None]:
    return {**side.judged(run.gain), **_further(run, side, np.arange(len(side)))}


def _further(run: Run, side: ranking.Pair, rows: Places) -> dict[str, float]:
    """What is not of the order alone, of the questions at ``rows``."""
    chances, quality = run.predicted.chances[rows], run.test.quality[rows]
    found = {"ece": float(np.mean([ece(chances[:, tier], quality[:, tier]) for tier in (WEAK, STRONG)]))}
    if run.price is not None and side.weak_cost is not None and side.strong_cost is not None:
        found["regret"] = priced_gain.regret(
            run.gain[rows],
            weak=side.weak[rows],
            strong=side.strong[rows],
            weak_cost=side.weak_cost[rows],
            strong_cost=side.strong_cost[rows],
            price=run.price,
        )
    return found


def _side(pairs: Pairs) -> ranking.Pair:
    return ranking.Pair(
        ids=pairs.ids,
        texts=pairs.texts,
        weak=pairs.weak,
        strong=pairs.strong,
        weak_cost=None if pairs.cost is None else pairs.cost[:, WEAK],
        strong_cost=None if pairs.cost is None else pairs.cost[:, STRONG],
    )


def _nested(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {**found.get("", {}), **{name: dict(part) for name, part in found.items() if name}}


def _mean(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of figures; a sentence is said once."""
    return {
        name: value if isinstance(value, str) else ranking.averaged([{name: each[name]} for each in found])[name]
        for name, value in found[0].items()
    }
