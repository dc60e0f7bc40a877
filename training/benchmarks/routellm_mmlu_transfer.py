"""RouteLLM's MMLU with labels of other models on other questions only: the nearest to RouteLLM's own protocol."""

from __future__ import annotations

import time

from training.benchmarks import pair_sources
from training.benchmarks.ex_ante import EMBEDDED
from training.benchmarks.one_fit import one_fit
from training.benchmarks.pair_sources import plain
from training.benchmarks.pairs import Pairs, drawn, without
from training.benchmarks.proof import Proof
from training.benchmarks.result import Report
from training.benchmarks.routellm_published import COSTS, DEVELOPED, EX_ANTE, MMLU, NO_REGRET, READINGS, reach

WEAK = ("llama3.1-8b", "gpt-4o-mini")
STRONG = ("llama3.1-70b", "gpt-4o", "qwen2.5-72b-instruct", "llama3.1-405b")
DRAWS = 1000

QUICK_ROWS = 2000
QUICK_DRAWS = 30

PROTOCOL = (
    "Learned from the 1,816 questions of MMLU's validation and dev sets that Zellinger and Thomson asked, less the 141 "
    "that RouteLLM's MMLU has too: 45 in the same words up to the choices, and those with half their runs of 13 words "
    "in common with it, most of them on the same passage. Scored on all its 14,037 questions, Mixtral 8x7B against "
    "GPT-4 Turbo, of neither of which a label is seen. The weak tier's label is the mean of Llama 3.1 8B's and GPT-4o "
    "mini's, right on 63 and 75 % of the questions learned from, where Mixtral is published at 68 %; the strong tier's "
    "that of Llama 3.1 70B, GPT-4o, Qwen 2.5 72B and Llama 3.1 405B (81 to 85 %; GPT-4 Turbo: 81 %). On both sides the "
    'instruction that every prompt carries is cut off and choices are written "A. ...". No seed: there is one fit. '
    + EMBEDDED
    + READINGS
)
QUICK = " Quick: 600 of the questions to learn from, 2,000 to score."

DIFFERS = (
    (
        "RouteLLM's routers saw Arena preferences and, of some 1,500 MMLU validation questions, which model was right; "
        "ours sees which of six other models were right, and no preferences."
    ),
    (
        "That means of several models transfer better than one model's labels was found by cross-validation within the "
        "rows learned from, over pairs of those models, each with labels of none of the two."
    ),
    DEVELOPED,
    COSTS + " There are no answers, so each counts as one token, and the cost is the prompt's.",
    NO_REGRET,
    EX_ANTE,
)


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Fit once and score; ``quick`` on fewer questions.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    report("reading")
    test = plain(pair_sources.routellm("mmlu"))
    train = labelled(test)
    if quick:
        train, test = train.take(drawn(train, 600, seed=0)), test.take(drawn(test, QUICK_ROWS, seed=0))
    return one_fit(
        "routellm-mmlu-transfer",
        train=train,
        test=test,
        what="transfer",
        protocol=PROTOCOL + (QUICK if quick else ""),
        published=MMLU,
        targets=reach(apgr=0.61),
        differs=DIFFERS,
        draws=QUICK_DRAWS if quick else DRAWS,
        report=report,
        quick=quick,
        started=started,
    )


def labelled(test: Pairs) -> Pairs:
    """The rows to learn from: no question of ``test``."""
    return without(pair_sources.zellinger("mmlu", weak=WEAK, strong=STRONG), test)
