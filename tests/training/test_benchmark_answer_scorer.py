"""The confidence scorer on its own, on simulated answers: wrong ones reckon wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from router.errors import InputError
from router.estimators import pack
from router.trees import Blend
from router.types import Completion, Request, Usage, as_messages
from tests.kit import ladder
from training.benchmarks.answer_scorer import fit_scorer
from training.fit import fit
from training.metrics import auroc
from training.records import Outcome, Query, Records
from training.rungs import RUNGS

RUNG = {rung.name: rung for rung in RUNGS}


def queries(n, *, seed=0):
    """Sums that the weak tier gets wrong for every third prompt, and the strong one always right, but for a few."""
    rng = np.random.default_rng(seed)
    return [query(int(a), int(b), wrong=place % 3 == 0, strong=place % 10 > 0) for place, (a, b) in enumerate(
        rng.integers(2, 90, (n, 2))
    )]  # fmt: skip


def query(a, b, *, wrong, strong):
    request = Request(messages=as_messages(f"There are {a} red and {b} green apples. How many apples are there?"))
    usage = Usage(input_tokens=20, output_tokens=10)
    texts = (f"{a} + {b} = {a + b + 3 * wrong} apples", f"{a + b}")
    outcomes = tuple(
        Outcome(Completion(text=text, usage=usage, stop="end"), quality=float(right))
        for text, right in zip(texts, (not wrong, strong), strict=True)
    )
    return Query(
        id=f"{a}+{b}", request=request, outcomes=outcomes, split="train", split_key=request.prompt_hash, task="sums"
    )


def scored(scorer, asked):
    return scorer.score([one.request for one in asked], [one.outcomes[scorer.rank].completion for one in asked])


@pytest.fixture(scope="module")
def scorer():
    return fit_scorer(queries(150), RUNG["answer"])


def test_the_answer_tells_what_the_prompt_cannot(scorer):
    """Every chance is calibrated, and one that is not yet ranks as well."""
    asked = queries(90, seed=1)
    right = np.array([one.qualities[0] for one in asked])

    found = scored(scorer, asked)

    assert found.chances.shape == found.raw.shape == found.prompt.shape == (90, 2)
    assert auroc(found.chances[:, 0], right) > 0.95
    assert auroc(found.raw[:, 0], right) > 0.95
    assert auroc(found.prompt[:, 0], right) < 0.8
    assert found.chances[:, 0].mean() == pytest.approx(right.mean(), abs=0.1)


def test_the_scorer_is_that_of_a_bundle():
    """After the cheap answer it says, to the last bit, what the bundle of :func:`training.fit.fit` does."""
    tiers = ladder("small", "large")
    fitted = fit(Records(tiers=tiers.names, queries=tuple(queries(150))), tiers, rungs=["prompt"]).bundle.estimators

    model, calibration = fitted.scorer[0b01]
    scorer = fit_scorer(queries(150), RUNG["prompt"])

    assert told(fitted.prompt, fitted.calibration, model, calibration) == told(
        scorer.prompts.model, scorer.prompt_calibration, scorer.model, scorer.calibration
    )


def test_a_forest_is_fitted_as_such():
    """Trees stand beside the logistic heads, and their chances need no other map."""
    found = fit_scorer(queries(150), RUNG["forest"])
    asked = queries(90, seed=1)
    scores = scored(found, asked)

    assert isinstance(found.model, Blend)
    assert len(found.model.trees.roots) > 0
    assert (found.model.linear.weights != 0).any()
    assert scores.chances == pytest.approx(scores.raw, abs=1e-12)
    assert auroc(scores.raw[:, 0], np.array([one.qualities[0] for one in asked])) > 0.9


def told(*estimators):
    return [{name: array.tolist() for name, array in pack(each, "").items()} for each in estimators]


def test_it_does_not_matter_what_else_is_scored(scorer):
    """An answer's score is its own."""
    asked = queries(4, seed=2)

    together = scored(scorer, asked)
    alone = scored(scorer, asked[2:3])

    assert alone.chances.tolist() == together.chances[2:3].tolist()


def test_a_rung_that_reads_no_words_and_a_missing_answer_are_refused():
    """Both would be fitted on something else than was asked for."""
    some = queries(30)
    lacking = [
        Query(id="x", request=some[0].request, outcomes=(None, some[0].outcomes[1]), split="train", split_key="x")
    ]

    with pytest.raises(InputError, match="the rung 'confidence' reads no prompt"):
        fit_scorer(some, RUNG["confidence"])
    with pytest.raises(InputError, match="1 queries lack the answer of tier 0, 'x' among them"):
        fit_scorer(some + lacking, RUNG["answer"])
