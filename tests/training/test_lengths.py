"""Expected lengths of calls, from which their expected costs are reckoned. All data is simulated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


MODEL = fit_lengths(sample(shared=0.9), QUIET)


def expected(model, chars=100):
    return model.expected(FEATURES, chars)


def after(model, tokens, *, rank=0, chars=100):
    """What is expected once tier ``rank`` has written ``tokens`` and read as expected."""
    read = round(expected(model, chars).prompt[rank])
    return model.after(FEATURES, chars, rank=rank, read=read, written=tokens)


def test_prompt_tokens_are_a_line_in_the_characters():
    """Each tier has its own tokeniser and its own template; far outside of what was seen as well."""
    model = fit_lengths(sample(shared=0.5), QUIET)

    assert model.prompt.tokens_per_char == pytest.approx([0.25, 0.2])
    assert model.prompt.overhead == pytest.approx([7.0, 3.0])
    assert expected(model, 1000).prompt == pytest.approx([257.0, 203.0])
    assert expected(model, 1_000_000).prompt == pytest.approx([250_007.0, 200_003.0], rel=0.01)


def test_prompt_tokens_that_go_by_the_kind_of_prompt_are_learned():
    """Calls of one kind hold much beside the prompt's characters: the line is multiplied, kind by kind."""
    found = sample(shared=0.5)
    kind = np.arange(400) % 2
    hand = QUIET.copy()
    hand[:, 3] = kind
    model = fit_lengths(replace(found, read=found.read * (1 + 2 * kind[:, None])), hand)
    tall = replace(FEATURES, hand=hand[1])

    assert model.expected(replace(FEATURES, hand=hand[0]), 1000).prompt == pytest.approx([257.0, 203.0], rel=0.05)
    assert model.expected(tall, 1000).prompt == pytest.approx([771.0, 609.0], rel=0.05)


def test_a_prompt_is_never_expected_to_have_fewer_tokens_a_character_than_were_seen():
    """Where tokens do not grow with characters in what was seen, they do beyond it."""
    found = sample(shared=0.5)
    flat = replace(found, read=np.full((400, 2), 500.0))
    model = fit_lengths(flat, QUIET)

    assert expected(model, 1000).prompt == pytest.approx([500.0, 500.0], rel=0.01)
    assert (expected(model, 100_000).prompt >= 100_000 * 500 / 4000 * 0.99).all()


def test_prompts_of_one_length_have_their_mean():
    """No line goes through one point."""
    found = sample(shared=0.5)
    model = fit_lengths(replace(found, chars=np.full(400, 100.0)), QUIET)

    assert expected(model).prompt == pytest.approx(found.read.mean(axis=0))


def test_the_expected_length_is_the_mean_and_not_the_median():
    """A regression on logarithms is corrected when it is turned back (Duan 1983)."""
    found = sample(shared=0.5)

    answer = expected(fit_lengths(found, QUIET), 2000).answer

    assert answer == pytest.approx(found.written.mean(axis=0), rel=0.05)
    assert (answer > 1.1 * np.median(found.written, axis=0)).all()


def test_a_long_answer_raises_what_the_next_one_is_expected_to_cost():
    """Where answers of one prompt are long together, the first one's surprise is carried to the second."""
    model = fit_lengths(sample(shared=0.9), QUIET)

    short, usual, long = (after(model, tokens).answer[1] for tokens in (10, 55, 300))

    assert short < 0.5 * usual
    assert long > 2 * usual
    assert 0.8 < model.answer.carry[0, 1] < 1.1


def test_a_carried_surprise_predicts_better_than_none():
    """On fresh answers, knowing the first tier's length brings the second's squared error on the log scale down."""
    found = sample(shared=0.9)
    half = np.arange(400) < 200
    model = fit_lengths(found.take(half), QUIET[half])
    fresh = found.take(~half)

    blind = math.log(expected(model).answer[1])
    told = np.log([after(model, round(tokens)).answer[1] for tokens in fresh.written[:, 0]])

    truth = np.log(fresh.written[:, 1])
    assert ((told - truth) ** 2).mean() < 0.5 * ((blind - truth) ** 2).mean()


def test_answers_that_are_long_by_themselves_carry_nothing():
    """Unrelated lengths teach nothing of each other."""
    model = fit_lengths(sample(shared=0.0), QUIET)

    assert abs(model.answer.carry[0, 1]) < 0.15
    assert after(model, 500).answer[1] == pytest.approx(expected(model).answer[1], rel=0.3)


def test_a_tier_that_was_never_called_is_expected_to_write_a_token():
    """Nothing is known of it, and nothing that is known of others breaks."""
    found = sample(shared=0.9)
    nothing = np.full((400, 1), np.nan)
    wider = Lengths(found.chars, np.column_stack([found.read, nothing]), np.column_stack([found.written, nothing]))

    model = fit_lengths(wider, QUIET)

    assert expected(model).answer[2] == 1.0
    assert model.answer.carry[2].tolist() == [0.0, 0.0, 0.0]
    assert after(model, 55).answer[:2] == pytest.approx(after(fit_lengths(found, QUIET), 55).answer)


@given(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_expected_is_a_number_whatever_was_measured(chars, read, written):
    """An empty prompt, an answer of no token, and a context that nobody has."""
    found = MODEL.after(FEATURES, chars, rank=0, read=read, written=written)

    assert np.isfinite(found.prompt).all()
    assert (found.answer > 0).all()
    assert (found.answer < 1e7).all()


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
