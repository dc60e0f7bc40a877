"""Log-probabilities, good and bad."""

from __future__ import annotations

import math

import pytest

from router.providers.logprobs import FLOOR, columns, listed, of_answer


def tokens(*pairs, **more):
    return listed([{"token": text, "logprob": value, **more} for text, value in pairs])


def read(found, text):
    return of_answer(found, generated=text, shown=text)


@pytest.mark.parametrize("bad", [math.nan, None, "x", math.inf, True])
def test_one_bad_value_spoils_all(bad):
    """A mean over what is left would be a lie."""
    assert read(tokens(("4", -0.1), ("2", bad)), "42") is None


def test_minus_infinity_becomes_a_floor():
    """And so does OpenAI's -9999; a value a hair above 0 is 0."""
    found = read(tokens(("4", -math.inf), ("2", -9999.0), ("!", 1e-7)), "42!")
    assert found.values == (FLOOR, FLOOR, 0.0)


def test_alternatives_are_ranked_and_bad_ones_dropped():
    """They are a sample anyway."""
    others = [{"logprob": value} for value in (-3.0, None, -1.0, math.nan, -math.inf)]
    assert read(tokens(("4", -1.0), top_logprobs=others), "4").top == ((-1.0, -3.0, FLOOR),)


def test_no_alternatives_are_an_empty_tuple():
    """As where the server sends none."""
    assert read(tokens(("4", -1.0)), "4").top == ()


def test_only_the_visible_answer_counts():
    """Hidden thought before it, a stop string and the end of the text after it."""
    found = tokens(
        ("<think>", -5.0), ("42?", -5.0), ("</think>", -5.0), ("4", -0.1), ("2", -0.2), ("\n", -9.0), ("", -0.0)
    )
    assert read(found, "42").tokens == ("4", "2")
    assert of_answer(tokens(("42", -0.1), ("\n", -1.0), ("42", -2.0)), generated="42\n42", shown="42").values == (-0.1,)


def test_half_characters_are_counted_in_bytes():
    """A server writes them as bytes, and the text as a replacement."""
    half = [
        {"token": "\\xc3", "bytes": [0xC3], "logprob": -0.1},
        {"token": "\\xa9", "bytes": [0xA9], "logprob": -0.2},
        {"token": "</s>", "bytes": [], "logprob": -3.0},
    ]
    assert read(listed(half), "é").values == (-0.1, -0.2)


def test_text_that_the_tokens_do_not_spell_keeps_them_all():
    """Servers trim and reparse; a guess about which tokens to drop would be worse."""
    assert read(tokens(("4", -0.1), ("3", -0.2)), "42").values == (-0.1, -0.2)


def test_nothing_is_none():
    """No tokens, or an empty answer."""
    assert read([], "42") is None
    assert read(tokens(("", -0.1)), "") is None


def test_short_columns_are_missing_values():
    """A list that ends early has no value there."""
    assert read(columns({"tokens": ["4", "2"], "token_logprobs": [-0.1]}), "42") is None
