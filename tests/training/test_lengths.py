"""Expected lengths of calls, from which their expected costs are reckoned. All data is simulated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from router.features import HAND, prompt_features
from tests.kit import ask
from tests.training.simulated_tiers import logs
from training.lengths import Lengths, fit_lengths, lengths_of

FEATURES = prompt_features(ask("name the rivers"))
QUIET = np.zeros((400, len(HAND)))


def sample(*, shared, n=400):
    """Answers of two tiers; ``shared`` is how much of their lengths' scatter is the prompt's own."""
    rng = np.random.default_rng(0)
    prompt, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 2))
    chars = rng.integers(40, 4000, n).astype(float)
    return Lengths(
        chars=chars,
        read=np.column_stack([7 + chars / 4, 3 + chars / 5]),
        written=np.exp(4 + 0.8 * (shared * prompt + (1 - shared) * own)),
    )


def test_prompt_tokens_are_a_line_in_the_characters():
    """Each tier has its own tokeniser and its own template."""
    model = fit_lengths(sample(shared=0.5), QUIET)

    assert model.tokens_per_char == pytest.approx([0.25, 0.2])
    assert model.overhead == pytest.approx([7.0, 3.0])
    assert model.prompt_tokens(1000) == pytest.approx([257.0, 203.0])


def test_prompts_of_one_length_have_their_mean():
    """No line goes through one point."""
    found = sample(shared=0.5)
    model = fit_lengths(replace(found, chars=np.full(400, 100.0)), QUIET)

    assert model.tokens_per_char.tolist() == [0.0, 0.0]
    assert model.overhead == pytest.approx(found.read.mean(axis=0))


def test_the_expected_length_is_the_mean_and_not_the_median():
    """A regression on logarithms is corrected when it is turned back (Duan 1983)."""
    found = sample(shared=0.5)

    expected = fit_lengths(found, QUIET).answer_tokens(FEATURES)

    assert expected == pytest.approx(found.written.mean(axis=0), rel=0.01)
    assert (expected > 1.1 * np.median(found.written, axis=0)).all()


def test_a_long_answer_raises_what_the_next_one_is_expected_to_cost():
    """Where answers of one prompt are long together, the first one's surprise is carried to the second."""
    model = fit_lengths(sample(shared=0.9), QUIET)

    short, usual, long = (model.answer_tokens_after(FEATURES, 0, tokens)[1] for tokens in (10, 55, 300))

    assert short < 0.5 * usual
    assert long > 2 * usual
    assert 0.8 < model.carry[0, 1] < 1.1


def test_a_carried_surprise_predicts_better_than_none():
    """On fresh answers, knowing the first tier's length brings the second's squared error on the log scale down."""
    found = sample(shared=0.9)
    half = np.arange(400) < 200
    model = fit_lengths(found.take(half), QUIET[half])
    fresh = found.take(~half)

    blind = math.log(model.answer_tokens(FEATURES)[1])
    told = np.log([model.answer_tokens_after(FEATURES, 0, round(tokens))[1] for tokens in fresh.written[:, 0]])

    truth = np.log(fresh.written[:, 1])
    assert ((told - truth) ** 2).mean() < 0.5 * ((blind - truth) ** 2).mean()


def test_answers_that_are_long_by_themselves_carry_nothing():
    """Unrelated lengths teach nothing of each other."""
    model = fit_lengths(sample(shared=0.0), QUIET)

    assert abs(model.carry[0, 1]) < 0.15
    assert model.answer_tokens_after(FEATURES, 0, 500)[1] == pytest.approx(model.answer_tokens(FEATURES)[1], rel=0.3)


def test_a_tier_that_was_never_called_is_expected_to_write_a_token():
    """Nothing is known of it, and nothing that is known of others breaks."""
    found = sample(shared=0.9)
    nothing = np.full((400, 1), np.nan)
    wider = Lengths(found.chars, np.column_stack([found.read, nothing]), np.column_stack([found.written, nothing]))

    model = fit_lengths(wider, QUIET)

    assert model.answer_tokens(FEATURES)[2] == 1.0
    assert model.carry[2].tolist() == [0.0, 0.0, 0.0]
    assert model.answer_tokens_after(FEATURES, 0, 55)[:2] == pytest.approx(
        fit_lengths(found, QUIET).answer_tokens_after(FEATURES, 0, 55)
    )


def test_what_was_measured_is_read_off_the_answers():
    """Characters of the prompt, tokens read and written; NaN where a tier was not asked or said nothing of it."""
    first, second, *_ = logs(3, count=2).queries
    mute = replace(second.outcomes[0], completion=replace(second.outcomes[0].completion, usage=None))
    queries = [replace(first, outcomes=(first.outcomes[0], None)), replace(second, outcomes=(mute, second.outcomes[1]))]

    found = lengths_of(queries)

    assert [float(len(query.request.messages[0].content)) for query in queries] == found.chars.tolist()
    assert found.written[0, 0] == first.outcomes[0].completion.usage.output_tokens
    assert np.isnan(found.read).tolist() == [[False, True], [True, False]]
    assert np.isnan(found.written).tolist() == [[False, True], [True, False]]
