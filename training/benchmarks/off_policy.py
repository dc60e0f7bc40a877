"""Judging a rule from another rule's log: near-threshold audits against uniform exploration, at equal expected cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.audits import audit_rate
from router.features import Floats, prompt_features
from router.policy import Thresholds
from training.bandit import BanditLog
from training.benchmarks.result import BenchmarkResult, Report, benchmark_result
from training.off_policy import OffPolicy, evaluate_off_policy
from training.table import Table, walk

TRIALS = 200
ROWS = 4000
LOGGED, LESS, TARGETS = 0.30, 0.20, (0.40, 0.50)
UNIFORM = 0.05
LEAST = 0.005
MOST: Mapping[str, float] = {"near_threshold": 0.10, "near_threshold_to_25": 0.25}
ESTIMATORS = ("ips", "snips", "dm", "dr")
DRAWS = 1000

PROTOCOL = (
    "Zellinger-Thomson logs, 5,233 queries (MMLU, MedMCQA, TriviaQA, TruthfulQA), Llama 3.1 8B then 405B, every answer "
    "labelled, so the truth is known; simulated logging. The confidence in the 8B answer is a logistic regression on "
    "its log-probability and the hand-made prompt features, out of fold. A rule escalates a set share of the pool, "
    f"the least confident; the logging one {LOGGED:.0%}. An accepted answer is audited at 405B with probability "
    f"{UNIFORM:.0%} (uniform), or by audit_rate of threshold less confidence, {LEAST:.1%} to 10 % (and, beside it, to "
    "25 %), its width such that the expected dollars of audits are the same. A trial takes 4,000 of the queries "
    "without replacement, draws the audits, and estimates the quality of rules that escalate more (40 %, 50 %) and "
    "less (20 %); errors are in percentage points, against the rule's quality on the whole pool, and 'same_rows' "
    "against its quality on the trial's queries. Weights are clipped at 20. Intervals: 95 %, bootstrap over trials."
)


@dataclass(frozen=True)
class _Design:
    """Which accepted answers are audited: ``rate`` (n,), 1 for those escalated anyway; ``width`` NaN when uniform."""

    rate: Floats
    width: float


def run(*, report: Report = lambda _: None, trials: int = TRIALS) -> BenchmarkResult:
    """Measure the error of each estimator under each design.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    report("reading and judging the pool")
    table = pool()
    confidence = table.chances[1][:, 0]
    designs = designs_of(confidence, table.cost[:, 1])
    rules = {f"target_{round(100 * share)}": _rule(confidence, share) for share in (LESS, *TARGETS)}
    truth = {name: 100 * float(walk(table, rule).quality.mean()) for name, rule in rules.items()}
    less = next(iter(rules))
    errors: dict[tuple[str, str, str], list[float]] = {}
    for trial in range(trials):
        report(f"trial {trial + 1} of {trials}")
        rng = np.random.default_rng(trial)
        rows = rng.permutation(len(table))[:ROWS]
        part, luck = table.take(rows), rng.random(len(rows))
        for name, rule in rules.items():
            here = 100 * float(walk(part, rule).quality.mean())
            for design, made in designs.items():
                if name == less and design != "uniform":
                    continue
                rate = made.rate[rows] if name != less else np.where(made.rate[rows] == 1, 1.0, 0.0)
                log = showing(part, luck < rate, rate)
                got = evaluate_off_policy(log, rule, floor=0)
                for estimator, value in _quality(got).items():
                    errors.setdefault((name, design, estimator), []).append(100 * value - truth[name])
                    errors.setdefault((name, design, f"{estimator}_same_rows"), []).append(100 * value - here)
                matching = _matching(log, walk(part, rule).visited)
                errors.setdefault((name, design, "matching"), []).append(100 * matching - truth[name])
    found = {key: np.array(values) for key, values in errors.items()}
    metrics: dict[str, Any] = {
        "audited_share": {name: float(made.rate[made.rate < 1].mean()) for name, made in designs.items()},
        "width": {name: made.width for name, made in designs.items() if name != "uniform"},
        "less_escalation": {
            "truth": truth[less],
            "rmse": _rmse(found[less, "uniform", "dr"]),
            "rmse_same_rows": _rmse(found[less, "uniform", "dr_same_rows"]),
            "bias": float(found[less, "uniform", "dr"].mean()),
            "bias_of_matching_rows": float(found[less, "uniform", "matching"].mean()),
        },
    }
    intervals: dict[str, Any] = {
        "less_escalation": {"rmse": _bootstrap([found[less, "uniform", "dr"]])[0]},
    }
    for name in list(rules)[1:]:
        metrics[name], intervals[name] = {"truth": truth[name]}, {}
        for design in designs:
            metrics[name][design], intervals[name][design] = _judged(found, name, design)
        for design in MOST:
            pair = [found[name, design, "dr"], found[name, "uniform", "dr"]]
            metrics[name][f"dr_ratio_{design}"] = _rmse(pair[0]) / _rmse(pair[1])
            intervals[name][f"dr_ratio_{design}"] = _bootstrap(pair)[1]
    return benchmark_result(
        "off-policy",
        protocol=PROTOCOL,
        seeds=range(trials),
        metrics=metrics,
        intervals=intervals,
        started=started,
    )


def pool() -> Table:
    """Every query of the pool at its weakest and its strongest tier, as a rule sees them.

    The chances, and the expected costs, are out of fold.
    """
    from training.public import zellinger
    from training.replay import qualities_of

    records, ladder = zellinger("llama3")
    ranks = [0, len(ladder) - 1]
    quality = qualities_of(records.queries)[:, ranks]
    cost, surety = np.empty_like(quality), np.empty(len(quality))
    for row, query in enumerate(records.queries):
        for place, rank in enumerate(ranks):
            outcome = query.outcomes[rank]
            assert outcome is not None
            assert outcome.completion.usage is not None
            cost[row, place] = ladder[rank].cost(outcome.completion.usage)
            if place == 0:
                assert outcome.completion.logprobs is not None
                surety[row] = outcome.completion.logprobs.values[0]
    hand = np.array([prompt_features(query.request).hand for query in records.queries])
    chance = np.exp(np.minimum(surety, -1e-4))
    keys = tuple(query.split_key for query in records.queries)
    chances, expected = _out_of_fold(np.column_stack((np.log(chance / (1 - chance)), hand)), quality, cost, keys)
    return Table(
        quality=quality,
        cost=cost,
        # From the prompt alone nothing is decided here: the weak tier is always asked first.
        chances={0: np.tile(quality.mean(axis=0), (len(quality), 1)), 1: chances, 2: chances},
        expected=dict.fromkeys(range(3), expected),
        draw=np.zeros(len(quality)),
        weight=np.ones(len(quality)),
        keys=keys,
    )


def _out_of_fold(inputs: Floats, quality: Floats, cost: Floats, keys: Sequence[str]) -> tuple[Floats, Floats]:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chances, expected = np.empty_like(quality), np.empty_like(cost)
    for train, held in GroupKFold(5).split(inputs, groups=keys):
        for place in range(quality.shape[1]):
            head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
            chances[held, place] = head.fit(inputs[train], quality[train, place]).predict_proba(inputs[held])[:, 1]
            line = make_pipeline(StandardScaler(), Ridge(20.0)).fit(inputs[train], np.log(cost[train, place]))
            smear = np.exp(np.log(cost[train, place]) - line.predict(inputs[train])).mean()
            expected[held, place] = np.exp(line.predict(inputs[held])) * smear
    return chances, expected


def designs_of(confidence: Floats, price: Floats) -> dict[str, _Design]:
    """Uniform exploration, and near-threshold audits that are expected to cost the same: ``price`` (n,) each."""
    threshold = float(np.quantile(confidence, LOGGED))
    accepted = confidence >= threshold
    found = {"uniform": _Design(np.where(accepted, UNIFORM, 1.0), float("nan"))}
    budget = UNIFORM * price[accepted].sum()
    for name, most in MOST.items():
        low, high = 1e-4, 10.0
        rate = np.ones(len(confidence))
        for _ in range(50):
            width = float(np.sqrt(low * high))
            rate[accepted] = [
                audit_rate(threshold - one, least=LEAST, most=most, width=width) for one in confidence[accepted]
            ]
            low, high = (width, high) if (rate * price)[accepted].sum() < budget else (low, width)
        found[name] = _Design(rate, high)
    return found


def showing(table: Table, asked: Any, rate: Floats) -> BanditLog:
    """The log in which the strong answer is seen only where ``asked`` (n,), which had probability ``rate`` (n,)."""
    return BanditLog(
        # Not masked, so that what is reckoned once of it serves every log; the estimators read only what was seen.
        table=table,
        seen=np.column_stack((np.ones(len(table), bool), asked)),
        inclusion=np.column_stack((np.ones(len(table)), rate)),
        tiers=("weak", "strong"),
    )


def _rule(confidence: Floats, share: float) -> Thresholds:
    """The rule that escalates that share of the pool."""
    return Thresholds(start=(0.0, 0.0), accept=(float(np.quantile(confidence, share)), 0.0))


def _quality(got: OffPolicy) -> dict[str, float]:
    return {
        "ips": got.ips.quality,
        "snips": got.snips.quality,
        "dm": got.dm.quality,
        "dr": got.value.quality,
    }


def _matching(log: BanditLog, visited: Any) -> float:
    """The mean over the rows that did what the rule would do: what must not be done."""
    same = (log.seen == visited).all(axis=1)
    last = np.where(visited[:, 1], log.table.quality[:, 1], log.table.quality[:, 0])
    return float(last[same].mean())


def _judged(
    found: Mapping[tuple[str, str, str], Floats], name: str, design: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for estimator in ESTIMATORS:
        errors = found[name, design, estimator]
        metrics[estimator] = {
            "rmse": _rmse(errors),
            "bias": float(errors.mean()),
            "rmse_same_rows": _rmse(found[name, design, f"{estimator}_same_rows"]),
        }
        intervals[estimator] = {"rmse": _bootstrap([errors])[0]}
    return metrics, intervals


def _rmse(errors: Floats) -> float:
    return float(np.sqrt((errors**2).mean()))


def _bootstrap(errors: Sequence[Floats]) -> list[tuple[float, float]]:
    """95 % intervals of the first RMSE and, given two, of its ratio to the second, over the same trials."""
    drawn = np.random.default_rng(0).integers(len(errors[0]), size=(DRAWS, len(errors[0])))
    roots = [np.sqrt((one[drawn] ** 2).mean(axis=1)) for one in errors]
    series = [roots[0]] + ([roots[0] / roots[1]] if len(roots) > 1 else [])
    return [(float(np.quantile(one, 0.025)), float(np.quantile(one, 0.975))) for one in series]
