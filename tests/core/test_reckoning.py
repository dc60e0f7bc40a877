"""How an answer reckons, and how it is worded beside its question."""

from __future__ import annotations

import json
import math
import time

import pytest

from router.ledger.codec import encode
from router.signals import NAMES, TELLING, answer_signals
from router.signals.reading import read
from router.types import Message, Request
from tests.kit import ask, said
from tests.ledger.samples import attempt, decision

QUESTION = (
    "There are 3 boxes of 12 eggs. Anna sells half for $2 each. Then Bert pays 9. How many dollars does Anna get?"
)
RIGHT = "There are 3 * 12 = 36 eggs. Anna sells 36 / 2 = 18 eggs. So she gets 18 * $2 = $36 dollars."


def signals(text, *, prompt=QUESTION):
    return dict(zip(NAMES, answer_signals(ask(prompt), said(text)).tolist(), strict=True))


def test_a_text_is_cut_into_numbers_signs_and_words():
    found = read("1. Pay $1,000.50, or 20% of \\frac{1}{2}\n- x = 3")

    assert found.tokens[:2] == ("\n1. ", "Pay")
    assert found.codes == ".w$n,wns((n)s(n)).ven"
    assert found.values == {3: 1000.5, 6: 0.2, 10: 1.0, 14: 2.0, 20: 3.0}


def test_steps_are_followed_from_the_prompt_to_the_final_number():
    read = signals(RIGHT)

    assert read["steps"] == pytest.approx(math.log1p(3))
    assert read["idle_steps"] == 0
    assert read["unknown_operands"] == 0
    assert read["results_reused"] == 2
    assert read["givens"] == pytest.approx(math.log1p(4))
    assert read["givens_unused"] == 1, "nobody needs what Bert paid"
    assert read["ratios"] == 1
    assert read["ratios_unused_share"] == 0
    assert read["final_log"] == pytest.approx(math.log1p(36))
    assert read["final_computed"] == read["final_latest"] == 1
    assert read["final_over_largest"] == pytest.approx(math.log(3), abs=1e-3)


def test_a_result_that_nobody_uses_and_a_number_from_nowhere_are_seen():
    read = signals("First 3 * 12 = 36. Then 17 + 5 = 22. She gets 36 - 2 = 34.")

    assert read["idle_steps"] == 1
    assert read["idle_share"] == pytest.approx(1 / 3)
    assert read["unknown_operands"] == pytest.approx(2 / 6)
    assert read["final_log"] == pytest.approx(math.log1p(34))


def test_an_answer_that_ends_on_another_number_than_it_computed_is_seen():
    read = signals("3 * 12 = 36, so she gets 40.5")

    assert read["final_computed"] == read["final_latest"] == read["final_given"] == 0
    assert read["final_decimals"] == 1


def test_a_final_number_below_zero_and_a_fraction_on_the_way_are_seen():
    read = signals("9 / 2 = 4.5 and 3 - 12 = -9")

    assert read["final_negative"] == 1
    assert read["fraction_steps"] == 0.5


def test_numbers_that_are_told_in_words_are_given():
    assert signals("7 * 2 = 14", prompt="Seven hens lay two eggs each. How many?")["unknown_operands"] == 0


def test_a_number_that_changes_what_it_counts_is_seen():
    prompt = "There are 5 red apples and 8 green pears."

    assert signals("The 5 red apples and 8 pears are 13.", prompt=prompt)["givens_relabelled"] == 0
    assert signals("With 8 red apples, 13.", prompt=prompt)["givens_relabelled"] == 0, "near apples in the prompt too"
    assert signals("There are 5 boxes.", prompt=prompt)["givens_relabelled"] == 1


def test_a_text_without_numbers_reckons_nothing():
    read = signals("The sky is blue.", prompt="Why is the sky blue?")

    assert read["steps"] == read["sums_checked"] == 0
    assert math.isnan(read["final_log"])
    assert math.isnan(read["final_computed"])


def test_an_answer_is_read_beside_the_question():
    read = signals(RIGHT)

    assert read["asks_how_many"] == 1
    assert read["asks_percent"] == 0
    assert read["question_words"] == 3, "dollars, Anna, get"
    assert read["question_covered"] == 1
    assert read["question_closed"] == pytest.approx(2 / 3), "all but Anna"
    assert read["names_covered"] == 0.5, "Anna, and not Bert"
    assert read["money_asked"] == read["money_closed"] == 1
    assert read["concludes"] == 1


def test_doubts_and_breaks_are_counted():
    read = signals("However, this is not possible, since I made a mistake. Let us assume (3 +")

    assert (read["contrasts"], read["reasons"], read["negates"], read["fails"], read["supposes"]) == (1, 1, 1, 1, 2)
    assert read["open_brackets"] == 1
    assert read["ends_amid"] == 1


def test_only_the_last_question_of_a_conversation_gives_its_numbers():
    request = Request(
        messages=(
            Message(role="user", content="What is 17 + 4?"),
            Message(role="assistant", content="21"),
            Message(role="user", content="And 3 + 5?"),
        )
    )

    read = dict(zip(NAMES, answer_signals(request, said("3 + 5 = 8")).tolist(), strict=True))

    assert read["givens"] == pytest.approx(math.log1p(2))
    assert read["givens_unused"] == 0


def test_signals_that_tell_a_number_are_not_kept_where_its_text_is_not():
    made = decision(attempts=(attempt(signals=dict.fromkeys(NAMES, 1.0)),))

    (row,) = encode(made, None, kept="hash").attempts

    assert set(json.loads(row[-1])) == set(NAMES) - TELLING
    assert set(NAMES) > TELLING


def test_reading_a_huge_answer_is_bounded():
    began = time.process_time()
    for text in ("1 + 1 = 2\n" * 100_000, "$3 (a b) of 5% " * 100_000, "(" * 1_000_000, "9" * 1_000_000):
        assert not any(map(math.isinf, signals(text, prompt="1 " * 100_000).values()))
    assert time.process_time() - began < 5.0
