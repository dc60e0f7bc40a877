"""How long a decision takes with what ships, before any answer and after one, against the same through scikit-learn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from router.assess import Assessor, Evidence, Trained
from router.bundle import PolicyBundle
from router.config import Config, load
from router.embed import Embedder, readable
from router.embedders.naming import embedder_named
from router.engine import Router
from router.errors import InputError
from router.providers.fake import FakeProvider
from router.types import Completion, Request, as_messages
from training.benchmarks.proof import Proof, Target, proof
from training.benchmarks.result import Report
from training.benchmarks.sized import sized_answers, sized_prompts
from training.benchmarks.sklearn_serving import AnswerServer, PromptServer
from training.benchmarks.turns import Times, quantile_bounds, ratio_bounds, timed_in_turns
from training.fit import fit
from training.records import Records, read

SAMPLE = Path(__file__).parents[2] / "data" / "sample.parquet"
SEED = 7
QUICK_TRAIN = 300
PROMPTS = (40, 400)
ANSWERS = (100, 400)
ASKED = 40
"""Tokens of the prompts that the answers are to."""
FACTOR = 8.0
"""How many times as long as a decision its estimators are to take through scikit-learn."""
EMBEDDER = "wordllama"
EMBEDDED = f"decide_{PROMPTS[0]}_embedded"
GAP = 1e-6
FIRST = 0

PROTOCOL = (
    "The default bundle, on one thread. decide_40 and decide_400: microseconds of Router.decide for {n} prompts of "
    "about 40 and 400 tokens, prompts of the sample's test split, the long ones several joined. score_100 and "
    "score_400: microseconds of the confidence scorer for answers of the cheapest tier to prompts of 40 tokens, of "
    "exactly 100 and 400 tokens, put together of the sample's, with log-probabilities (the five likeliest at each "
    "place too) and from the text alone. scikit_learn: our features, then scikit-learn's objects with the bundle's "
    "numbers, one request at a time; they do less, since a decision also reckons costs, applies the rule and writes "
    "its reasons down; estimators_only is our part of what they do. Before anything is timed both give the same "
    "probabilities to 1e-6. All take turns, a pass each, {rounds} rounds. p50 and p95 are over all calls, by the clock "
    "on the wall; with cpu_ before them, by the processor time of the thread, which is what a call takes where nothing "
    "else runs. ratio and ratio_p95: scikit-learn's p50 and p95 divided by ours. Intervals: 95 %, bootstrap over "
    "rounds. decide_40_embedded, where WordLlama is installed: the same as decide_40 with a bundle that is fitted on "
    "{embedded} prompts of the sample's training split with it; the default configuration has no embedder, and this is "
    "what one adds. The machine's load at the start was {load:.1f}."
)

Kind = Literal["logprobs", "text"]


@dataclass(frozen=True, slots=True)
class Case:
    """What is timed: the ways of doing it by name, "ours" and "scikit_learn" at least, and what each is given."""

    calls: Mapping[str, Callable[[Any], Any]]
    items: Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A ``bundle`` that reads the embeddings of the named ``embedder``, and how many prompts it was fitted on."""

    bundle: PolicyBundle
    embedder: str
    prompts: int


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Time decisions and scores with the default bundle.

    Raises:
        InputError: the sample is not there, as in a package that was installed without the checkout.
        BundleError: the default bundle cannot be read.
    """
    if not SAMPLE.is_file():
        raise InputError(f"{SAMPLE}: the sample is not there; run this in a checkout of the repository")
    started = time.perf_counter()
    config = load("preset:local")
    records = read(SAMPLE, config.tiers)
    train = records.split("train")
    if quick:
        train = replace(train, queries=train.queries[:QUICK_TRAIN])
    report(f"fitting a bundle with {EMBEDDER}")
    return measure(
        config, records.split("test"), embedded=_embedded(config, train), report=report, quick=quick, started=started
    )


def measure(
    config: Config,
    records: Records,
    *,
    bundle: PolicyBundle | None = None,
    embedded: Embedded | None = None,
    report: Report = lambda _: None,
    quick: bool = False,
    started: float | None = None,
) -> Proof:
    """Time decisions and scores with ``bundle``, the one that ``config`` names where it is None, on ``records``.

    Decisions are timed with ``embedded`` too, where there is one.

    Raises:
        InputError: the bundle's estimators have no scikit-learn form, or it gives other probabilities.
    """
    started = time.perf_counter() if started is None else started
    load_before = os.getloadavg()[0]
    n, rounds = (8, 3) if quick else (64, 60)
    silent = Config.of(config.tiers.tiers, policy=config.policy, ledger={"enabled": False})
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    baselines: dict[str, dict[str, Any]] = {"scikit_learn": {}, "estimators_only": {}}
    with threadpool_limits(1), ExitStack() as held:
        router = held.enter_context(Router.from_config(silent, provider=FakeProvider({}), bundle=bundle))
        cases = _cases(router, records, n=n)
        if embedded is not None:
            reads = replace(silent, policy=replace(silent.policy, embedder=embedded.embedder))
            reading = Router.from_config(reads, provider=FakeProvider({}), bundle=embedded.bundle)
            cases[EMBEDDED] = _decisions(held.enter_context(reading), records, PROMPTS[0], n=n)
        for name, case in cases.items():
            report(f"{name}: {rounds} rounds over {n} in turns")
            times = timed_in_turns(case.calls, case.items, rounds=rounds)
            ours, peer = times["ours"], times["scikit_learn"]
            metrics[name], intervals[name] = _figures(ours), {}
            for clock, kind in (("", "wall"), ("cpu_", "cpu")):
                mine, its = getattr(ours, kind), getattr(peer, kind)
                for suffix, share in (("", 0.5), ("_p95", 0.95)):
                    ratio, quantile = f"{clock}ratio{suffix}", f"{clock}{suffix.strip('_') or 'p50'}"
                    metrics[name][ratio] = float(np.quantile(its, share) / np.quantile(mine, share))
                    intervals[name][quantile] = quantile_bounds(mine, share, seed=SEED)
                    intervals[name][ratio] = ratio_bounds(mine, its, share, seed=SEED)
            for other, found in times.items():
                if other != "ours":
                    baselines[other][name] = _figures(found)
    targets: dict[str, Target] = {f"decide_{size}.cpu_ratio": {"reach": FACTOR, "better": "higher"} for size in PROMPTS}
    return proof(
        "latency",
        protocol=PROTOCOL.format(
            n=n, rounds=rounds, load=load_before, embedded="no" if embedded is None else f"{embedded.prompts:,}"
        ),
        n_train=0,
        n_test=n * len(cases),
        seeds=(SEED,),
        metrics=metrics,
        intervals=intervals,
        baselines=baselines,
        targets=targets,
        started=started,
        quick=quick,
    )


def _embedded(config: Config, train: Records) -> Embedded | None:
    """A bundle that reads embeddings, where the optional embedder is installed."""
    try:
        embedder = embedder_named(EMBEDDER)
    except InputError:
        return None
    bundle = fit(train, config.tiers, rungs=("prompt",), embedder=embedder).bundle
    return Embedded(bundle=bundle, embedder=EMBEDDER, prompts=len(train))


def _assessor(router: Router) -> Trained:
    if not isinstance(router.plan.assessor, Trained):
        raise InputError("no bundle was trained for these tiers, so there is nothing to time")
    return router.plan.assessor


def _decisions(router: Router, records: Records, size: int, *, n: int) -> Case:
    assessor, embedder = _assessor(router), router.plan.embedder
    begin = _beginning(assessor, embedder)
    before = PromptServer(assessor.estimators, embedder=embedder)
    requests = _requests(records, size, n)
    for request in requests:
        _same(begin(request).quality, before(request))
    calls: dict[str, Callable[[Any], Any]] = {
        "ours": lambda request: router.decide(request.text),
        "scikit_learn": before,
        "estimators_only": begin,
    }
    return Case(calls, requests)


def _cases(router: Router, records: Records, *, n: int) -> dict[str, Case]:
    plan, assessor = router.plan, _assessor(router)
    begin = _beginning(assessor, plan.embedder)
    after = AnswerServer(assessor.estimators, mask=1 << FIRST)
    cases = {f"decide_{size}": _decisions(router, records, size, n=n) for size in PROMPTS}
    asked = [begin(request) for request in _requests(records, ASKED, n)]
    observe = assessor.observe
    for size in ANSWERS:
        whole = sized_answers(records, rank=FIRST, tokens=size, n=n, seed=SEED)
        kinds: dict[Kind, list[Completion]] = {
            "logprobs": whole,
            "text": [replace(answer, logprobs=None) for answer in whole],
        }
        for kind, answers in kinds.items():
            pairs = list(zip(asked, answers, strict=True))
            for evidence, answer in pairs:
                _same(observe(evidence, FIRST, answer).quality, after(evidence, FIRST, answer))
            calls: dict[str, Callable[[Any], Any]] = {
                "ours": lambda pair: observe(pair[0], FIRST, pair[1]),
                "scikit_learn": lambda pair: after(pair[0], FIRST, pair[1]),
            }
            cases[f"score_{size}_{kind}"] = Case(calls, pairs)
    return cases


def _requests(records: Records, size: int, n: int) -> list[Request]:
    return [Request(messages=as_messages(text)) for text in sized_prompts(records, tokens=size, n=n, seed=SEED)]


def _beginning(assessor: Assessor, embedder: Embedder | None) -> Callable[[Request], Evidence]:
    """What the prompt alone says, embedded first where the classifier reads that."""
    if embedder is None:
        return assessor.begin
    return lambda request: assessor.begin(request, embedding=embedder((readable(request),))[0])


def _same(ours: Sequence[float], theirs: Sequence[float]) -> None:
    gap = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    if not gap <= GAP:
        raise InputError(
            f"scikit-learn's probabilities differ from ours by {gap}: that would time two different things"
        )


def _figures(times: Times) -> dict[str, float]:
    found = {}
    for clock, values in (("", times.wall), ("cpu_", times.cpu)):
        found[f"{clock}p50"], found[f"{clock}p95"] = np.quantile(values, (0.5, 0.95)).tolist()
    return found
