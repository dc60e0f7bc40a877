"""RouteLLM's MT-Bench before any answer, without a label of MT-Bench: 72 questions, so with wide intervals."""

from __future__ import annotations

import time

from training.benchmarks import other_tasks
from training.benchmarks.ex_ante import EMBEDDED
from training.benchmarks.one_fit import one_fit
from training.benchmarks.pair_sources import routellm
from training.benchmarks.pairs import drawn
from training.benchmarks.proof import Proof
from training.benchmarks.result import Report
from training.benchmarks.routellm_published import COSTS, DEVELOPED, EX_ANTE, MT_BENCH, NO_REGRET, READINGS, reach

DRAWS = 2000

QUICK_ROWS = 1000
QUICK_DRAWS = 100

PROTOCOL = (
    "RouteLLM's MT-Bench, Mixtral 8x7B against GPT-4 Turbo, the 8 contaminated questions dropped: 72, routed by the "
    "first turn and worth the mean of both turns' judge scores (weak 8.28, strong 9.21 of 10). "
    + other_tasks.PROTOCOL
    + ", and all of RouteLLM's GSM8K. No MT-Bench label is seen; there is one fit. "
    + EMBEDDED
    + READINGS
)
QUICK = " Quick: 1,000 of the rows learned from."

_LABELS = (
    "RouteLLM's routers saw Chatbot Arena, whose prompts are like MT-Bench's, and in their better rows a judge's "
    "preferences, where MT-Bench is judged by GPT-4 too; ours sees tasks with right answers, no open question and no "
    "judge's score."
)
_TINY = "72 questions: chance alone moves APGR by about 0.1, as the interval says."
DIFFERS = (_LABELS, _TINY, DEVELOPED, COSTS, NO_REGRET, EX_ANTE)


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Fit once on all else, and score; ``quick`` on fewer rows.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    report("reading")
    test = routellm("mt_bench")
    train = other_tasks.other_tasks(test, routellms=("mmlu", "gsm8k"))
    if quick:
        train = train.take(drawn(train, QUICK_ROWS, seed=0))
    return one_fit(
        "routellm-mtbench",
        train=train,
        test=test,
        what="everything else",
        protocol=PROTOCOL + (QUICK if quick else ""),
        published=MT_BENCH,
        targets=reach(apgr=0.65),
        differs=DIFFERS,
        draws=QUICK_DRAWS if quick else DRAWS,
        report=report,
        quick=quick,
        started=started,
    )
