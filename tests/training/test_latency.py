"""The latency benchmark: both sides say the same, what is timed has the length that is promised, turns are turns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from router import Config
from router.assess import Trained, scorer_row
from router.embedders.naming import embedder_named
from router.errors import InputError
from router.estimators import EmbeddingModel
from router.policy import Thresholds
from router.types import Completion, Request, as_messages
from tests.training.simulated import TIERS, random_prompts, records
from training.benchmarks.latency import EMBEDDED, PROTOCOL, Embedded, measure
from training.benchmarks.sized import sized_answers, sized_prompts
from training.benchmarks.sklearn_serving import AnswerServer, PromptServer
from training.benchmarks.turns import quantile_bounds, ratio_bounds, timed_in_turns
from training.fit import fit
from training.scorer_fit import fit_blend


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the benchmark does: boosted trees of scikit-learn's wait for threads, which costs much on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def logged():
    return records(400)


@pytest.fixture(scope="module")
def bundle(logged):
    return fit(logged, TIERS, rungs=["answer"]).bundle


@pytest.fixture(scope="module")
def blended(bundle, logged):
    """The bundle's estimators with boosted trees beside the first answer's linear heads, a half without numbers."""
    assessor, rows, quality = Trained(TIERS, bundle.estimators), [], []
    for number, query in enumerate(logged.queries):
        first = query.outcomes[0].completion if number % 2 else replace(query.outcomes[0].completion, logprobs=None)
        evidence = assessor.observe(assessor.begin(query.request), 0, first)
        rows.append(scorer_row(evidence.logits, evidence.features.hand, evidence.answers))
        quality.append(query.qualities)
    labels = np.array(quality, float)
    fold = np.arange(len(labels)) % 5
    blend, _ = fit_blend(np.array(rows), {}, quality=labels, weights=np.ones_like(labels), fold=fold)
    assert np.ptp(blend.trees.value) > 0  # else there would be nothing to compare
    return replace(bundle.estimators, scorer={**bundle.estimators.scorer, 1: (blend, bundle.estimators.scorer[1][1])})


def test_scikit_learns_objects_say_what_the_bundle_says_of_a_prompt(bundle):
    """The vectorizer, the scaler, the heads and the calibration are the bundle's, to rounding."""
    assessor, server = Trained(TIERS, bundle.estimators), PromptServer(bundle.estimators)

    gaps = [np.subtract(assessor.begin(prompt).quality, server(prompt)) for prompt in random_prompts(50)]

    assert np.abs(gaps).max() < 1e-9


def test_scikit_learns_objects_read_the_prompts_embedding_too(bundle):
    """Where the classifier does; without an embedder such a bundle is refused, and so is one for nothing."""
    rng = np.random.default_rng(0)
    dense = EmbeddingModel(
        rng.normal(size=(4, 3)),
        np.ones(1),
        rng.normal(size=(4, 2)) / 4,
        rng.normal(size=2),
        directions=rng.normal(size=(3, 2)),
        middle=np.zeros(2),
    )
    estimators = replace(bundle.estimators, dense=dense)
    assessor, request = Trained(TIERS, estimators), random_prompts(1)[0]
    vector = rng.normal(size=3)

    said = PromptServer(estimators, embedder=lambda _: vector[None])(request)

    assert said == pytest.approx(assessor.begin(request, embedding=vector).quality, abs=1e-9)
    with pytest.raises(InputError, match="give an embedder where"):
        PromptServer(estimators)
    with pytest.raises(InputError, match="give an embedder where"):
        PromptServer(bundle.estimators, embedder=lambda _: vector[None])


@pytest.mark.parametrize("logprobs", ["kept", "dropped"])
@pytest.mark.parametrize("scorer", ["linear", "trees"])
def test_scikit_learns_objects_say_what_the_bundle_says_of_answers(bundle, blended, logged, scorer, logprobs):
    """Linear heads and boosted trees, after one answer and after two, also where numbers are missing."""
    estimators = blended if scorer == "trees" else bundle.estimators
    assessor = Trained(TIERS, estimators)
    servers = {mask: AnswerServer(estimators, mask=mask) for mask in (1, 3)}
    gaps = []

    for query in logged.split("test").queries[:40]:
        evidence = assessor.begin(query.request)
        for rank, outcome in enumerate(query.outcomes):
            answer = outcome.completion if logprobs == "kept" else replace(outcome.completion, logprobs=None)
            said = servers[1 if rank == 0 else 3](evidence, rank, answer)
            evidence = assessor.observe(evidence, rank, answer)
            gaps.append(np.subtract(evidence.quality, said))

    assert np.abs(gaps).max() < 1e-9


def test_a_bundle_that_scores_no_such_answers_is_refused(bundle):
    """One sentence, and nothing is timed."""
    with pytest.raises(InputError, match="no scorer for the set of answers 4"):
        AnswerServer(bundle.estimators, mask=4)


@pytest.fixture(scope="module")
def timed(bundle, logged):
    """A quick run, with a bundle and an embedder of its own beside."""
    own = fit(logged, TIERS, rungs=["prompt"], embedder=embedder_named("hashing")).bundle
    return measure(
        Config.of(TIERS.tiers, ledger={"enabled": False}),
        logged.split("test"),
        bundle=bundle.with_rule(Thresholds(start=(0.6, 0.0), accept=(0.6, 0.0))),
        embedded=Embedded(bundle=own, embedder="hashing", prompts=400),
        quick=True,
    )


def test_it_times_every_case_and_says_what_it_did(timed):
    """Positive times, a ratio a case, its bounds around it, and the same names in the baselines."""
    found = timed.as_dict()

    cases = ["decide_40", "decide_400", *(f"score_{n}_{kind}" for n in (100, 400) for kind in ("logprobs", "text"))]
    cases.append(EMBEDDED)
    assert list(found["metrics"]) == cases
    assert list(found["baselines"]["scikit_learn"]) == cases
    assert list(found["baselines"]["estimators_only"]) == [*cases[:2], EMBEDDED]
    for name in cases:
        figures, bounds = found["metrics"][name], found["intervals"][name]
        assert 0 < figures["p50"] <= figures["p95"]
        assert set(bounds) == set(figures)
        assert bounds["cpu_ratio"]["low"] <= figures["cpu_ratio"] <= bounds["cpu_ratio"]["high"]
    assert found["quick"]
    assert found["protocol"].startswith(PROTOCOL[:40])


def test_a_decision_that_reads_an_embedding_is_timed_beside(timed):
    """With a bundle and an embedder of its own; scikit-learn's objects embed too."""
    assert "fitted on 400 prompts" in timed.protocol


def test_prompts_have_the_wanted_length(logged):
    """Single ones where there are enough, else joined ones: each give or take what one prompt adds."""
    sizes = {query.request.text: query.outcomes[0].completion.usage.prompt_tokens for query in logged.queries}

    short = sized_prompts(logged, tokens=8, n=5, seed=0)
    long = sized_prompts(logged, tokens=100, n=5, seed=0)

    assert all(6.4 <= sizes[text] <= 9.6 for text in short)
    assert all(95 <= sum(sizes[part] for part in text.split("\n\n")) <= 95 + max(sizes.values()) for text in long)
    assert sized_prompts(logged, tokens=100, n=5, seed=0) == long


def test_answers_have_exactly_the_wanted_length(logged):
    """As many tokens as log-probabilities, and the text is the tokens'."""
    answers = sized_answers(logged, rank=0, tokens=100, n=3, seed=0)

    for answer in answers:
        assert answer.logprobs is not None
        assert len(answer.logprobs.tokens) == len(answer.logprobs.values) == 100
        assert answer.text == "".join(answer.logprobs.tokens)


def test_without_log_probabilities_there_is_no_answer_to_make(logged):
    """The tier is named."""
    bare = replace(
        logged,
        queries=tuple(
            replace(
                query,
                outcomes=tuple(
                    replace(outcome, completion=Completion(text="x", usage=None, stop="end"))
                    for outcome in query.outcomes
                ),
            )
            for query in logged.queries
        ),
    )

    with pytest.raises(InputError, match="'small' has no answers with log-probabilities"):
        sized_answers(bare, rank=0, tokens=100, n=1, seed=0)
    with pytest.raises(InputError, match="log the usage"):
        sized_prompts(bare, tokens=100, n=1, seed=0)


def test_calls_take_turns_a_pass_each():
    """So that a machine that grows slow grows slow for all."""
    seen = []
    calls = {name: lambda item, name=name: seen.append(f"{name}{item}") for name in "ab"}

    times = timed_in_turns(calls, [1, 2], rounds=2)

    assert seen == ["a1", "a2", "b1", "b2"] * 3  # the first of each is not counted
    assert times["a"].wall.shape == times["a"].cpu.shape == (2, 2)


def test_bounds_hold_what_they_are_of():
    """The quantile of all calls lies between them; a peer that takes twice as long has the ratio 2."""
    times = np.random.default_rng(0).gamma(2.0, size=(40, 20))

    low, high = quantile_bounds(times, 0.95, seed=1)

    assert low <= np.quantile(times, 0.95) <= high
    assert ratio_bounds(times, 2 * times, 0.5, seed=1) == pytest.approx((2.0, 2.0))


def test_a_request_of_one_message_is_decided_by_its_text():
    """What is timed as a prompt and what scikit-learn reads are the same."""
    assert Request(messages=as_messages("Why?")).text == "Why?"
