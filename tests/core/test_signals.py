"""What is read off an answer."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.features import HAND, cut, fold, prompt_features
from router.signals import NAMES, agreement, answer_signals, check_sums, format_broken
from router.types import Logprobs, ResponseFormat, ToolCall
from tests.kit import ask, said


def signals(text, *, prompt="What is 2 + 2?", **changes):
    return dict(zip(NAMES, answer_signals(ask(prompt), said(text, **changes)).tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 * 4 * 2 = 24", (1, 0)),
        ("2 + 3 * 4 = 14", (1, 0)),
        ("2 + 3 * 4 = 20", (1, 1)),
        ("(2 + 3) * 4 = 20", (1, 0)),
        ("10 / 3 = 3.33", (1, 0)),
        ("10 / 3 = 3.34", (1, 1)),
        ("$1,000 - 50 = $950", (1, 0)),
        ("20% * 50 = 10", (1, 0)),
        ("7 - 9 = -2", (1, 0)),
        ("so 5+5=10, then 10*2=21", (2, 1)),
        ("1 / 0 = 0", (0, 0)),
        ("x = 4, no sums here", (0, 0)),
        ("", (0, 0)),
        ("3 days * 4 hours/day = 12 hours", (1, 0)),
        ("4 (blue) + 2 x 4 (yellow) = 13", (1, 1)),
        ("4 x 3 = <<4*3=12>>12", (2, 0)),
        ("20% of 50 = 10, 5/11 of the 44 = 20", (2, 0)),
        ("3 / 4 = 75%", (1, 0)),
        ("10 / 3 ≈ 3", (1, 0)),
        (r"\frac{3}{4} \times 8 = \$7", (1, 1)),
        ("- 3 * 4 = 12", (1, 0)),
        ("5 - 8 = -3", (1, 0)),
        ("2^3 = 9", (1, 1)),
        ("3 * 4 = 12 = 13", (2, 1)),
        ("1 / 2 = 40 / 2 = 20", (2, 1)),
        ("the cost of 2 = 5", (0, 0)),
        ("2x + 10 = 35", (0, 0)),
        ("2(3) = 7", (0, 0)),
        ("1 1/2 = 1.5", (0, 0)),
        ("(so 2 + 3 = 5)", (1, 0)),
        ("0 - 1 ^ 0.5 = 7 * y", (0, 0)),
    ],
)
def test_sums_are_checked_again(text, found):
    assert check_sums(text) == found


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(1, 99)), min_size=1, max_size=6), st.integers(1, 99))
def test_a_true_chain_is_never_flagged(rest, first):
    expression = str(first) + "".join(f" {sign} {value}" for sign, value in rest)
    assert check_sums(f"{expression} = {eval(expression)}") == (1, 0)


def test_log_probabilities_are_summed_up():
    logprobs = Logprobs(tokens=("a", "b"), values=(-0.1, -1.5), top=((-0.1, -2.6), (-1.5, -1.6)))

    read = signals("ab", logprobs=logprobs)

    assert read["logprob_sum"] == pytest.approx(-1.6)
    assert read["logprob_min"] == -1.5
    assert read["unsure_share"] == 0.5
    assert read["longest_unsure"] == 1
    assert read["margin_first"] == pytest.approx(2.5)
    assert read["has_logprobs"] == 1


def test_missing_log_probabilities_are_nan_and_said_so():
    read = signals("four")

    assert math.isnan(read["logprob_mean"])
    assert read["has_logprobs"] == 0


def test_a_refusal_a_loop_and_a_cut_answer_are_seen():
    assert signals("I'm sorry, I can't help with that.")["refused"] == 1
    assert signals("", stop="refusal")["refused"] == 1
    assert signals("yes no yes no yes no yes no")["repetition"] > 0.5
    assert signals("and then", stop="length")["truncated"] == 1
    assert signals(" ")["empty"] == 1
    assert signals("42.")["is_number"] == 1
    assert signals("about 42")["is_number"] == 0


@pytest.mark.parametrize(
    ("form", "text", "broken"),
    [
        (None, "anything", False),
        (ResponseFormat(), '{"a": 1}', False),
        (ResponseFormat(), "a: 1", True),
        (ResponseFormat(), "[1]", True),
        (ResponseFormat(schema={"type": "object", "required": ["a"]}), '{"b": 1}', True),
        (ResponseFormat(schema={"type": "array"}), "[1]", False),
    ],
)
def test_an_answer_of_another_form_than_asked_for_is_seen(form, text, broken):
    assert format_broken(ask(response_format=form), said(text)) is broken


def test_a_tool_call_is_no_broken_form():
    call = ToolCall(id="1", name="f", arguments="{}")
    assert not format_broken(ask(response_format=ResponseFormat()), said("", tool_calls=(call,)))


def test_agreement_folds_case_and_signs():
    assert agreement("Paris.", " paris") == (1.0, 1.0)
    assert agreement("in Paris", "Paris") == (0.0, 0.5)
    assert agreement("", "") == (1.0, 1.0)


@given(st.text(min_size=1).filter(str.strip), st.text())
def test_any_text_can_be_read(prompt, text):
    features = prompt_features(ask(prompt))
    read = answer_signals(ask(prompt), said(text))

    assert features.hand.shape == (len(HAND),)
    assert np.isfinite(features.hand).all()
    assert read.shape == (len(NAMES),)
    assert not np.isinf(read).any()


def test_no_number_of_a_prompt_survives_folding():
    one, other = prompt_features(ask("Pay 1234 to 99")), prompt_features(ask("Pay 8765 to 10"))

    assert (one.words == other.words).all()


def test_a_question_amid_blank_pages_is_read():
    features = prompt_features(ask(" " * 30_000 + "What is 2 + 2?" + "\n" * 30_000))

    assert (features.words == prompt_features(ask("What is 2 + 2?")).words).all()


@given(st.text(alphabet="ab Z09'\n+é-", min_size=1).filter(str.strip))
def test_tokens_are_words_runs_of_digits_line_breaks_and_single_signs(text):
    folded = fold(text.strip())
    found = cut(folded)
    pattern = re.compile(rb"0+|[a-z_\x80-\xff']+|\n+|[^\sa-z0_\x80-\xff']")
    expected = [(match.start(), len(match.group())) for match in pattern.finditer(folded)]

    assert list(zip(found.starts.tolist(), found.lengths.tolist(), strict=True)) == expected
    words = [folded[start : start + size] for start, size in expected]
    assert len(set(words)) == len(set(found.keys.tolist()))
    assert [int(cut(word).keys[0]) for word in words] == found.keys.tolist()


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=40))
def test_quantiles_are_numpys(values):
    logprobs = Logprobs(tokens=("t",) * len(values), values=tuple(values))
    read = signals("x", logprobs=logprobs)

    assert read["logprob_q25"] == pytest.approx(np.quantile(values, 0.25), abs=1e-9)
    assert read["logprob_q05"] == pytest.approx(np.quantile(values, 0.05), abs=1e-9)


def test_reading_a_huge_prompt_is_bounded():
    features = prompt_features(ask("word " * 2_000_000))

    assert len(features.words) < 50_000
    assert features.hand[HAND.index("log_chars")] == pytest.approx(math.log1p(10_000_000))
