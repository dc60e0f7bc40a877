"""RouteLLM's GSM8K before any answer: cross-validated, and without a label of GSM8K."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from router.features import Floats
from training.benchmarks import other_tasks
from training.benchmarks.ex_ante import EMBEDDED, Job, features_of, folded, pooled, routed
from training.benchmarks.ex_ante_figures import Check, Parts, by_their_code, peer_scores, summary
from training.benchmarks.pair_sources import routellm
from training.benchmarks.pairs import Pairs, drawn
from training.benchmarks.peers import Absent
from training.benchmarks.proof import Proof, Target, proof
from training.benchmarks.result import Report
from training.benchmarks.routellm_published import COSTS, DEVELOPED, EX_ANTE, GSM8K, NO_REGRET, READINGS, reach

FOLDS = 10
SEEDS = range(5)
DRAWS = 300
BESIDE = "without_gsm8k"

QUICK_FOLDS = 3
QUICK_ROWS = 1000
QUICK_DRAWS = 30

PROTOCOL = (
    "RouteLLM's GSM8K, Mixtral 8x7B against GPT-4 Turbo, 12 contaminated prompts dropped: 1,307 questions. Only the "
    "prompt is read. Cross-validated: ten folds, 9/10 of the questions learned from, all 1,307 scores ranked together, "
    f"the folds dealt anew with 5 seeds. Without GSM8K ({BESIDE}): "
    + other_tasks.PROTOCOL
    + ", no GSM8K and no MGSM among them, nor a question that the test has; one fit. "
    + EMBEDDED
    + READINGS
)
QUICK = " Quick: 3 folds, 1 seed, 1,000 of the rows of other tasks."

_OURS = (
    "RouteLLM's routers saw Arena preferences, and GPT-4's judgements in place of them in their best row, and no GSM8K "
    "label. So the figures that compare are those without GSM8K; the cross-validated ones show what labels are worth."
)
_BLIND = (
    "Where it is trained without GSM8K, ours sees labels of benchmarks with right answers, of these two models and of "
    "others, and no preferences."
)
DIFFERS = (_OURS, _BLIND, DEVELOPED, COSTS, NO_REGRET, EX_ANTE)

TARGETS: dict[str, Target] = {**reach(apgr=0.655, cpt50=33, cpt80=56), **reach(within=BESIDE, apgr=0.55)}


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Cross-validate, then fit on other tasks; ``quick`` with fewer folds and rows.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    absent: Absent = "tell" if quick else "install"
    report("reading")
    pairs = routellm("gsm8k")
    others = other_tasks.other_tasks(pairs, leave=other_tasks.GSM8K)
    if quick:
        others = others.take(drawn(others, QUICK_ROWS, seed=0))
    pairs, others = features_of(pairs, report=report), features_of(others, report=report)
    return proved(
        pairs,
        others,
        peers=peer_scores(pairs, absent=absent, report=report),
        check=partial(by_their_code, absent=absent, report=report),
        report=report,
        quick=quick,
        started=started,
    )


def proved(
    pairs: Pairs,
    others: Pairs,
    *,
    peers: Mapping[str, Floats | str],
    check: Check | None,
    report: Report,
    quick: bool,
    started: float,
) -> Proof:
    """The outcome of cross-validation within ``pairs``, and of learning from ``others`` alone.

    ``peers`` are :func:`training.benchmarks.ex_ante_figures.peer_scores` of ``pairs``, ``check`` reads
    the first run of each once more.

    Raises:
        InputError: a row of ``others`` is one of ``pairs``.
    """
    seeds, folds = (SEEDS[:1], QUICK_FOLDS) if quick else (SEEDS, FOLDS)
    jobs = [job for seed in seeds for job in folded(pairs, folds=folds, seed=seed)]
    fits = routed(jobs, report=report, what=f"{folds} folds")
    crossed = [pooled(fits[place : place + folds]) for place in range(0, len(fits), folds)]
    alone = routed([Job(train=others, test=pairs)], report=report, what="without GSM8K")
    parts = Parts()
    for name, runs in (("", crossed), (BESIDE, alone)):
        parts.put(name, summary(runs, among=pairs, peers=peers, check=check, draws=QUICK_DRAWS if quick else DRAWS))
    return proof(
        "routellm-gsm8k",
        protocol=PROTOCOL + (QUICK if quick else ""),
        n_train={"cross_validated": crossed[0].n_train, BESIDE: len(others)},
        n_test=len(pairs),
        seeds=seeds,
        metrics=parts.metrics,
        intervals=parts.intervals,
        baselines=parts.baselines,
        published=GSM8K,
        targets=TARGETS,
        differs=DIFFERS,
        curves=parts.curves({"": "cross-validated", BESIDE: "without GSM8K"}),
        started=started,
        quick=quick,
    )
