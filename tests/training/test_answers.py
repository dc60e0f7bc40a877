"""The scorer's input in training is the scorer's input at run time. The logs are simulated."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from router.assess import Answer, scorer_row
from router.features import HAND, prompt_features
from router.signals import NAMES, answer_signals
from tests.training.simulated_tiers import logs
from training.answers import columns, read_answers
from training.rungs import RUNGS

COUNT = 3
RUNS = [run for size in (1, 2, 3) for run in combinations(range(COUNT), size)]


@pytest.fixture(scope="module")
def queries():
    return logs(30, count=COUNT).queries


@pytest.mark.parametrize("run", RUNS)
def test_rows_are_laid_out_as_at_run_time(queries, run):
    """Bit for bit, for every set of tiers, in whatever order they answered."""
    logits = np.random.default_rng(0).normal(size=(len(queries), COUNT))

    rows = read_answers(queries).rows(logits, run)

    for row, query in enumerate(queries):
        answers = [
            Answer(rank, answer_signals(query.request, outcome.completion), outcome.completion.text)
            for rank, outcome in enumerate(query.outcomes)
            if rank in run
        ]
        hand = prompt_features(query.request).hand
        for ordered in (answers, answers[::-1]):
            np.testing.assert_array_equal(scorer_row(logits[row], hand, ordered), rows[row])


@pytest.mark.parametrize("run", RUNS)
def test_every_column_has_a_name_and_a_place_on_every_rung(queries, run):
    """Names, the columns that a rung reads, and the rows are of one width."""
    width = read_answers(queries).rows(np.zeros((len(queries), COUNT)), run).shape[1]

    names = columns(("small", "middle", "large"), run)

    assert len(names) == len(set(names)) == width
    assert {len(rung.reads(COUNT, run)) for rung in RUNGS} == {width}


def test_a_tier_that_gave_no_answer_leaves_gaps(queries):
    """Its signals and its agreements are NaN, and the run is not counted as answered."""
    cut = [replace(queries[0], outcomes=(queries[0].outcomes[0], None, queries[0].outcomes[2])), *queries[1:]]

    found = read_answers(cut)

    assert np.isnan(found.signals[1][0]).all()
    assert np.isnan(found.agreements[0, 1][0]).all()
    assert np.isfinite(found.agreements[0, 2][0]).all()
    assert found.given[0].tolist() == [True, False, True]
    assert found.answered((0, 2))[0]
    assert not found.answered((0, 1))[0]
    assert found.answered((0, 1))[1:].all()


def test_the_lower_rungs_read_less():
    """The lowest knows nothing of the prompt, the second adds its words, the third all of an answer."""
    names = np.array(columns(("a", "b"), (0,)))
    read = {rung.name: set(names[rung.reads(2, (0,))].tolist()) for rung in RUNGS}

    assert read["confidence"] == {"a: logit_mean", "a: verified"}
    assert read["prompt"] == read["confidence"] | {"chance of a", "chance of b"}
    assert read["answer"] == set(names.tolist())
    assert len(names) == 2 + len(HAND) + len(NAMES)
