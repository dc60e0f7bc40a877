"""RouteLLM's MMLU before any answer: by the number of labels, and on subjects without a label."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from router.features import Floats
from training.benchmarks import pair_sources
from training.benchmarks.ex_ante import EMBEDDED, Job, features_of, routed
from training.benchmarks.ex_ante_figures import Check, Parts, by_their_code, peer_scores, summary
from training.benchmarks.pairs import Pairs, drawn, without
from training.benchmarks.peers import Absent
from training.benchmarks.proof import Proof, Target, proof
from training.benchmarks.result import Report
from training.benchmarks.routellm_published import COSTS, DEVELOPED, EX_ANTE, MMLU, READINGS, reach

FEW, LABELS, MANY = 400, 1404, 9400
SEEDS: Mapping[int, Sequence[int]] = {FEW: range(5), LABELS: range(20), MANY: range(5)}
GROUPS = 6
DRAWS = 300

QUICK_ROWS = 2500
QUICK_DRAWS = 30

PROTOCOL = (
    "RouteLLM's MMLU, Mixtral 8x7B against GPT-4 Turbo, the 5 contaminated prompts dropped: 14,037 of 57 subjects. At "
    "random so many questions are drawn and learned from, twins together, and all others scored: 1,404 (10 %) with 20 "
    "seeds, 400 and 9,400 with 5. Unseen subjects: the 57 are dealt at random into 6 groups, and for each group 1,404 "
    "(and 9,400) rows of the other groups are learned from, questions that the group has too left out. Prompts are "
    "ranked by the calibrated chance that the strong tier is right less the chance that the weak one is. "
    + EMBEDDED
    + READINGS
)
QUICK = " Quick: 2,500 of the questions, 2 seeds of 400 labels, 1 of 1,404, 1 group of unseen subjects."

DIFFERS = (
    "RouteLLM's routers saw Arena preferences and MMLU validation questions; ours sees labels of this set's questions.",
    "With random draws most subjects have labelled rows, and to know the subject is a part of the gain.",
    (
        "Of the 1,404 training rows of a draw some 80 have a near-twin among the judged (76 to 86 with seeds 0 to 2: "
        "the same stem, or half of the runs of 13 words of either); random draws keep them, as the published split "
        "does not control for such either."
    ),
    DEVELOPED,
    COSTS + " There are no answers, so each counts as one token, and the cost is the prompt's.",
    EX_ANTE,
)

TARGETS: Mapping[str, Target] = {
    **reach(apgr=0.65, cpt50=30, cpt80=64),
    **reach(within="at_400", apgr=0.63),
    **reach(within="at_9400", apgr=0.70),
    **reach(within="unseen", apgr=0.60),
}


def run(*, report: Report = lambda _: None, quick: bool = False) -> Proof:
    """Draw, fit and score; ``quick`` on fewer questions, seeds and groups.

    Raises:
        InputError: the public data is not there.
    """
    started = time.perf_counter()
    absent: Absent = "tell" if quick else "install"
    report("reading")
    pairs = pair_sources.routellm("mmlu")
    if quick:
        pairs = pairs.take(drawn(pairs, QUICK_ROWS, seed=0))
    pairs = features_of(pairs, report=report)
    if quick:
        jobs = {
            "": random(pairs, LABELS, seeds=range(1)),
            "at_400": random(pairs, FEW, seeds=range(2)),
            "unseen": unseen(pairs, LABELS)[:1],
        }
    else:
        jobs = {
            "": random(pairs, LABELS, seeds=SEEDS[LABELS]),
            "at_400": random(pairs, FEW, seeds=SEEDS[FEW]),
            "at_9400": random(pairs, MANY, seeds=SEEDS[MANY]),
            "unseen": unseen(pairs, LABELS),
            "unseen_9400": unseen(pairs, MANY),
        }
    return proved(
        pairs,
        jobs,
        peers=peer_scores(pairs, absent=absent, report=report),
        check=partial(by_their_code, absent=absent, report=report),
        report=report,
        quick=quick,
        started=started,
    )


def proved(
    pairs: Pairs,
    jobs: Mapping[str, Sequence[Job]],
    *,
    peers: Mapping[str, Floats | str],
    check: Check | None,
    report: Report,
    quick: bool,
    started: float,
) -> Proof:
    """The outcome of ``jobs``, each judged on rows of ``pairs``, by the names of their figures; "" are the main ones.

    ``peers`` are :func:`training.benchmarks.ex_ante_figures.peer_scores` of ``pairs``, ``check`` reads
    the first run of each once more.

    Raises:
        InputError: a row to learn from is also judged.
    """
    parts = Parts()
    for name, each in jobs.items():
        runs = routed(each, report=report, what=name or f"{LABELS:,} labels")
        parts.put(name, summary(runs, among=pairs, peers=peers, check=check, draws=QUICK_DRAWS if quick else DRAWS))
    return proof(
        "routellm-mmlu",
        protocol=PROTOCOL + (QUICK if quick else ""),
        n_train={name or f"at_{LABELS}": len(each[0].train) for name, each in jobs.items()},
        n_test=len(jobs[""][0].test),
        seeds=range(len(jobs[""])),
        metrics=parts.metrics,
        intervals=parts.intervals,
        baselines=parts.baselines,
        published=MMLU,
        targets={name: target for name, target in TARGETS.items() if "." not in name or name.split(".")[0] in jobs},
        differs=DIFFERS,
        curves=parts.curves({"": "1,404 labels", "at_400": "400", "at_9400": "9,400", "unseen": "unseen subjects"}),
        started=started,
        quick=quick,
    )


def random(pairs: Pairs, labels: int, *, seeds: Sequence[int]) -> list[Job]:
    """For each seed so many rows to learn from, and all others to judge on."""
    found = []
    for seed in seeds:
        chosen = drawn(pairs, labels, seed=seed)
        found.append(Job(train=pairs.take(chosen), test=pairs.take(~chosen)))
    return found


def unseen(pairs: Pairs, labels: int, *, groups: int = GROUPS, seed: int = 0) -> list[Job]:
    """For each group of subjects its rows to judge on, and of all other rows at most so many to learn from."""
    subjects = sorted(set(pairs.groups))
    dealt = dict(zip(np.random.default_rng(seed).permutation(subjects).tolist(), range(len(subjects)), strict=True))
    group = np.array([dealt[subject] % groups for subject in pairs.groups])
    found = []
    for number in range(groups):
        test = pairs.take(group == number)
        others = without(pairs.take(group != number), test)
        train = others.take(drawn(others, labels, seed=number)) if labels < len(others) else others
        found.append(Job(train=train, test=test))
    return found
