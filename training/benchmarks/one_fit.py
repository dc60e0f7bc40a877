"""A benchmark before any answer that fits once, on labels of other questions, and judges on all of a set's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from training.benchmarks.ex_ante import Job, features_of, routed
from training.benchmarks.ex_ante_figures import by_their_code, peer_scores, summary
from training.benchmarks.pairs import Pairs
from training.benchmarks.peers import Absent
from training.benchmarks.proof import Proof, Target, proof
from training.benchmarks.result import Report


def one_fit(
    name: str,
    *,
    train: Pairs,
    test: Pairs,
    what: str,
    protocol: str,
    published: Mapping[str, Mapping[str, Any]],
    targets: Mapping[str, Target],
    differs: Sequence[str],
    draws: int,
    report: Report,
    quick: bool,
    started: float,
) -> Proof:
    """The outcome of the benchmark ``name``: ``what`` is learned from, in a word or two, and ``started`` when it began.

    A ``quick`` run installs no peer; the peers that are not here are told of.

    Raises:
        InputError: a row to learn from is also judged.
    """
    absent: Absent = "tell" if quick else "install"
    train, test = features_of(train, report=report), features_of(test, report=report)
    found = summary(
        routed([Job(train=train, test=test)], report=report, what=what),
        among=test,
        peers=peer_scores(test, absent=absent, report=report),
        check=partial(by_their_code, absent=absent, report=report),
        draws=draws,
    )
    return proof(
        name,
        protocol=protocol,
        n_train=len(train),
        n_test=len(test),
        seeds=(0,),
        metrics=found.metrics,
        intervals=found.intervals,
        baselines=found.baselines,
        published=published,
        targets=targets,
        differs=differs,
        curves={"tierwise": found.curve},
        started=started,
        quick=quick,
    )
